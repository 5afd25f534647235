"""Quick lengths of transforms, and pairs of them with nearly a wanted ratio."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceivers.processors.audio.transform_lengths import FACTORS, quick_lengths, quick_pair


def is_quick(length: int) -> bool:
    """Whether nothing is left of a length when it is divided by the factors."""
    for factor in FACTORS:
        while length % factor == 0:
            length //= factor
    return length == 1


def test_the_quick_lengths_up_to_23_are_all_but_19_and_23() -> None:
    assert quick_lengths(23).tolist() == [*range(1, 19), 20, 21, 22]


def test_quick_lengths_are_those_that_the_factors_divide_to_1() -> None:
    assert quick_lengths(2_000).tolist() == [length for length in range(1, 2_001) if is_quick(length)]


@given(st.integers(1, 300_000), st.floats(0.25, 4.0))
def test_a_pair_is_quick_and_long_enough_and_has_nearly_the_ratio(at_least: int, ratio: float) -> None:
    first, second = quick_pair(at_least, ratio, at_least)
    assert is_quick(first)
    assert is_quick(second)
    assert at_least <= first <= 1.25 * at_least + 4_097
    # Half a sample of the second length, or of what is long a small share; a second length is at least 1.
    assert abs(second - first * ratio) <= max(
        0.6 * first / at_least, 3e-4 * second, 1.0 if second == 1 else 0.0
    )


@pytest.mark.parametrize(("samples", "ratio"), [(124_031, 1 / 1.07), (7_919, 1.013)])
def test_half_a_sample_is_kept_where_a_pair_keeps_it(samples: int, ratio: float) -> None:
    first, second = quick_pair(samples, ratio, 1_999)
    assert abs(second / first - ratio) * 1_999 <= 0.5
