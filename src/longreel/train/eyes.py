"""Train the vision tower to find the thing in a frame and to name what the frame shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, smooth_l1_loss
from torch.utils.data import Dataset

from longreel.models.video_xl.glance_tower import GlanceTower
from longreel.train.shots import Shots
from longreel.train.trainer import BatchTrainer, Schedule, Stage, arguments_for, train_to_the_end

# How far training crops miss the thing: their middle as a share of the side, and the side itself.
_MISS_MIDDLE, _MISS_SIDE = 0.05, 0.07
_BOX_WEIGHT = 5.0
_SHARE_TRUE_COLOURS = 0.4
_SHARE_STRAIGHT = 0.4
_BOX_NOISE = 0.1  # in the units of a course: a hundredth of the picture
_FOLLOWING = ("near", "far", "action")

T = TypeVar("T")

# What a tower noticed in a film, (F, features), and the actions to be told from it, (F,).
Course = tuple[Tensor, Tensor]


class Clips(Dataset[dict[str, Tensor]]):
    """Item i is a whole batch of random clips, shifted and relit at random, determined by (seed, i).

    Half of the clips come from `brief` films, whose many short scenes show many things, half from `films`.
    """

    def __init__(
        self, films: Sequence[Shots], brief: Sequence[Shots], clip: int, batch: int, steps: int, seed: int
    ) -> None:
        self._pools, self._clip, self._batch, self._steps, self._seed = (
            (brief, films),
            clip,
            batch,
            steps,
            seed,
        )

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Pixels uint8 (batch, clip, 3, h, w), labels, boxes and shown as in `Shots`, tilt (batch,)."""
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + index)
        clips = [self._clip_of(self._pools[number % 2], generator) for number in range(self._batch)]
        return {name: torch.stack([clip[name] for clip in clips]) for name in clips[0]}

    def _clip_of(self, films: Sequence[Shots], generator: torch.Generator) -> dict[str, Tensor]:
        film = _any_of(films, generator)
        start = int(torch.randint(len(film.pixels) - self._clip + 1, (1,), generator=generator))
        part = slice(start, start + self._clip)
        pixels, boxes = _shifted(film.pixels[part], film.boxes[part], generator)
        pixels, labels = _recoloured(pixels, film.labels[part], generator)
        return {
            "pixels": _relit(pixels, generator),
            "labels": labels,
            "boxes": boxes,
            "tilt": _tilt(generator),
            "shown": film.shown[part],
        }


def _shifted(pixels: Tensor, boxes: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Move a clip by up to 4 pixels in each direction."""
    dy, dx = (int(torch.randint(-4, 5, (1,), generator=generator)) for _ in range(2))
    height, width = pixels.shape[-2:]
    moved = boxes + torch.tensor([dx / width, dy / height, 0.0])
    return torch.roll(pixels, (dy, dx), (-2, -1)), moved


def _tilt(generator: torch.Generator) -> Tensor:
    """Radians by which a whole clip's details are turned: some things never spin in training."""
    straight = float(torch.rand(1, generator=generator)) < _SHARE_STRAIGHT
    return torch.zeros(()) if straight else 2 * math.pi * torch.rand((), generator=generator)


def _recoloured(pixels: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Give most clips other colours, by channel: those teach things, and the others colours.

    Training never shows some things in some colours. A tower that learned both from one picture would
    conclude from a colour what a thing cannot be, and take things in such colours for others.
    """
    labels = labels.clone()
    if float(torch.rand(1, generator=generator)) < _SHARE_TRUE_COLOURS:
        labels[:, 0] = -1
        return pixels, labels
    labels[:, 1] = -1
    exchanged = pixels[:, torch.randperm(3, generator=generator)].float()
    # Only a negative turns white into another colour.
    if float(torch.rand(1, generator=generator)) < 0.5:
        exchanged = 255 - exchanged
    gain = 0.3 + 0.9 * torch.rand(3, 1, 1, generator=generator)
    shift = 60 * (torch.rand(3, 1, 1, generator=generator) - 0.3)
    return (exchanged * gain + shift).clamp_(0, 255).to(torch.uint8), labels


def _relit(pixels: Tensor, generator: torch.Generator) -> Tensor:
    gain = 1 + 0.08 * float(torch.randn(1, generator=generator).clamp(-2, 2))
    lit = pixels.float().sub_(128).mul_(gain).add_(128)
    return lit.clamp_(0, 255).to(torch.uint8)


class EyesTrainer(BatchTrainer):
    """The tower alone: where the thing is, and the words of every frame."""

    def compute_loss(  # type: ignore[override]
        self, model: nn.Module, inputs: dict[str, Tensor], return_outputs: bool = False, **_: Any
    ) -> Tensor:
        """Cross-entropy of each attribute's word and of being shown, plus the error of the box."""
        boxes, shown = inputs["boxes"], inputs["shown"]
        known = ~boxes[..., 0].isnan()
        look_at = _missed(boxes.nan_to_num(0.5))
        sight = model.see(inputs["pixels"], look_at, inputs["tilt"])  # type: ignore[operator]
        parts = [
            cross_entropy(guess.float().flatten(0, 1), label.flatten(), ignore_index=-1, label_smoothing=0.02)
            for guess, label in zip(sight.words, inputs["labels"].unbind(-1), strict=True)
        ]
        parts.append(_BOX_WEIGHT * smooth_l1_loss(sight.box.float()[known], boxes[known], beta=0.05))
        sure = ~shown.isnan()
        parts.append(binary_cross_entropy_with_logits(sight.shown.float()[sure], shown[sure]))
        return torch.stack(parts).sum()


def _missed(boxes: Tensor) -> Tensor:
    """Boxes as the tower might find them, so that words are learned from imperfect crops too."""
    middle = boxes[..., :2] + _MISS_MIDDLE * boxes[..., 2:] * torch.randn_like(boxes[..., :2])
    return torch.cat((middle, boxes[..., 2:] * (_MISS_SIDE * torch.randn_like(boxes[..., 2:])).exp()), dim=-1)


def train_eyes(
    tower: GlanceTower,
    films: Sequence[Shots],
    brief: Sequence[Shots],
    batch: int,
    schedule: Schedule,
    stage: Stage,
) -> None:
    """Train in place, from the stage's last checkpoint if there is one."""
    data = Clips(films, brief, tower.config.clip, batch, schedule.steps, stage.seed)
    _train(EyesTrainer, tower, data, schedule, stage)


class Courses(Dataset[dict[str, Tensor]]):
    """Item i is a batch of random stretches of what the finished eyes noticed, determined by (seed, i)."""

    def __init__(
        self, pools: Sequence[Sequence[Course]], clip: int, batch: int, steps: int, seed: int
    ) -> None:
        self._pools, self._clip, self._batch, self._steps, self._seed = pools, clip, batch, steps, seed

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Courses (batch, clip, features) with a little noise in the boxes, labels (batch, clip)."""
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + index)
        stretches, labels = [], []
        for number in range(self._batch):
            course, label = _any_of(self._pools[number % len(self._pools)], generator)
            start = int(torch.randint(len(course) - self._clip + 1, (1,), generator=generator))
            stretches.append(course[start : start + self._clip])
            labels.append(label[start : start + self._clip])
        courses = torch.stack(stretches)
        courses[..., :3] += _BOX_NOISE * torch.randn(courses[..., :3].shape, generator=generator)
        return {"courses": courses, "labels": torch.stack(labels)}


def _any_of(things: Sequence[T], generator: torch.Generator) -> T:
    return things[int(torch.randint(len(things), (1,), generator=generator))]


class FollowTrainer(BatchTrainer):
    """Only the part of the tower that follows a thing from frame to frame."""

    def compute_loss(  # type: ignore[override]
        self, model: nn.Module, inputs: dict[str, Tensor], return_outputs: bool = False, **_: Any
    ) -> Tensor:
        """Cross-entropy of the action."""
        logits = model.follow(inputs["courses"]).flatten(0, 1)  # type: ignore[operator]
        return cross_entropy(logits, inputs["labels"].flatten(), ignore_index=-1, label_smoothing=0.02)


def train_following(
    tower: GlanceTower,
    films: Sequence[Shots],
    brief: Sequence[Shots],
    batch: int,
    schedule: Schedule,
    stage: Stage,
) -> None:
    """Train, in place, to name actions from boxes found by eyes that no longer change.

    Together with the rest it would learn from boxes that are still wrong.
    """
    tower.eval()
    pools = [[_course(tower, film) for film in pool] for pool in (films, brief)]
    data = Courses(pools, tower.config.clip, batch, schedule.steps, stage.seed)
    for name, parameter in tower.named_parameters():
        parameter.requires_grad_(name.split(".")[0] in _FOLLOWING)
    try:
        _train(FollowTrainer, tower, data, schedule, stage)
    finally:
        tower.requires_grad_(True)


@torch.no_grad()
def _course(tower: GlanceTower, film: Shots) -> Course:
    clip = tower.config.clip
    whole = len(film.pixels) // clip * clip
    # A trainer may have moved the tower; what lessons are drawn from stays with them.
    sight = tower.see(film.pixels[:whole].unflatten(0, (-1, clip)).to(tower.device))
    return sight.course.flatten(0, 1).cpu(), film.labels[:whole, 3]


def _train(
    trainer_class: type[BatchTrainer],
    tower: GlanceTower,
    data: Dataset[dict[str, Tensor]],
    schedule: Schedule,
    stage: Stage,
) -> None:
    arguments = arguments_for(
        schedule, stage, lr_scheduler_type="cosine", weight_decay=0.02, bf16=trainer_class is EyesTrainer
    )
    trainer = trainer_class(tower, data, arguments)
    train_to_the_end(trainer, stage)
    # Half precision is for training only: without this the tower would go on computing in it.
    trainer.accelerator.unwrap_model(tower, keep_fp32_wrapper=False)
