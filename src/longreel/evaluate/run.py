"""Watch every film once under every setting, ask, mark; resumable after every film."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from torch import OutOfMemoryError

from longreel.answer import Answer
from longreel.ask import MAX_CHARACTERS, Decoding, room_behind
from longreel.ask_each import ask_each, generated_each
from longreel.compress.baselines import KeepAll
from longreel.errors import ContextError, SourceError, UsageError
from longreel.evaluate.items import Asked, Clip, Item, Task
from longreel.evaluate.run_folder import Row, RunFolder
from longreel.evaluate.seen_once import SeenOnce
from longreel.evaluate.settings import Setting
from longreel.evaluate.sharing import ALONE, Share
from longreel.memory import VideoMemory
from longreel.model import Model
from longreel.models.base import ModelAdapter
from longreel.progress import ProgressCallback, StageClock

# A film is not the one it should be if less than this share of its wanted frames can be read.
_WHOLE = 0.9


@dataclass(frozen=True)
class Evaluation:
    """What is evaluated.

    blind: the model that answers with nothing shown; None: the same that watches.
    fps, count, max_frames: which frames are watched, see `Model.watch`; all None: as the model's own.
    keep_memories: leave the memories in the run's folder.
    skip_unreadable: record a film that cannot be watched as failed, rather than stop.
    timed: False to do once what all settings have in common, which is much faster: frames are encoded once
        for all of them, and all questions about a film asked together. What times and peaks would then say
        of a setting is left out; answers are equal up to rounding.
    """

    task: Task
    adapter: ModelAdapter
    settings: Sequence[Setting]
    blind: ModelAdapter | None = None
    fps: float | None = None
    count: int | None = None
    max_frames: int | None = None
    keep_memories: bool = False
    skip_unreadable: bool = False
    timed: bool = True

    def plan(self) -> dict[str, Any]:
        """Plain values that determine the answers; a run goes on only with an equal plan."""
        blind = self.blind_adapter
        extended = {each.label: each.extended for each in self.settings if each.extended is not None}
        return {
            "task": {"name": self.task.name, **self.task.settings()},
            "model": {"name": self.adapter.name, **self.adapter.identity()},
            "blind model": {"name": blind.name, **blind.identity()},
            "settings": [setting.label for setting in self.settings],
            "keep": {each.label: each.keep for each in self.settings if each.keep is not None},
            "methods": {each.label: each.method.settings() for each in self.settings if each.method},
            "fps": self.fps,
            "count": self.count,
            "max_frames": self.max_frames,
            **({} if self.timed else {"timed": False}),
            **({"extended": extended} if extended else {}),
        }

    @property
    def blind_adapter(self) -> ModelAdapter:
        """The model that answers with nothing shown."""
        return self.blind or self.adapter


def evaluate(
    evaluation: Evaluation,
    folder: Path,
    progress: ProgressCallback | None = None,
    share: Share = ALONE,
) -> RunFolder:
    """Fill a run's folder with a row for every film and setting; rows that are there are not made again, but
    for those of films that could not be read.

    With a `share`, only the rows of this process's films; the first process returns when all are there, and
    brings them together.

    Raises:
        UsageError: the folder holds a run with another plan.
        SourceError: a film cannot be watched, or only a part of it, and it is not to be skipped.
        LongreelError: another process of the run has ended.
    """
    run = _opened(evaluation, folder, share)
    items = evaluation.task.items()
    _fill(evaluation, run, share.of(items), progress, share, again=True)
    share.meet()
    if share.first:
        # Where processes found different films in a folder that was still being filled.
        _fill(evaluation, run, items, None, share, again=False)
        run.settle([(item.key, setting.label) for item in items for setting in evaluation.settings])
    return run


def _opened(evaluation: Evaluation, folder: Path, share: Share) -> RunFolder:
    """The folder, made by the first process before the others look."""
    plan = evaluation.plan()
    if share.first:
        run = RunFolder(folder, plan)
        share.meet()
        return run
    share.meet()
    return RunFolder(folder, plan, share.index)


def _fill(
    evaluation: Evaluation,
    run: RunFolder,
    items: Sequence[Item],
    progress: ProgressCallback | None,
    share: Share,
    *,
    again: bool,
) -> None:
    """Make the rows that are not there.

    again: and those of films that could not be read, as they may have been copied anew since.
    """
    done = {(row["film"], row["setting"]) for row in run.rows() if not (again and row.get("unreadable"))}
    wanted = [(item.key, setting.label) for item in items for setting in evaluation.settings]
    clock = StageClock(progress, "evaluate", len(wanted))
    finished = sum(each in done for each in wanted)
    clock.report(finished)
    once = None if evaluation.timed else SeenOnce(evaluation.adapter)
    adapter = evaluation.adapter if once is None else once.as_adapter
    for item in items:
        missing = [setting for setting in evaluation.settings if (item.key, setting.label) not in done]
        asked = item.questions() if missing else []
        for setting in missing:
            run.add(_row(evaluation, adapter, run, item, setting, asked, share))
            finished += 1
            clock.report(finished)
        _clear(evaluation, run, item)
        if once is not None:
            once.forget()


def _row(
    evaluation: Evaluation,
    adapter: ModelAdapter,
    run: RunFolder,
    item: Item,
    setting: Setting,
    asked: Sequence[Asked],
    share: Share,
) -> Row:
    row: Row = {"film": item.key, "setting": setting.label, "cost": {}}
    failed: Row = {**row, "answers": []}
    try:
        if setting.method is None:
            return {**row, "answers": _blind_answers(evaluation.blind_adapter, asked)}
        model = Model(adapter, setting.method)
        memory = _memory(model, run, item, setting, evaluation)
        given, answers = _answers(model, memory, asked, setting, at_once=not evaluation.timed)
    except (ContextError, OutOfMemoryError) as error:
        # What the base model has no room for is what methods are for.
        if not (setting.is_base or evaluation.skip_unreadable):
            raise
        return {**failed, "failed": _no_room(error)}
    except (SourceError, UsageError) as error:
        if not evaluation.skip_unreadable:
            raise
        unreadable: Row = {"unreadable": True} if isinstance(error, SourceError) else {}
        return {**failed, "failed": str(error), **unreadable}
    warnings = [warning for source in memory.header.sources for warning in source.warnings]
    noted: Row = {"warnings": warnings} if warnings else {}
    cost = {**_cost(memory), **(_times(memory, given) if evaluation.timed else {}), "processes": share.count}
    return {**row, "cost": cost, **noted, "answers": answers}


def _no_room(error: Exception) -> str:
    if isinstance(error, OutOfMemoryError):
        return f"out of memory: {str(error).splitlines()[0]}"
    return str(error)


def _memory(
    model: Model, run: RunFolder, item: Item, setting: Setting, evaluation: Evaluation
) -> VideoMemory:
    """The memory that an earlier run saved, or a new one; answers are always from the file."""
    path = run.memory(item.key, setting.label)
    if not path.exists():
        memory = _watched(model, item.clip(run.film(item.key)), evaluation)
        _check_whole(memory, item.key)
        if setting.extended is not None:
            memory = model.extend(memory, setting.extended)
        memory.save(path)
    return model.open(path)


def _check_whole(memory: VideoMemory, film: str) -> None:
    """What looked whole from outside may have lost its end, or more.

    Raises:
        SourceError: too few of the wanted frames could be read for an answer to be about this film.
    """
    for source in memory.header.sources:
        asked, got = source.reader.get("asked") or 0, source.reader.get("got") or 0
        if source.warnings and got < _WHOLE * asked:
            raise SourceError(
                f"{film}: only {got:,} of {asked:,} frames can be read ({source.warnings[-1]}): copy it again"
            )


def _watched(model: Model, clip: Clip, evaluation: Evaluation) -> VideoMemory:
    if clip.seconds is not None:
        return model.watch(clip.source, seconds=clip.seconds)
    return model.watch(
        clip.source,
        start=clip.start,
        end=clip.end,
        fps=evaluation.fps,
        count=evaluation.count,
        max_frames=evaluation.max_frames,
    )


def _answers(
    model: Model, memory: VideoMemory, asked: Sequence[Asked], setting: Setting, *, at_once: bool
) -> tuple[list[Answer], list[Row]]:
    """Answers with what they cost, and the records of all questions, those too long to ask included.

    Raises:
        ContextError: the film leaves no room for a question that the model takes.
    """
    room = room_behind(model.adapter, memory)
    texts = [each.wording(lambda wording: _fits(model.adapter, wording, room)) for each in asked]
    for each, text in zip(asked, texts, strict=True):
        if text is None and each.wording(lambda wording: _fits(model.adapter, wording)) is not None:
            raise ContextError(
                f"behind the film there is room for {room:,} tokens, too few for a question: "
                "keep less, or watch fewer frames"
            )
    put = [(text, each.max_new_tokens) for each, text in zip(asked, texts, strict=True) if text is not None]
    ask = _asked_together if at_once else _asked_alone
    given = ask(model, memory, put, setting.dense_intervals)
    return given, _records(asked, texts, [answer.text for answer in given])


# A question, and the tokens after which its answer is cut off.
_Put = tuple[str, int]
_T = TypeVar("_T")


def _asked_alone(
    model: Model, memory: VideoMemory, put: Sequence[_Put], dense_intervals: int | None
) -> list[Answer]:
    return [
        model.ask(memory, text, max_new_tokens=most, dense_intervals=dense_intervals) for text, most in put
    ]


def _asked_together(
    model: Model, memory: VideoMemory, put: Sequence[_Put], dense_intervals: int | None
) -> list[Answer]:
    """All whose answers may be as long at once."""
    return _by_length(
        put,
        lambda texts, most: ask_each(
            model.adapter,
            memory,
            texts,
            Decoding(max_new_tokens=most, dense_intervals=dense_intervals),
            evidence=False,
        ),
    )


def _by_length(put: Sequence[_Put], answers: Callable[[list[str], int], Sequence[_T]]) -> list[_T]:
    """Answers in order, asked for together where they may be as long."""
    found: dict[_Put, _T] = {}
    for most in dict.fromkeys(most for _, most in put):
        texts = [text for text, length in put if length == most]
        found |= {(text, most): answer for text, answer in zip(texts, answers(texts, most), strict=True)}
    return [found[each] for each in put]


def _blind_answers(adapter: ModelAdapter, asked: Sequence[Asked]) -> list[Row]:
    """Records of answers from the text before the film alone."""
    nothing = adapter.watcher(adapter.dialogue.before(None), KeepAll()).finish()
    texts = [each.wording(lambda wording: _fits(adapter, wording)) for each in asked]
    put = [(text, each.max_new_tokens) for each, text in zip(asked, texts, strict=True) if text is not None]

    def said(same: list[str], most: int) -> list[str]:
        ids = [adapter.dialogue.after([(text, None)]) for text in same]
        return [adapter.dialogue.decode(each) for each in generated_each(adapter, nothing, ids, most)]

    return _records(asked, texts, _by_length(put, said))


def _records(asked: Sequence[Asked], texts: Sequence[str | None], said: Sequence[str]) -> list[Row]:
    """One for each question; `said` answers those that could be put to the model."""
    answers = iter(said)
    return [
        {**each.record(""), "too_long": True} if text is None else each.record(next(answers))
        for each, text in zip(asked, texts, strict=True)
    ]


def _fits(adapter: ModelAdapter, wording: str, room: float = math.inf) -> bool:
    """Whether a question of this wording can be asked behind a film that leaves so much room; see `ask`."""
    most = min(room, adapter.max_question_tokens)
    return len(wording) <= MAX_CHARACTERS and len(adapter.dialogue.after([(wording, None)])) <= most


def _cost(memory: VideoMemory) -> Row:
    """Bytes and counts. Raw frames are those that were read."""
    header = memory.header
    return {
        "film_seconds": sum(source.duration or source.until - source.offset for source in header.sources),
        "raw_frames": sum(source.frames_read for source in header.sources),
        "frames": sum(source.frames_encoded for source in header.sources),
        "visual_tokens": header.visual_tokens,
        "kept": list(header.kept),
        "memory_bytes": header.nbytes,
        "paths": list(header.paths),
    }


def _times(memory: VideoMemory, answers: Sequence[Answer]) -> Row:
    """What watching and asking took: seconds, and the largest size of the process."""
    return {
        "peak_bytes": memory.header.peak_bytes,
        "watch_seconds": memory.header.seconds,
        "ask_seconds": [answer.usage.seconds for answer in answers],
        "stages": [stage.model_dump() for stage in memory.header.stages],
    }


def _clear(evaluation: Evaluation, run: RunFolder, item: Item) -> None:
    """Remove what only this film needed."""
    film = run.film(item.key)
    gone = [film, film.with_suffix(".json")]
    if not evaluation.keep_memories:
        gone += [run.memory(item.key, setting.label) for setting in evaluation.settings]
    for path in gone:
        path.unlink(missing_ok=True)
