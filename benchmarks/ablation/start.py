"""What all models of a seed begin with: a decoder that reads raw tokens, behind the eyes of the package."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import nn
from transformers import PreTrainedTokenizerFast

from ablation.clock import CpuClock, cpu_seconds
from ablation.films import Films
from ablation.recipe import AblationRecipe
from longreel.errors import UsageError
from longreel.files import atomic_file
from longreel.kept_plan import differences, read_plan, write_plan
from longreel.models.prompt import Prompt
from longreel.models.video_xl.modeling import VideoXLModel
from longreel.progress import ProgressCallback
from longreel.train.curriculum import Curriculum
from longreel.train.language import train_decoder
from longreel.train.lessons import LessonPlan, Lessons
from longreel.train.made_up import MadeUpNames
from longreel.train.recipe import DecoderStage
from longreel.train.run import lesson_plan
from longreel.train.start import untrained
from longreel.train.trainer import Schedule, Stage

_CLOCK = "cpu.json"


@dataclass
class Begun:
    """A model, and what its lessons need of it."""

    model: VideoXLModel
    tokenizer: PreTrainedTokenizerFast

    @property
    def decoder(self) -> Any:
        """Its language model."""
        return self.model.language_model

    @cached_property
    def names(self) -> MadeUpNames:
        """Made-up names, whose embeddings never change."""
        words = self.decoder.model.embed_tokens.weight
        return MadeUpNames(self.tokenizer, words, self.model.projector.state_dict(), self.model.clock)

    @cached_property
    def prompt(self) -> Prompt:
        """The words around its films."""
        return Prompt(self.tokenizer)

    def load(self, weights: Path) -> None:
        """Take over those of a decoder."""
        self.decoder.load_state_dict(load_file(weights), strict=False)
        self.decoder.tie_weights()

    @contextmanager
    def fixed_words(self) -> Iterator[None]:
        """Leave the embeddings of names as they are, lest real and made-up ones differ."""
        embeddings = self.decoder.model.embed_tokens.weight
        learns = torch.ones(len(embeddings), 1).index_fill_(0, self.names.words, 0.0)
        hook = embeddings.register_hook(lambda gradient: gradient * learns.to(gradient.device))
        try:
            yield
        finally:
            hook.remove()


class Starts:
    """The start of each seed, made once, in `folder`/start-SEED."""

    def __init__(
        self,
        recipe: AblationRecipe,
        folder: Path,
        eyes: VideoXLModel,
        films: Films,
        progress: ProgressCallback | None = None,
    ) -> None:
        self._recipe, self._folder, self._eyes = recipe, folder, eyes
        self._films, self._progress = films, progress

    def plan(self, seed: int) -> dict[str, Any]:
        """What decides it."""
        common = self._recipe.model_dump(include={"shape", "films", "start"})
        return {**common, "seed": seed, "eyes": self._films.eyes}

    def untrained(self, seed: int) -> Begun:
        """Before any step."""
        model, tokenizer = untrained(seed, **self._recipe.shape.model_dump())
        model.vision_tower.load_state_dict(self._eyes.vision_tower.state_dict())
        return Begun(model, tokenizer)

    def made(self, seed: int) -> Path:
        """The weights of the decoder, trained now if they are not there.

        Raises:
            UsageError: the folder holds a start by other settings.
        """
        folder = self._folder_of(seed)
        keep_plan(folder, self.plan(seed))
        weights = [folder / f"{stage.name}.safetensors" for stage in self._recipe.start]
        if not weights[-1].exists():
            self._train(self.untrained(seed), seed, weights)
        return weights[-1]

    def cpu_seconds(self, seed: int) -> float:
        """What it cost."""
        return cpu_seconds(self._folder_of(seed) / _CLOCK)

    def _folder_of(self, seed: int) -> Path:
        return self._folder / f"start-{seed}"

    def _train(self, begun: Begun, seed: int, weights: list[Path]) -> None:
        for stage, done in zip(self._recipe.start, weights, strict=True):
            if not done.exists():
                # Before the clock: films are seen once for all.
                self._films.bank(stage.eyes, stage.doubt)
                clock = CpuClock(done.parent / _CLOCK, self._progress)
                self._read_raw(begun, stage, Stage(done.parent / stage.name, seed, clock))
                write(done, stored(begun.decoder))
            begun.load(done)

    def _read_raw(self, begun: Begun, stage: DecoderStage, place: Stage) -> None:
        """A stage as recipes have it, on raw tokens."""
        interval = self._recipe.shape.interval
        curriculum = Curriculum(stage.scenes, stage.advance_below, stage.patience)
        plan = lesson_plan(stage, stage.families or (), interval)
        train_decoder(
            begun.decoder,
            lessons_for(self._films, begun, stage, plan, curriculum, place.seed),
            curriculum,
            Schedule(stage.steps, stage.learning_rate, save_steps=stage.save_steps),
            prefix_ids=begun.prompt.before(None),
            fixed_words=begun.names.words,
            interval=interval,
            stage=place,
            half=stage.half,
        )


def lessons_for(
    films: Films, begun: Begun, stage: DecoderStage, plan: LessonPlan, curriculum: Curriculum, seed: int
) -> Lessons:
    """The batches of a stage."""
    bank = films.bank(stage.eyes, stage.doubt)
    return Lessons(bank, begun.prompt, begun.names, plan, curriculum, stage.steps, seed)


def keep_plan(folder: Path, plan: Mapping[str, Any]) -> None:
    """Make a folder for a training, and note what decides it.

    Raises:
        UsageError: it holds a training by other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, plain = folder / "plan.json", json.loads(json.dumps(plan))
    different = differences(read_plan(path), plain) if path.exists() else []
    if different:
        raise UsageError(
            f"{folder} holds a training by other settings ({', '.join(different)}): "
            "name another --folder, or remove this one"
        )
    write_plan(path, plain)


def stored(module: nn.Module) -> bytes:
    """The parameters of a module as a safetensors file; one that has two names is there once."""
    return save({name: part.detach().contiguous() for name, part in module.named_parameters()})


def write(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all."""
    with atomic_file(path) as file:
        file.write(content)
