"""Watch every film once under every setting, ask, mark; resumable after every film."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longreel.answer import Answer
from longreel.compress.baselines import KeepAll
from longreel.evaluate.items import Asked, Item, Task
from longreel.evaluate.run_folder import Row, RunFolder
from longreel.evaluate.settings import Setting
from longreel.films.questions import is_right
from longreel.memory import VideoMemory
from longreel.model import Model
from longreel.models.base import ModelAdapter
from longreel.progress import ProgressCallback, StageClock

_MAX_NEW_TOKENS = 64


@dataclass(frozen=True)
class Evaluation:
    """What is evaluated.

    blind: the model that answers with nothing shown; None: the same that watches.
    fps: frames per second watched; None: the model's own.
    keep_memories: leave the memories in the run's folder.
    """

    task: Task
    adapter: ModelAdapter
    settings: Sequence[Setting]
    blind: ModelAdapter | None = None
    fps: float | None = None
    keep_memories: bool = False

    def plan(self) -> dict[str, Any]:
        """Plain values that determine the answers; a run goes on only with an equal plan."""
        blind = self.blind or self.adapter
        return {
            "task": {"name": self.task.name, **self.task.settings()},
            "model": {"name": self.adapter.name, **self.adapter.identity()},
            "blind model": {"name": blind.name, **blind.identity()},
            "settings": [setting.label for setting in self.settings],
            "keep": {each.label: each.keep for each in self.settings if each.method},
            "methods": {each.label: each.method.settings() for each in self.settings if each.method},
            "fps": self.fps,
        }


def evaluate(evaluation: Evaluation, folder: Path, progress: ProgressCallback | None = None) -> RunFolder:
    """Fill a run's folder with a row for every film and setting; rows that are there are not made again.

    Raises:
        UsageError: the folder holds a run with another plan.
    """
    run = RunFolder(folder, evaluation.plan())
    done = {(row["film"], row["setting"]) for row in run.rows()}
    items = evaluation.task.items()
    clock = StageClock(progress, "evaluate", len(items) * len(evaluation.settings))
    clock.report(len(done))
    for item in items:
        missing = [setting for setting in evaluation.settings if (item.key, setting.label) not in done]
        asked = item.questions() if missing else []
        for setting in missing:
            run.add(_row(evaluation, run, item, setting, asked))
            done.add((item.key, setting.label))
            clock.report(len(done))
        _clear(evaluation, run, item)
    return run


def _row(evaluation: Evaluation, run: RunFolder, item: Item, setting: Setting, asked: Sequence[Asked]) -> Row:
    texts = [each.question.text for each in asked]
    if setting.method is None:
        cost: Row = {}
        answers = _blind_answers(evaluation.blind or evaluation.adapter, texts)
    else:
        model = Model(evaluation.adapter, setting.method)
        memory = _memory(model, run, item, setting, evaluation.fps)
        given = model.ask(memory, texts, max_new_tokens=_MAX_NEW_TOKENS)
        cost, answers = _cost(memory, given), [answer.text for answer in given]
    marks = [_marked(*pair) for pair in zip(asked, answers, strict=True)]
    return {"film": item.key, "setting": setting.label, "cost": cost, "answers": marks}


def _memory(model: Model, run: RunFolder, item: Item, setting: Setting, fps: float | None) -> VideoMemory:
    """The memory that an earlier run saved, or a new one; answers are always from the file."""
    path = run.memory(item.key, setting.label)
    if not path.exists():
        film = run.film(item.key)
        if not film.exists():
            item.write(film)
        model.watch(film, fps=fps).save(path)
    return model.open(path)


def _blind_answers(adapter: ModelAdapter, questions: Sequence[str]) -> list[str]:
    """Answers from the text before the film alone."""
    nothing = adapter.watcher(adapter.dialogue.before(None), KeepAll()).finish()
    asked = [adapter.dialogue.after([(question, None)]) for question in questions]
    return [
        adapter.dialogue.decode(list(adapter.generate(nothing, ids, max_new_tokens=_MAX_NEW_TOKENS)))
        for ids in asked
    ]


def _cost(memory: VideoMemory, answers: Sequence[Answer]) -> Row:
    """What watching and asking took: seconds, bytes and counts."""
    header = memory.header
    return {
        "film_seconds": sum(source.duration or 0.0 for source in header.sources),
        "frames": sum(source.frames_encoded for source in header.sources),
        "visual_tokens": header.visual_tokens,
        "kept": list(header.kept),
        "memory_bytes": header.nbytes,
        "peak_bytes": header.peak_bytes,
        "watch_seconds": header.seconds,
        "ask_seconds": [answer.usage.seconds for answer in answers],
        "paths": list(header.paths),
    }


def _marked(asked: Asked, answer: str) -> Row:
    question = asked.question
    return {
        "family": question.family,
        "question": question.text,
        "gold": question.letter or " ".join(question.gold),
        "answer": answer,
        "right": is_right(question, answer),
        "tags": asked.tags,
    }


def _clear(evaluation: Evaluation, run: RunFolder, item: Item) -> None:
    """Remove what only this film needed."""
    film = run.film(item.key)
    gone = [film, film.with_suffix(".json")]
    if not evaluation.keep_memories:
        gone += [run.memory(item.key, setting.label) for setting in evaluation.settings]
    for path in gone:
        path.unlink(missing_ok=True)
