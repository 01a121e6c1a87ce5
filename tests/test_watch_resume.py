"""Ctrl-C at any point leaves a memory that can be gone on with; append; what is refused."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from longreel.errors import LongreelError, UsageError, WatchInterrupted
from longreel.interrupts import held_back_interrupts
from longreel.models.base import VisualTokens
from tests.fakes import (
    FakeAdapter,
    FakeWatcher,
    arrays,
    assert_same,
    broken_off,
    fake_model,
    interrupting,
)

FRAMES = 61


@pytest.mark.parametrize("method", [("video-xl", 0.5), ("keep-all", None), ("random", 0.3), ("uniform", 0.4)])
@pytest.mark.parametrize("block", [1, 2, 3, 4])
def test_resuming_at_every_block_equals_watching_in_one_go(
    method: tuple[str, float | None], block: int, tmp_path: Path
) -> None:
    model = fake_model(*method)
    frames = FRAMES if method[0] != "uniform" else 150
    memory = broken_off(model, arrays(frames), progress=interrupting(block))
    memory.save(tmp_path / "part.memory")
    resumed = model.watch(arrays(frames), resume=model.open(tmp_path / "part.memory"))
    assert_same(resumed, model.watch(arrays(frames)))


def test_an_interrupted_memory_holds_closed_intervals_and_answers() -> None:
    model = fake_model()
    memory = broken_off(model, arrays(FRAMES), progress=interrupting(1))
    assert memory.header.visual_tokens == 40
    # Token 40 is the second of frame 13; the block it is in begins with frame 0.
    point = memory.header.resume
    assert point is not None
    assert (point.frame, point.skip_tokens, point.seconds) == (0, 40, 6.5)
    assert memory.timeline.tokens.sum() == 40
    assert memory.seconds().nan_to_num().max() <= 7.0
    assert model.ask(memory, "what is it").text
    assert "interrupted at 6.5 s" in str(memory.report())


def test_interrupted_again_and_again() -> None:
    model = fake_model()
    memory = broken_off(model, arrays(FRAMES), progress=interrupting(1))
    for _ in range(3):
        memory = broken_off(model, arrays(FRAMES), progress=interrupting(1), resume=memory)
    assert_same(model.watch(arrays(FRAMES), resume=memory), model.watch(arrays(FRAMES)))


@pytest.mark.parametrize("frame", [0, 1, 15, 16, 33, 60])
def test_an_interrupt_while_reading(frame: int) -> None:
    def film() -> Iterator[Any]:
        for number, item in enumerate(arrays(FRAMES)):
            if number == frame:
                raise KeyboardInterrupt
            yield item

    model = fake_model()
    memory = broken_off(model, film())
    assert_same(model.watch(arrays(FRAMES), resume=memory), model.watch(arrays(FRAMES)))


class Pressed(FakeAdapter):
    """Ctrl-C as the system sends it, in the middle of encoding or of an interval."""

    def __init__(self, where: str, when: int) -> None:
        super().__init__()
        self.where, self.when = where, when

    def press(self, where: str) -> None:
        if where == self.where:
            self.when -= 1
            if self.when == 0:
                signal.raise_signal(signal.SIGINT)

    def encode(self, frames: Any, part: Any, *, unpooled: bool = False) -> VisualTokens:
        self.press("encode")
        return super().encode(frames, part)

    def watcher(
        self,
        prefix_ids: torch.Tensor,
        compressor: Any,
        resume: Any = None,
        question: Any = None,
        window: Any = None,
    ) -> FakeWatcher:
        adapter = self

        class PressedWatcher(FakeWatcher):
            def _close(self, raw: torch.Tensor) -> None:
                super()._close(raw)
                adapter.press("push")

            def finish(self) -> Any:
                adapter.press("finish")
                return super().finish()

        return PressedWatcher(self, prefix_ids, compressor, resume, window)


@pytest.mark.parametrize(
    ("where", "when"), [("encode", 1), ("encode", 3), ("push", 1), ("push", 6), ("push", 9)]
)
def test_a_signal_in_the_middle_of_the_work(where: str, when: int) -> None:
    model = fake_model()
    whole = model.watch(arrays(FRAMES))
    model.adapter = Pressed(where, when)
    memory = broken_off(model, arrays(FRAMES))
    assert_same(model.watch(arrays(FRAMES), resume=memory), whole)


def test_a_signal_while_finishing_loses_nothing() -> None:
    model = fake_model()
    whole = model.watch(arrays(FRAMES))
    model.adapter = Pressed("finish", 1)
    with pytest.raises(WatchInterrupted) as caught:
        model.watch(arrays(FRAMES))
    assert caught.value.memory.complete
    assert_same(caught.value.memory, whole)
    assert model.watch(arrays(FRAMES), resume=caught.value.memory) is caught.value.memory


def test_held_back_interrupts_come_right_after() -> None:
    reached = []

    def work() -> None:
        with held_back_interrupts():
            signal.raise_signal(signal.SIGINT)
            reached.append(1)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert reached == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("when", range(1, 8))
def test_resuming_several_films_even_inside_an_interval_over_two(when: int) -> None:
    model = fake_model()
    films = [arrays(n, seed=n) for n in (17, 3, 1, 20, 9)]
    memory = broken_off(model, films, progress=interrupting(when))
    assert_same(model.watch(films, resume=memory), model.watch(films))


@pytest.mark.parametrize("border", [10, 20, 30])
def test_append_equals_the_joined_film_on_an_interval_border(border: int, tmp_path: Path) -> None:
    model = fake_model()
    joined = arrays(47)
    first = model.watch(joined[:border])
    first.save(tmp_path / "first.memory")
    longer = model.append(
        model.open(tmp_path / "first.memory"),
        [(picture, seconds - border / 2) for picture, seconds in joined[border:]],
    )
    whole = model.watch(joined)
    for mine, theirs in zip(longer.layers, whole.layers, strict=True):
        assert all(torch.equal(tensor, getattr(theirs, part)) for part, tensor in vars(mine).items())
    assert torch.equal(longer.timeline.frames, whole.timeline.frames)
    assert longer.header.warnings == ()
    assert first.header.kept == (4 + border * 3 // 2,) * 3


def test_append_inside_an_interval_says_so() -> None:
    model = fake_model()
    first = model.watch(arrays(11))
    longer = model.append(first, arrays(20, seed=1))
    assert "3 of 10 visual tokens" in longer.header.warnings[0]
    assert longer.header.visual_tokens == 93
    assert longer.timeline.frames[11] == 5.5


def test_append_counts_frames_per_second_through() -> None:
    """A first film of 5.2 s puts the half seconds of the joined film at 0.3, 0.8, … of the second."""
    model = fake_model()
    first = model.watch(arrays(26, fps=5.0))
    longer = model.append(first, arrays(50, seed=1, fps=10.0))
    assert longer.timeline.frames[11:14].tolist() == pytest.approx([5.5, 6.0, 6.5])


@pytest.mark.parametrize(
    "settings", [{"count": 8}, {"max_frames": 8}, {"seconds": [0.0, 1.0]}, {"max_tokens": 900}]
)
def test_append_refuses_a_target_the_new_film_would_change(settings: dict[str, Any]) -> None:
    model = fake_model()
    memory = model.watch(arrays(20), **settings)
    with pytest.raises(UsageError, match=f"{next(iter(settings))}=.*watch the joined film"):
        model.append(memory, arrays(4))


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(LongreelError) as caught:
        call()
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


def test_what_does_not_fit_the_memory_is_refused() -> None:
    model = fake_model()
    part = broken_off(model, arrays(FRAMES), progress=interrupting(2))
    whole = model.watch(arrays(8))
    assert "incomplete" in refused(lambda: model.append(part, arrays(3)))
    assert "is complete" in refused(lambda: model.watch([arrays(8), arrays(8)], resume=whole))
    assert "ratio=4" in refused(lambda: fake_model(keep=0.25).watch(arrays(FRAMES), resume=part))
    assert "ratio=4" in refused(lambda: fake_model(keep=0.25).append(whole, arrays(3)))
    assert "weights differ" in refused(lambda: fake_model(seed=1).append(whole, arrays(3)))
    assert "max_tokens=None" in refused(lambda: model.watch(arrays(FRAMES), max_tokens=9_000, resume=part))
    assert "sampled by" in refused(lambda: model.watch(arrays(FRAMES), fps=1, resume=part))
    assert "system=" in refused(lambda: model.watch(arrays(FRAMES), system="other", resume=part))
    two = broken_off(model, [arrays(20), arrays(20)], progress=interrupting(4))
    assert "2 films" in refused(lambda: model.watch(arrays(20), resume=two))
