"""Training the models of the ablations; whatever is stopped goes on where it was."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ablation.clock import CpuClock, cpu_seconds
from ablation.condensers import Condenser, condenser_for
from ablation.films import Films
from ablation.lessons import ArmLessons
from ablation.pupil import Pupil
from ablation.recipe import SUMMARIES, AblationRecipe
from ablation.start import Begun, Starts, keep_plan, lessons_for, stored, write
from longreel.films.vocabulary import taught_words
from longreel.models.video_xl.adapter import VideoXLAdapter
from longreel.models.video_xl.modeling import VideoXLModel
from longreel.progress import ProgressCallback
from longreel.train.curriculum import Curriculum
from longreel.train.run import lesson_plan
from longreel.train.trainer import BatchTrainer, Schedule, Stage, arguments_for, train_to_the_end

# Batches by which it is told how long a step takes.
_TIMED = 6
_LONGEST_WARMUP = 100
# Steps between points of the curve, at most, and points of a short one.
_LOGGED = 25
_POINTS = 10
_WEIGHTS = "trained.safetensors"
_CLOCK = "cpu.json"
# As the trainer names it.
_CHECKPOINT = "model.safetensors"


class Run(NamedTuple):
    """A training of the recipe, made with a seed and so many steps."""

    training: str
    seed: int
    steps: int


class Workshop:
    """Trains each model once, also where several ablations compare it.

    Args:
        folder: gets the start of every seed, `start-SEED`, and every training, `NAME-SEED-STEPS`.
        eyes: the model whose vision tower all have.
        shots: see `Films`.
    """

    def __init__(
        self,
        recipe: AblationRecipe,
        folder: Path,
        eyes: VideoXLModel,
        *,
        shots: Path | None = None,
        progress: ProgressCallback | None = None,
    ) -> None:
        self._recipe, self._folder, self._progress = recipe, folder, progress
        self._films = Films(recipe.films, eyes, folder, recipe.seed, shots=shots, progress=progress)
        self._starts = Starts(recipe, folder, eyes, self._films, progress)

    def folder(self, run: Run) -> Path:
        """That of one training."""
        return self._folder / "-".join(map(str, run))

    def train(self, run: Run) -> None:
        """Train one model, or go on with it, unless it is done.

        Raises:
            UsageError: its folder holds a training by other settings.
        """
        folder, seed, steps = self.folder(run), run.seed, run.steps
        keep_plan(folder, self._plan(run))
        if (folder / _WEIGHTS).exists():
            return
        start = self._starts.made(seed)
        begun, pupil = self._untrained(run.training, seed)
        begun.load(start)
        begun.decoder.initialise_summary_tokens()
        stage = self._recipe.lessons
        schedule = Schedule(steps, stage.learning_rate, min(_LONGEST_WARMUP, steps // 10), stage.save_steps)
        lessons = self._lessons(run, begun)
        # Not before films were seen, which is done once for all.
        clock = CpuClock(folder / _CLOCK, self._progress)
        place = Stage(folder / run.training, seed, clock)
        logged = max(1, min(_LOGGED, steps // _POINTS))
        more: dict[str, Any] = {"lr_scheduler_type": "linear", "max_grad_norm": 1.0, "logging_steps": logged}
        with begun.fixed_words():
            trainer = _PupilTrainer(pupil, lessons, arguments_for(schedule, place, **more))
            train_to_the_end(trainer, place)
        write(folder / _WEIGHTS, stored(pupil))

    def trained(self, run: Run, families: tuple[str, ...]) -> tuple[VideoXLAdapter, Condenser | None]:
        """A trained model that takes any question of these families, and what condenses films before it."""
        begun, pupil = self._untrained(run.training, run.seed)
        pupil.load_state_dict(load_file(self.folder(run) / _WEIGHTS), strict=False)
        begun.decoder.tie_weights()
        begun.decoder.resize_token_embeddings(len(begun.tokenizer))
        begun.model.config.taught_words = taught_words(families)
        return VideoXLAdapter(self.folder(run).name, begun.model, begun.tokenizer), pupil.condenser

    def account(self, run: Run) -> dict[str, Any]:
        """What a training cost, its own parameters beside the decoder's, and its curve."""
        folder, name = self.folder(run), run.training
        own = "summary_" if self._recipe.trainings[name].condense == SUMMARIES else "condenser."
        parts = load_file(folder / _WEIGHTS).items()
        curve = json.loads((folder / name / "curve.json").read_text())
        return {
            "training": name,
            "cpu_seconds": cpu_seconds(folder / _CLOCK),
            "start_cpu_seconds": self._starts.cpu_seconds(run.seed),
            "parameters": sum(part.numel() for key, part in parts if own in key),
            "curve": [{"step": each["step"], "loss": round(each["loss"], 4)} for each in curve],
        }

    def seconds_per_step(self, name: str) -> float:
        """CPU seconds that a step of a training takes, over batches spread over its schedule."""
        run = Run(name, self._recipe.seed, _TIMED)
        begun, pupil = self._untrained(name, run.seed)
        lessons = self._lessons(run, begun)
        optimiser = torch.optim.AdamW(pupil.parameters())
        pupil(lessons[0])
        began = time.process_time()
        for index in range(_TIMED):
            optimiser.zero_grad()
            pupil(lessons[index]).backward()
            optimiser.step()
        return (time.process_time() - began) / _TIMED

    def lessons(self, run: Run) -> ArmLessons:
        """The batches of a training."""
        return self._lessons(run, self._starts.untrained(run.seed))

    def _lessons(self, run: Run, begun: Begun) -> ArmLessons:
        training, interval = self._recipe.trainings[run.training], self._recipe.shape.interval
        stage = self._recipe.lessons.model_copy(update={"steps": run.steps})
        plan = lesson_plan(stage, training.families, interval)
        curriculum = Curriculum(stage.scenes, stage.advance_below)
        lessons = lessons_for(self._films, begun, stage, plan, curriculum, run.seed)
        each = begun.model.tokens_per_frame
        return ArmLessons(lessons, training, interval=interval, frame_tokens=each, seed=run.seed)

    def _untrained(self, name: str, seed: int) -> tuple[Begun, Pupil]:
        begun, shape, training = (
            self._starts.untrained(seed),
            self._recipe.shape,
            self._recipe.trainings[name],
        )
        torch.manual_seed(seed)
        condenser = condenser_for(
            training.condense, training.ratios[-1], shape.interval, shape.width, shape.heads
        )
        return begun, Pupil(
            begun.decoder,
            condenser,
            prefix_ids=begun.prompt.before(None),
            interval=shape.interval,
            seed=seed,
            half=self._recipe.lessons.half,
        )

    def _plan(self, run: Run) -> dict[str, Any]:
        """What decides a training."""
        own = {"lessons": self._recipe.lessons, "training": self._recipe.trainings[run.training]}
        tables = {key: table.model_dump() for key, table in own.items()}
        return {**self._starts.plan(run.seed), **tables, "steps": run.steps}


class _PupilTrainer(BatchTrainer):
    """The loss is that of the pupil, which checkpoints hold."""

    def compute_loss(  # type: ignore[override]
        self, model: nn.Module, inputs: dict[str, Tensor], return_outputs: bool = False, **_: Any
    ) -> Tensor:
        """Mean cross-entropy of the answer tokens."""
        loss: Tensor = model(inputs)
        return loss

    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        folder = Path(output_dir or str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / _CHECKPOINT, stored(self._pupil))

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        learned = load_file(Path(resume_from_checkpoint) / _CHECKPOINT)
        (model or self._pupil).load_state_dict(learned, strict=False)

    @property
    def _pupil(self) -> nn.Module:
        assert self.model is not None
        return self.model
