"""A small convolutional vision tower for clips: the eyes of the embedded default model.

It glances at the whole small picture to find the place and the one thing in front, looks at that thing
enlarged, and follows it from frame to frame.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, relu
from transformers import PreTrainedConfig, PreTrainedModel

from longreel.models.video_xl.cells import coverage, ends_of_cells

# A crop shows the thing with a little of what is around it.
_MARGIN = 1.15
# Other colours, as the gain of each channel and whether the result is a negative.
_OTHER_COLOURS = (((0.6, 1.0, 0.8), False), ((1.0, 0.7, 0.5), False), ((1.0, 1.0, 1.0), True))


class GlanceTowerConfig(PreTrainedConfig):
    """Shape of a `GlanceTower`.

    `image_size` is (height, width) in pixels, `words` the number of words for things, colours, places and
    actions, `clip` the number of frames that share temporal context, `crop` the side of the enlarged
    detail in pixels, `glance` and `look` the channels of the two convolutional nets. With `other_colours`
    things are told from details in three other colours than those of the picture: training never shows
    some things in some colours, and their true colours would tell what they cannot be. With `cells`, the
    rows and columns of a grid, a frame's tokens are what its cells show in place of one for each attribute.
    `sureness`, above 0, is the inverse of the temperature at which things are told (arXiv 1706.04599): the
    mean over several colours is right more often than it is sure.

    Raises:
        ValueError: `cells` are not two numbers from 1, or `sureness` is not above 0.
    """

    model_type = "longreel_glance_tower"

    def __init__(
        self,
        image_size: tuple[int, int] | list[int] = (64, 96),
        words: tuple[int, ...] | list[int] = (256, 8, 16, 8),
        clip: int = 16,
        crop: int = 40,
        glance: tuple[int, ...] | list[int] = (24, 48, 96),
        look: tuple[int, ...] | list[int] = (32, 64, 128),
        motion: int = 96,
        other_colours: bool = False,
        cells: tuple[int, int] | list[int] | None = None,
        sureness: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.image_size = list(image_size)
        self.words = list(words)
        self.clip = clip
        self.crop = crop
        self.glance = list(glance)
        self.look = list(look)
        self.motion = motion
        self.other_colours = other_colours
        if cells is not None and (len(cells) != 2 or min(cells) < 1):
            raise ValueError(f"cells must be rows and columns, both at least 1, got {cells!r}")
        self.cells = None if cells is None else list(cells)
        if not 0 < sureness < math.inf:
            raise ValueError(f"sureness must be above 0, got {sureness!r}")
        self.sureness = sureness
        self.num_tokens = len(self.words) if cells is None else math.prod(cells)
        self.hidden_size = 2 * sum(self.words)


class Sight(NamedTuple):
    """What the tower makes of clips before it commits to words.

    box: (clips, T, 3), middle x, middle y and side of the thing as shares of width, height and height.
    shown: (clips, T), logit of the thing being seen at all.
    words: logits of things, colours, places and actions, each (clips, T, number of words).
    course: (clips, T, features), what the actions were told from.
    """

    box: Tensor
    shown: Tensor
    words: list[Tensor]
    course: Tensor


class _Stage(nn.Module):
    """Halve the resolution, then refine with one residual convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        self.down_norm = nn.BatchNorm2d(outputs)
        self.refine = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.refine_norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = relu(self.down_norm(self.down(x)))
        return relu(x + self.refine_norm(self.refine(x)))


class _Flat(nn.Module):
    """Pictures to one vector each that still knows where things are."""

    def __init__(self, channels: Sequence[int], cells: int, width: int) -> None:
        super().__init__()
        first, *rest = channels
        self.stem = nn.Conv2d(3, first, 5, stride=2, padding=2, bias=False)
        self.stem_norm = nn.BatchNorm2d(first)
        self.stages = nn.Sequential(*(_Stage(a, b) for a, b in zip(channels[:-1], rest, strict=True)))
        self.reduce = nn.Conv2d(channels[-1], channels[-1] // 2, 1)
        self.out = nn.Linear(cells * (channels[-1] // 2), width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(F, 3, h, w) to the layout (F, width) and the average of the last features (F, channels)."""
        x = relu(self.stem_norm(self.stem(x.contiguous(memory_format=torch.channels_last))))
        x = self.stages(x)
        return relu(self.out(relu(self.reduce(x)).flatten(1))), x.mean((2, 3))


class GlanceTower(PreTrainedModel):
    """Frames to one token each for the thing, its colour, the place and the action, or for each cell.

    A token's features are shares of words (see `focused` and `ends_of_cells`), so that a linear projector is
    a table of word embeddings. Clips are encoded independently: results depend on where clips start but not
    on how many are encoded at once.
    """

    config_class = GlanceTowerConfig
    config: GlanceTowerConfig
    main_input_name = "pixels"

    def __init__(self, config: GlanceTowerConfig) -> None:
        super().__init__(config)
        things, colours, places, actions = config.words
        height, width = config.image_size
        halvings = 2 ** len(config.glance)
        glance_cells = _cells(height // 2, halvings) * _cells(width // 2, halvings)
        look_cells = _cells(config.crop, 2 ** len(config.look)) ** 2
        self.glance = _Flat(config.glance, glance_cells, 192)
        self.box = nn.Linear(192, 4)
        self.place = nn.Linear(config.glance[-1] + 192, places)
        self.look = _Flat(config.look, look_cells, 256)
        self.thing = nn.Linear(256, things)
        self.colour = nn.Linear(256, colours)
        self.turn = nn.Linear(256, 16)
        self.near = nn.Conv1d(4 + places + colours + 16, config.motion, 3, padding=1)
        self.far = nn.Conv1d(config.motion, config.motion, 3, padding=1)
        self.action = nn.Conv1d(config.motion, actions, 1)
        self.post_init()

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode clips.

        Args:
            pixels: uint8 (clips, T, 3, height, width), T at most `config.clip`.

        Returns:
            (clips, T, 4, hidden_size); the tokens of thing and colour shrink where nothing is seen. With
            `config.cells`, (clips, T, rows * columns, hidden_size), row by row.
        """
        sight = self.see(pixels)
        shares = shares_of(sight, self.config.sureness)
        if self.config.cells is None:
            return focused(shares)
        rows, columns = self.config.cells
        covered = coverage(sight.box, (rows, columns), self.config.image_size)
        return ends_of_cells(shares).at(covered)

    def see(self, pixels: Tensor, look_at: Tensor | None = None, tilt: Tensor | None = None) -> Sight:
        """What is where.

        Args:
            pixels: as in `forward`.
            look_at: boxes (clips, T, 3) to look into instead of those found; for training.
            tilt: radians (clips,) by which to turn what is looked at; for training.
        """
        clips, frames = pixels.shape[:2]
        x = pixels.flatten(0, 1).to(self.dtype).div(255.0).sub(0.5)
        layout, average = self.glance(avg_pool2d(x, 2))
        found = self.box(layout)
        box, shown = found[:, :3], found[:, 3]
        place = self.place(torch.cat((average, layout), dim=-1))
        recoloured = self.config.other_colours and look_at is None
        look_at = box.detach() if look_at is None else look_at.flatten(0, 1)
        tilt = box.new_zeros(len(box)) if tilt is None else tilt.repeat_interleave(frames)
        crops = self._crops(x, look_at.float(), tilt.float())
        seen, _ = self.look(crops)
        thing = self._thing_in_other_colours(crops) if recoloured else self.thing(seen)
        colour = self.colour(seen)
        course = self._course(box, shown, place, colour, self.turn(seen)).view(clips, frames, -1)
        words = [part.view(clips, frames, -1) for part in (thing, colour, place)]
        return Sight(
            box.view(clips, frames, 3), shown.view(clips, frames), [*words, self.follow(course)], course
        )

    def _thing_in_other_colours(self, crops: Tensor) -> Tensor:
        """Logits (F, things) of the mean of what crops (F, 3, crop, crop) in other colours are taken for."""
        shares = []
        for gains, negative in _OTHER_COLOURS:
            gain = torch.tensor(gains, dtype=crops.dtype, device=crops.device)[:, None, None]
            view = (crops + 0.5) * gain - 0.5
            seen, _ = self.look(-view if negative else view)
            shares.append(self.thing(seen).float().softmax(-1))
        tiny = torch.finfo(torch.float32).tiny
        return torch.stack(shares).mean(0).clamp_min(tiny).log().to(crops.dtype)

    def follow(self, course: Tensor) -> Tensor:
        """Actions from what neighbouring frames show: (clips, T, features) to logits (clips, T, actions)."""
        near = relu(self.near(course.transpose(1, 2)))
        far = near + relu(self.far(near))
        actions: Tensor = self.action(far).transpose(1, 2)
        return actions

    def _course(self, box: Tensor, shown: Tensor, place: Tensor, colour: Tensor, turn: Tensor) -> Tensor:
        """What tells movement, and from place and colour where a cut is: (F, features)."""
        # A step of movement is a tenth of the picture: in these units it is about one.
        where = (box - 0.5) * 10
        steady = torch.cat((where, shown[:, None].sigmoid(), place.softmax(-1), colour.softmax(-1)), dim=-1)
        return torch.cat((steady.detach().to(turn.dtype), turn), dim=-1)

    def _crops(self, x: Tensor, box: Tensor, tilt: Tensor) -> Tensor:
        """Enlarge boxes (F, 3) of pictures (F, 3, h, w), turned by `tilt` (F,), to (F, 3, crop, crop)."""
        height, width = self.config.image_size
        side = box[:, 2].clamp(0.1, 1.2) * _MARGIN
        turned = torch.stack((tilt.cos(), -tilt.sin(), tilt.sin(), tilt.cos()), dim=-1).view(-1, 2, 2)
        scale = torch.stack((side * height / width, side), dim=-1)
        middle = box[:, :2].clamp(0, 1) * 2 - 1
        theta = torch.cat((turned * scale[:, :, None], middle[:, :, None]), dim=-1)
        grid = affine_grid(
            theta.float(), [len(box), 3, self.config.crop, self.config.crop], align_corners=False
        )
        return grid_sample(x.float(), grid, align_corners=False).to(x.dtype)


def shares_of(sight: Sight, sureness: float) -> list[Tensor]:
    """Shares of the words of each attribute, (clips, T, words) each; see `GlanceTowerConfig`.

    Those of thing and of colour add up to how certain it is that a thing is seen.
    """
    certain = sight.shown.sigmoid()[..., None]
    things, *others = sight.words
    thing = (sureness * things).softmax(-1)
    colour, place, action = (logits.softmax(-1) for logits in others)
    return [thing * certain, colour * certain, place, action]


def focused(shares: Sequence[Tensor]) -> Tensor:
    """One token per attribute: what it is about, and the whole frame as its context.

    The context lets a decoder find a colour by its thing in a single step of attention; without it, it
    must first learn to join neighbouring tokens.

    Args:
        shares: for each attribute, (..., words of the attribute).

    Returns:
        (..., attributes, 2 * all words): in the first half only the token's own attribute, in the second all.
    """
    context = torch.cat(list(shares), dim=-1)
    tokens = context.new_zeros(*context.shape[:-1], len(shares), 2 * context.shape[-1])
    tokens[..., context.shape[-1] :] = context.unsqueeze(-2)
    start = 0
    for number, share in enumerate(shares):
        tokens[..., number, start : start + share.shape[-1]] = share
        start += share.shape[-1]
    return tokens


def _cells(side: int, halvings: int) -> int:
    return -(-side // halvings)
