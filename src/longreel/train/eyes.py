"""Train tower and projector to say what a frame shows, in the decoder's own word embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset, SequentialSampler
from transformers import Trainer, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from longreel.train.language import Schedule
from longreel.train.shots import ATTRIBUTES, Shots

_SCALE = 10.0


class Clips(Dataset[dict[str, Tensor]]):
    """Item i is a whole batch of random clips with random brightness, determined by (seed, i)."""

    def __init__(self, films: Sequence[Shots], clip: int, batch: int, steps: int, seed: int) -> None:
        self._films, self._clip, self._batch, self._steps, self._seed = films, clip, batch, steps, seed

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Pixels uint8 (batch, clip, 3, h, w) and labels (batch, clip, 4)."""
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + index)
        pixels, labels = [], []
        for _ in range(self._batch):
            film = self._films[int(torch.randint(len(self._films), (1,), generator=generator))]
            start = int(torch.randint(len(film.pixels) - self._clip + 1, (1,), generator=generator))
            part = slice(start, start + self._clip)
            pixels.append(_jitter(film.pixels[part], generator))
            labels.append(film.labels[part])
        return {"pixels": torch.stack(pixels), "labels": torch.stack(labels)}


def _jitter(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Shift by up to 3 pixels, change brightness and contrast a little; one choice per clip."""
    dy, dx = (int(torch.randint(-3, 4, (1,), generator=generator)) for _ in range(2))
    gain = 1 + 0.15 * float(torch.randn(1, generator=generator).clamp(-2, 2))
    moved = torch.roll(pixels, (dy, dx), (-2, -1)).float().sub_(128).mul_(gain).add_(128)
    return moved.clamp_(0, 255).to(torch.uint8)


class Eyes(nn.Module):
    """Tower and projector with the word embeddings, frozen, as classifiers: token k names attribute k."""

    def __init__(self, tower: nn.Module, projector: nn.Module, words: Sequence[Tensor]) -> None:
        super().__init__()
        self.tower = tower
        self.projector = projector
        for number, embeddings in enumerate(words):
            self.register_buffer(f"words_{number}", embeddings.clone())

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Logits per attribute, each (clips, T, its words)."""
        tokens = self.projector(self.tower(pixels))
        return [
            _SCALE * tokens[:, :, number] @ getattr(self, f"words_{number}").T for number in range(len(ATTRIBUTES))
        ]


class EyesTrainer(Trainer):
    """Cross-entropy over all attributes of all frames."""

    def _get_train_sampler(self, *args: Any, **kwargs: Any) -> SequentialSampler:
        return SequentialSampler(self.train_dataset)  # type: ignore[arg-type]

    def compute_loss(  # type: ignore[override]
        self, model: nn.Module, inputs: dict[str, Tensor], return_outputs: bool = False, **_: Any
    ) -> Tensor:
        """Sum over attributes of the mean cross-entropy."""
        logits = model(inputs["pixels"])
        labels = inputs["labels"].unbind(-1)
        losses = [
            cross_entropy(guess.float().flatten(0, -2), label.flatten(), ignore_index=-1, label_smoothing=0.02)
            for guess, label in zip(logits, labels, strict=True)
        ]
        return torch.stack(losses).sum()


def train_eyes(
    eyes: Eyes, films: Sequence[Shots], clip: int, batch: int, schedule: Schedule, *, out: Path, seed: int
) -> None:
    """Train in place; checkpoints go to `out`, from the last of which a run resumes."""
    arguments = TrainingArguments(
        output_dir=str(out),
        max_steps=schedule.steps,
        per_device_train_batch_size=1,
        learning_rate=schedule.learning_rate,
        warmup_steps=schedule.warmup,
        lr_scheduler_type="cosine",
        weight_decay=0.02,
        logging_steps=25,
        save_steps=schedule.save_steps,
        save_total_limit=1,
        seed=seed,
        report_to=[],
        remove_unused_columns=False,
        disable_tqdm=True,
        bf16=True,
        use_cpu=not torch.cuda.is_available(),
    )
    trainer = EyesTrainer(
        model=eyes,
        args=arguments,
        train_dataset=Clips(films, clip, batch, schedule.steps, seed),
        data_collator=lambda items: items[0],
    )
    last = get_last_checkpoint(str(out)) if out.exists() else None
    trainer.train(resume_from_checkpoint=last)


@torch.no_grad()
def eye_accuracy(eyes: Eyes, films: Sequence[Shots], clip: int) -> list[float]:
    """Share of frames whose object, colour, place and action are named rightly."""
    eyes.eval()
    right, count = torch.zeros(len(ATTRIBUTES)), torch.zeros(len(ATTRIBUTES))
    for film in films:
        whole = len(film.pixels) // clip * clip
        guesses = eyes(film.pixels[:whole].unflatten(0, (-1, clip)))
        for number, guess in enumerate(guesses):
            label = film.labels[:whole, number]
            right[number] += (guess.flatten(0, 1).argmax(-1) == label)[label >= 0].sum()
            count[number] += (label >= 0).sum()
    return [float(share) for share in right / count]
