"""A loaded model, ready to watch and to answer."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any, overload

from longreel import watch as _watch
from longreel.answer import Answer
from longreel.ask import Decoding, ask, stream
from longreel.ask_each import ask_each
from longreel.chat import Chat
from longreel.compress.base import IntervalCompressor
from longreel.compress.summary_tokens import SummaryTokens
from longreel.compress.two_levels import TwoLevels
from longreel.errors import UsageError
from longreel.extension import extended
from longreel.film_plan import FilmPlan
from longreel.memory import VideoMemory
from longreel.methods import Method
from longreel.models.base import ModelAdapter
from longreel.progress import ProgressCallback


class Model:
    """A loaded model with a method. It never changes, so threads may share it.

    Raises:
        UsageError: the model cannot do this method.
    """

    def __init__(self, adapter: ModelAdapter, method: Method) -> None:
        _check_method(adapter, method)
        self.adapter = adapter
        self.method = method

    def watch(
        self,
        source: Any,
        *,
        start: float | None = None,
        end: float | None = None,
        fps: float | None = None,
        count: int | None = None,
        max_frames: int | None = None,
        seconds: Sequence[float] | None = None,
        max_tokens: int | None = None,
        system: str | None = None,
        subtitles: Any = None,
        subtitle_placement: str = "times",
        subtitle_budget: int | None = None,
        question: str | None = None,
        strict: bool = False,
        allow_url: bool = False,
        progress: ProgressCallback | None = None,
        resume: VideoMemory | None = None,
    ) -> VideoMemory:
        """Watch one film or several; see `longreel.watch.watch`."""
        return _watch.watch(
            self.adapter,
            self.method,
            source,
            start=start,
            end=end,
            fps=fps,
            count=count,
            max_frames=max_frames,
            seconds=seconds,
            max_tokens=max_tokens,
            system=system,
            subtitles=subtitles,
            subtitle_placement=subtitle_placement,
            subtitle_budget=subtitle_budget,
            question=question,
            strict=strict,
            allow_url=allow_url,
            progress=progress,
            resume=resume,
        )

    def plan(
        self,
        source: Any,
        *,
        start: float | None = None,
        end: float | None = None,
        fps: float | None = None,
        count: int | None = None,
        max_frames: int | None = None,
        seconds: Sequence[float] | None = None,
        max_tokens: int | None = None,
        allow_url: bool = False,
    ) -> tuple[FilmPlan, ...]:
        """What watching will make of each film, before it is watched; see `longreel.watch.plan`."""
        return _watch.plan(
            self.adapter,
            self.method,
            source,
            start=start,
            end=end,
            fps=fps,
            count=count,
            max_frames=max_frames,
            seconds=seconds,
            max_tokens=max_tokens,
            allow_url=allow_url,
        )

    def append(
        self,
        memory: VideoMemory,
        source: Any,
        *,
        subtitles: Any = None,
        subtitle_placement: str = "times",
        subtitle_budget: int | None = None,
        strict: bool = False,
        allow_url: bool = False,
        progress: ProgressCallback | None = None,
    ) -> VideoMemory:
        """A longer memory, with another film behind; see `longreel.watch.append`."""
        return _watch.append(
            self.adapter,
            self.method,
            memory,
            source,
            subtitles=subtitles,
            subtitle_placement=subtitle_placement,
            subtitle_budget=subtitle_budget,
            strict=strict,
            allow_url=allow_url,
            progress=progress,
        )

    def extend(self, memory: VideoMemory, target: int) -> VideoMemory:
        """The memory with room for `target` positions, without watching again: an approximation.

        See `longreel.extension.extended` and `ContextWindow`.
        """
        return extended(self.adapter, self.method, memory, target)

    def open(self, path: str | os.PathLike[str]) -> VideoMemory:
        """Open a memory this model saved.

        Raises:
            MemoryFileError: the file is damaged, of another version, or of another model.
        """
        memory = VideoMemory.open(path)
        memory.require_model(self.adapter, os.fspath(path))
        return memory

    @overload
    def ask(
        self,
        memory: VideoMemory,
        question: str,
        *,
        max_new_tokens: int = ...,
        temperature: float = ...,
        top_p: float = ...,
        seed: int | None = ...,
        stop: str | Sequence[str] = ...,
        dense_intervals: int | None = ...,
    ) -> Answer: ...
    @overload
    def ask(
        self,
        memory: VideoMemory,
        question: list[str] | tuple[str, ...],
        *,
        max_new_tokens: int = ...,
        temperature: float = ...,
        top_p: float = ...,
        seed: int | None = ...,
        stop: str | Sequence[str] = ...,
        dense_intervals: int | None = ...,
    ) -> list[Answer]: ...
    def ask(
        self,
        memory: VideoMemory,
        question: str | list[str] | tuple[str, ...],
        *,
        max_new_tokens: int = 128,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        stop: str | Sequence[str] = (),
        dense_intervals: int | None = None,
    ) -> Answer | list[Answer]:
        """Answer a question, or a list of questions, each as if asked alone; see `longreel.ask_each`.

        Args:
            max_new_tokens: tokens after which an answer is cut off.
            temperature, top_p, seed: 0 is greedy; above, words are sampled, repeatably with a seed.
            stop: texts, such as "\\n"; an answer ends before the first that comes up in it.
            dense_intervals: of a memory of two levels, how many intervals are read at the dense one; None for
                three.

        Raises:
            UsageError: a question is empty or too long, or a setting is out of range.
            MemoryFileError: the memory is damaged or of another model.
        """
        decoding = Decoding(max_new_tokens, temperature, top_p, seed, stop, dense_intervals)
        if isinstance(question, list | tuple):
            return ask_each(self.adapter, memory, question, decoding)
        return ask(self.adapter, memory, question, decoding)

    def stream(
        self,
        memory: VideoMemory,
        question: str,
        *,
        max_new_tokens: int = 128,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        stop: str | Sequence[str] = (),
        dense_intervals: int | None = None,
    ) -> Iterator[str]:
        """The text of `ask` in pieces, as it is found."""
        decoding = Decoding(max_new_tokens, temperature, top_p, seed, stop, dense_intervals)
        return stream(self.adapter, memory, question, decoding)

    def chat(
        self,
        memory: VideoMemory,
        *,
        max_new_tokens: int = 128,
        temperature: float = 0.0,
        top_p: float = 1.0,
        seed: int | None = None,
        stop: str | Sequence[str] = (),
        dense_intervals: int | None = None,
    ) -> Chat:
        """A conversation in which questions follow up on each other."""
        return Chat(
            self.adapter, memory, Decoding(max_new_tokens, temperature, top_p, seed, stop, dense_intervals)
        )


def _check_method(adapter: ModelAdapter, method: Method) -> None:
    if method.tokens is not None and not adapter.has_token_grid:
        raise UsageError(
            f"method {method.name!r} pools the grid of tokens that a frame becomes, and {adapter.name} has "
            "none: leave pooling out (--pool, tokens=); --target, ContextWindow(), works without"
        )
    if not adapter.has_summary_tokens and method.needs_summary_tokens:
        raise UsageError(
            f"method {method.name!r} needs weights trained with summary tokens and {adapter.name} has none: "
            "use 'keep-all', 'uniform' or 'random', or a Video-XL checkpoint"
        )
    if isinstance(method.cache, IntervalCompressor):
        method.cache.check(adapter.summary_ratios)
    ratio = _sparsest(method)
    if ratio > adapter.interval:
        raise UsageError(
            f"keep=1/{ratio} keeps nothing of an interval of {adapter.interval} visual tokens: "
            f"keep at least 1/{adapter.interval}"
        )


def _sparsest(method: Method) -> int:
    """The ratio of the method, if it has one for everything."""
    if isinstance(method.cache, TwoLevels):
        return method.cache.sparse
    return method.cache.ratio if isinstance(method.cache, SummaryTokens) else 1
