"""From attention to spans of the film."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from longreel.evidence import MOST_SPANS, evidence_of, frame_shares
from longreel.key_values import TEXT
from longreel.memory import VideoMemory
from tests.fakes import GRIDLESS, arrays, fake_model, halved

FRAMES = 33


@pytest.fixture(scope="module")
def memory() -> VideoMemory:
    return fake_model("keep-all", None).watch(arrays(FRAMES))


def on_token(memory: VideoMemory, weights: dict[int, float]) -> list[torch.Tensor]:
    """Attention to the entries of these visual tokens, the same in every layer."""
    found = []
    for layer in memory.layers:
        weight = torch.zeros(len(layer.token))
        for token, value in weights.items():
            weight[(layer.token == token).nonzero()] = value
        found.append(weight)
    return found


def test_attention_to_one_frame_is_a_span_of_it(memory: VideoMemory) -> None:
    # Three tokens a frame, two frames a second.
    (span,) = evidence_of(memory, on_token(memory, {30: 0.2, 31: 0.1}))
    assert (span.start, span.end, span.score) == (5.0, 5.5, 1.0)


def test_neighbours_join_and_others_stand_alone(memory: VideoMemory) -> None:
    weights = {30: 1.0, 33: 0.9, 36: 0.3, 60: 0.6}
    first, second, third = evidence_of(memory, on_token(memory, weights))
    assert (first.start, first.end) == (5.0, 6.0)
    assert (second.start, second.end) == (10.0, 10.5)
    assert (third.start, third.end) == (6.0, 6.5)
    assert [round(span.score, 3) for span in (first, second, third)] == [0.679, 0.214, 0.107]


def test_attention_to_text_is_no_evidence(memory: VideoMemory) -> None:
    weights = [(layer.token == TEXT).float() for layer in memory.layers]
    assert evidence_of(memory, weights) == ()


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=99, max_size=99))
def test_shares_are_those_of_a_plain_loop(memory: VideoMemory, values: list[float]) -> None:
    weights = on_token(memory, dict(enumerate(values)))
    plain = torch.tensor([sum(values[3 * frame : 3 * frame + 3]) for frame in range(FRAMES)]).double()
    expected = plain / plain.sum() if plain.sum() > 0 else plain
    assert torch.allclose(frame_shares(memory, weights), expected, atol=1e-5)


@pytest.mark.parametrize("method", GRIDLESS)
def test_spans_of_any_method_lie_in_the_film_apart_and_in_order(method: str) -> None:
    memory = fake_model(halved(method)).watch(arrays(FRAMES))
    for seed in range(20):
        check_spans(memory, seed)


def check_spans(memory: VideoMemory, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    weights = [torch.rand(len(layer.token), generator=generator) ** 8 for layer in memory.layers]
    spans = evidence_of(memory, weights)
    assert len(spans) <= MOST_SPANS
    assert [span.score for span in spans] == sorted((span.score for span in spans), reverse=True)
    assert sum(span.score for span in spans) <= 1.001
    for span in spans:
        assert 0 <= span.start < span.end <= memory.header.sources[0].until
    in_time = sorted(spans, key=lambda span: span.start)
    assert all(one.end <= two.start for one, two in pairwise(in_time))
