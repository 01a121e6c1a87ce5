"""The recipe of a stage that trains a model of released size on conversations."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from longreel.train.borders import Borders, check_borders

Positive = Annotated[int, Field(gt=0)]
Whole = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0)]
Ratios = Annotated[list[Positive], Field(min_length=1)]
Part = Literal["vision_tower", "projector", "language_model", "summary_tokens"]
# All matrices of a decoder layer.
_MATRICES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Assemble(_Table):
    """A new Video-XL, made of the folders of a Qwen2-family model and a CLIP or SigLIP model.

    The projector is random; summary tokens start as copies of what the language model has.
    """

    language_model: str
    vision_tower: str
    vision_layer: int = -2
    pool: Positive = 2
    frames: Literal["crop", "whole"] = "crop"
    interval: Positive = 1440


class DataFile(_Table):
    """Samples in the LLaVA conversation format, JSON lines or a JSON list.

    `folder` is what the paths in it are relative to (its own folder, if left out), and `weight` its share of
    the samples shown, relative to those of the others (its number of samples, if left out).
    """

    file: str
    folder: str | None = None
    weight: Rate | None = None


class FilmFrames(_Table):
    """Frames of a film: `fps` of them a second, or `most` spread evenly where that gives more."""

    fps: Rate = 1.0
    most: Positive = 128


class WideningRatios(_Table):
    """The ratios drawn from until a share of the run is over."""

    until: Annotated[float, Field(gt=0, le=1)]
    ratios: Ratios


class Summaries(_Table):
    """Summary tokens are trained: at random `ratios`, or at those of a `schedule` that widens.

    See `RatioPlan` for `per` and `WholePass` for `truncate`. `intervals` end after equally many visual tokens
    ("fixed") or where the picture changes ("dynamic"), by `borders`; see `DynamicCuts`.
    """

    ratios: Ratios | None = None
    schedule: Annotated[list[WideningRatios], Field(min_length=1)] | None = None
    per: Literal["interval", "film", "fraction"] = "interval"
    truncate: Whole | None = None
    intervals: Literal["fixed", "dynamic"] = "fixed"
    borders: Borders | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.ratios is None) == (self.schedule is None):
            raise ValueError("give either ratios or a schedule")
        if self.schedule is not None:
            ends = [step.until for step in self.schedule]
            if ends != sorted(set(ends)) or ends[-1] != 1:
                raise ValueError("until has to grow from step to step of the schedule, up to 1")
        return self

    @model_validator(mode="after")
    def _dynamic_alone(self) -> Self:
        check_borders(self.intervals, self.borders)
        if self.intervals == "fixed" and self.per == "fraction":
            raise ValueError('per = "fraction" is for dynamic intervals: give intervals = "dynamic" too')
        return self

    @property
    def steps(self) -> list[WideningRatios]:
        """As a schedule in either case."""
        return self.schedule or [WideningRatios(until=1.0, ratios=self.ratios or [1])]


class Lora(_Table):
    """Adapters of low rank (arXiv 2106.09685) on matrices of the decoder's layers."""

    rank: Positive
    alpha: Positive
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    targets: Annotated[list[str], Field(min_length=1)] = list(_MATRICES)


class Window(_Table):
    """Rotary frequencies rescaled for the whole run; see `ContextWindow`. The target is fixed."""

    target: Positive
    window: Positive | None = None
    ramp: Literal["paper", "yarn", "linear"] = "paper"


class Learning(_Table):
    """Optimisation by AdamW.

    `batch` is samples a step, over all processes; `warmup` a share of the steps, and `clip` the largest norm
    of the gradient. Give either `epochs`, over all files together, or `steps`. With `half`, products are made
    in bfloat16; with `recompute`, activations are made again for the gradient instead of being held.
    """

    learning_rate: Rate
    batch: Positive
    epochs: Rate | None = None
    steps: Positive | None = None
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: Share = 0.03
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    clip: Rate = 1.0
    half: bool = True
    recompute: bool = True
    save_steps: Positive = 500
    log_steps: Positive = 10

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either epochs or steps")
        return self


class StageRecipe(_Table):
    """One stage: which model, what of it learns, from what, and how.

    `model` is the folder of a Video-XL or LLaVA-OneVision model; `assemble` makes a new Video-XL instead.
    `train` names the parts whose weights change; with `lora`, the decoder itself stays and adapters learn.
    `template` is "chat", the model's own, or "plain", pictures followed by their caption. `images` says how
    an only image is seen, in "tiles" or as a "frame". Samples of more than `longest` tokens, visual ones
    uncondensed, are left out. `weights` is what the model's numbers are held as.
    """

    seed: Whole = 42
    model: str | None = None
    assemble: Assemble | None = None
    train: list[Part] = []
    lora: Lora | None = None
    data: Annotated[list[DataFile], Field(min_length=1)]
    learning: Learning
    summaries: Summaries | None = None
    window: Window | None = None
    frames: FilmFrames = FilmFrames()
    template: Literal["chat", "plain"] = "chat"
    images: Literal["tiles", "frame"] = "tiles"
    longest: Positive = 32768
    weights: Literal["float32", "bfloat16"] = "float32"
    workers: Whole = 0

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.model is None) == (self.assemble is None):
            raise ValueError("give either model or [assemble]")
        if not self.train and self.lora is None:
            raise ValueError("nothing is trained: name parts in train, or give [lora]")
        if self.lora is not None and "language_model" in self.train:
            raise ValueError("with [lora] the language_model stays as it is: leave it out of train")
        if self.template == "plain" and self.summaries is not None:
            raise ValueError(
                'template = "plain" has no text behind pictures to read summary tokens: use "chat"'
            )
        return self


def is_stage(table: dict[str, Any]) -> bool:
    """Whether a recipe is one of these, and not one of films that are drawn."""
    return bool(table.keys() & {"model", "assemble", "data", "learning"})
