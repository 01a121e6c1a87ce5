"""How written values are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longreel.errors import UsageError
from longreel.method_parameters import MethodParameters
from longreel.parsing import parsed_fraction, parsed_keep, parsed_seconds


@given(st.integers(1, 10_000))
def test_three_ways_to_write_a_fraction(ratio: int) -> None:
    expected = pytest.approx(1 / ratio)
    assert parsed_fraction(f"1/{ratio}") == expected
    assert parsed_fraction(f"{ratio}x") == expected
    assert parsed_fraction(repr(1 / ratio)) == expected


@given(st.text())
def test_a_fraction_is_in_range_or_refused(text: str) -> None:
    try:
        keep = parsed_fraction(text)
    except UsageError as error:
        assert repr(text) in str(error)  # noqa: PT017
    else:
        assert 0 < keep <= 1


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_a_list_of_seconds(seconds: list[float]) -> None:
    assert parsed_seconds(",".join(map(repr, seconds))) == tuple(seconds)


def test_nothing_given_means_nothing_chosen() -> None:
    assert parsed_keep(None) is None
    assert parsed_seconds(None) is None


@pytest.mark.parametrize(("field", "option"), [("by_time", "--by-time"), ("by_layer", "--by-layer")])
def test_how_retake_shares_what_stays(field: str, option: str) -> None:
    parameters = MethodParameters.of({field: True})
    assert parameters.chosen() == [option]
    assert getattr(parameters.retake("retake"), field) is True
    with pytest.raises(UsageError, match=f"{option} is for --method retake"):
        parameters.retake("uniform")
