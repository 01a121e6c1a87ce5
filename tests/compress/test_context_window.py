"""Rotary frequencies for a window that is longer than in training."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import Qwen2Config
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from longreel.compress.context_window import RAMPS, ContextWindow, rescaled, scaled_frequencies
from longreel.errors import UsageError
from longreel.positions import Rotation, inverse_frequencies
from tests.oracles import context_window as oracle

HEAD_DIMS = st.sampled_from([2, 8, 64, 80, 128])
BASES = st.sampled_from([10_000.0, 500_000.0, 1e6])
WINDOWS = st.integers(100, 40_000)
SCALES = st.floats(1.0, 64.0)

# Of the specification: index, then paper at scale 4 and 8, then yarn at scale 4 and 8.
SPOT_VALUES = [
    (15, 3.924190e-02, 3.924190e-02, 3.924190e-02, 3.924190e-02),
    (16, 3.129111e-02, 3.123583e-02, 3.022765e-02, 2.999513e-02),
    (20, 7.305807e-03, 6.300906e-03, 1.039362e-02, 9.903358e-03),
    (24, 2.033508e-03, 1.435191e-03, 3.390587e-03, 3.018450e-03),
    (28, 6.712796e-04, 3.879306e-04, 1.011321e-03, 7.846457e-04),
    (31, 3.174017e-04, 1.634790e-04, 3.649817e-04, 2.189890e-04),
    (32, 2.500000e-04, 1.250000e-04, 2.500000e-04, 1.250000e-04),
    (63, 3.102344e-07, 1.551172e-07, 3.102344e-07, 1.551172e-07),
]


@pytest.mark.parametrize("values", SPOT_VALUES, ids=lambda values: f"pair {values[0]}")
def test_values_of_the_specification(values: tuple[float, ...]) -> None:
    index = int(values[0])
    settings_of_values = [(ramp, scale) for ramp in ("paper", "yarn") for scale in (4, 8)]
    for (ramp, scale), expected in zip(settings_of_values, values[1:], strict=True):
        found = scaled_frequencies(128, 1e6, 6272, scale * 6272, ramp).inv_freq
        assert math.isclose(float(found[index]), expected, rel_tol=1e-6)


@settings(deadline=None)
@given(HEAD_DIMS, BASES, WINDOWS, SCALES, st.floats(8, 40), st.floats(0.5, 4))
def test_paper_and_linear_equal_the_plain_oracles(
    head_dim: int, base: float, window: int, scale: float, fast: float, slow: float
) -> None:
    target = window * scale
    for ramp, expected in (
        ("paper", oracle.paper(head_dim, base, window, target, fast, slow)),
        ("linear", oracle.linear(head_dim, base, window, target)),
    ):
        found = scaled_frequencies(head_dim, base, window, target, ramp, fast, slow)
        assert found.inv_freq.dtype == torch.float64
        assert torch.allclose(found.inv_freq, torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=0)
        assert found.attention_factor == 1.0


@settings(deadline=None)
@given(st.sampled_from([8, 64, 80, 128]), BASES, WINDOWS, st.floats(1.0, 64.0), st.integers(0, 1))
def test_yarn_equals_transformers(head_dim: int, base: float, window: int, scale: float, other: int) -> None:
    fast, slow = (32.0, 1.0) if other == 0 else (16.0, 2.0)
    config = Qwen2Config(
        hidden_size=2 * head_dim,
        num_attention_heads=2,
        max_position_embeddings=window,
        rope_parameters={
            "rope_type": "yarn",
            "rope_theta": base,
            "factor": scale,
            "original_max_position_embeddings": window,
            "beta_fast": fast,
            "beta_slow": slow,
        },
    )
    expected, factor = ROPE_INIT_FUNCTIONS["yarn"](config, torch.device("cpu"))
    frequencies = inverse_frequencies(head_dim, base)
    found = rescaled(frequencies, base, window, scale, "yarn", fast, slow)
    # Theirs is computed in float32.
    assert torch.allclose(found.inv_freq, expected.double(), rtol=2e-5, atol=0)
    assert math.isclose(found.attention_factor, factor, rel_tol=1e-12)


@settings(deadline=None)
@given(HEAD_DIMS, BASES, WINDOWS, SCALES, SCALES, st.sampled_from(RAMPS))
def test_a_larger_target_never_raises_a_frequency(
    head_dim: int, base: float, window: int, scale: float, other: float, ramp: str
) -> None:
    trained = inverse_frequencies(head_dim, base)
    small, large = sorted((scale, other))
    slower = rescaled(trained, base, window, large, ramp).inv_freq
    faster = rescaled(trained, base, window, small, ramp).inv_freq
    rounding = 1 + 1e-14
    assert (slower <= faster * rounding).all()
    assert (faster <= trained * rounding).all()
    assert (trained / large <= slower * rounding).all()


@pytest.mark.parametrize("ramp", RAMPS)
@pytest.mark.parametrize("head_dim", [2, 64, 128])
def test_target_equal_to_the_window_changes_no_bit(ramp: str, head_dim: int) -> None:
    found = scaled_frequencies(head_dim, 1e6, 6272, 6272, ramp)
    assert torch.equal(found.inv_freq, inverse_frequencies(head_dim, 1e6))
    assert found.attention_factor == 1.0


@pytest.mark.parametrize("ramp", ["paper", "yarn"])
def test_pairs_outside_the_ramp_are_exactly_kept_or_divided(ramp: str) -> None:
    trained = inverse_frequencies(128, 1e6)
    found = scaled_frequencies(128, 1e6, 6272, 50_176, ramp).inv_freq
    turns = 6272 * trained / (2 * math.pi)
    assert torch.equal(found[turns > 32], trained[turns > 32])
    assert torch.equal(found[turns < 1], trained[turns < 1] / 8)
    assert ((turns > 32).sum(), (turns < 1).sum()) == (16, 32)


def test_a_models_own_frequencies_are_rescaled_as_they_are() -> None:
    """Those of a model are float32 and may have been rounded on the way."""
    own = inverse_frequencies(128, 1e6).float()
    found = rescaled(own, 1e6, 6272, 1.0)
    assert found.inv_freq.dtype == torch.float64
    assert torch.equal(found.inv_freq.float(), own)


@pytest.mark.parametrize("scale", [2.0, 4.0, 8.0, 16.0])
def test_only_yarn_changes_the_temperature(scale: float) -> None:
    factors = {ramp: scaled_frequencies(64, 1e6, 100, 100 * scale, ramp).attention_factor for ramp in RAMPS}
    assert factors["paper"] == factors["linear"] == 1.0
    assert math.isclose(factors["yarn"], 0.1 * math.log(scale) + 1)


@pytest.mark.parametrize("window", [1, 5])
def test_a_window_in_which_nothing_turns_is_interpolated_but_for_the_first_pair(window: int) -> None:
    trained = inverse_frequencies(64, 1e6)
    found = scaled_frequencies(64, 1e6, window, 4 * window, "yarn").inv_freq
    assert torch.equal(found[1:], trained[1:] / 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((63, 1e6, 100, 200), "head_dim=63"),
        ((0, 1e6, 100, 200), "head_dim=0"),
        ((64, 1.0, 100, 200), "base=1.0"),
        ((64, 1e6, 100, 99), "target=99 is shorter than window=100"),
        ((64, 1e6, 0, 99), "window=0"),
        ((64, 1e6, 100, 200, "ntk"), "unknown ramp 'ntk': known are paper, yarn, linear"),
        ((64, 1e6, 100, 200, "paper", 1.0, 1.0), "beta_slow=1.0, beta_fast=1.0"),
        ((64, 1e6, 100, 200, "yarn", 32.0, 0.0), "beta_slow=0.0"),
    ],
    ids=str,
)
def test_values_that_cannot_work_are_refused(arguments: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scaled_frequencies(*arguments)


def test_a_scale_below_1_is_refused() -> None:
    with pytest.raises(ValueError, match=r"scale=0\.5"):
        rescaled(inverse_frequencies(64, 1e6), 1e6, 100, 0.5)


@settings(deadline=None)
@given(HEAD_DIMS, BASES, WINDOWS, st.integers(1, 400_000), st.sampled_from(RAMPS))
def test_a_window_is_fitted_to_what_films_take_up(
    head_dim: int, base: float, window: int, extent: int, ramp: str
) -> None:
    trained = Rotation(inverse_frequencies(head_dim, base))
    found = ContextWindow(ramp).fitted(trained, window, extent)
    target = max(window, extent)
    expected = scaled_frequencies(head_dim, base, window, target, ramp)
    assert (found.window, found.target) == (window, target)
    assert found.scale == target / window
    # The base is read off the frequencies, which costs some last bits of the ramp "yarn" alone.
    table = found.rotation(trained).inv_freq
    assert torch.allclose(table, expected.inv_freq, rtol=1e-9 if ramp == "yarn" else 0, atol=0)
    assert found.attention_factor == expected.attention_factor
    assert found == ContextWindow(ramp, window, target).fitted(trained, 7, 10**9)


def test_an_attention_factor_of_ones_own() -> None:
    trained = Rotation(inverse_frequencies(64, 1e6))
    part = ContextWindow("yarn", attention_factor=1.0)
    assert part.fitted(trained, 100, 400).attention_factor == 1.0
    # Nothing is distorted where nothing is rescaled.
    assert ContextWindow(attention_factor=1.5).fitted(trained, 100, 60).attention_factor == 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 0}, "window=0 is no number of positions"),
        ({"window": -5}, "window=-5"),
        ({"window": 2.5}, r"window=2\.5"),
        ({"target": 0}, "target=0 is no number of positions"),
        ({"target": True}, "target=True"),
        ({"target": "most"}, "target=most"),
        ({"window": 100, "target": 99}, "target=99 is shorter than the 100 positions"),
        ({"ramp": "ntk"}, "unknown ramp 'ntk': known are paper, yarn, linear"),
        ({"attention_factor": 0.0}, r"attention_factor=0\.0"),
    ],
    ids=str,
)
def test_windows_that_cannot_be(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        ContextWindow(**arguments)
    assert len(str(caught.value).splitlines()) == 1
