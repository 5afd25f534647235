"""The division of samples."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceivers.data.splits import JoinedSamples, Splits, hold_out, strata_of
from perceivers.errors import DataError


def test_the_same_share_of_every_class_is_held_out() -> None:
    labels = [0] * 20 + [1] * 10 + [2] * 5
    kept, held = hold_out(labels, 0.2, seed=0)
    assert [sum(labels[i] == c for i in held) for c in range(3)] == [4, 2, 1]
    assert sorted(kept + held) == list(range(35))


def test_the_division_is_the_same_on_every_machine() -> None:
    # PCG64's stream is fixed by NumPy; these indices were drawn once and must not change with a release.
    _, held = hold_out([0] * 7 + [1] * 7, 0.3, seed=0)
    assert held == PINNED


PINNED = [2, 4, 9, 12]


def test_another_seed_holds_out_others() -> None:
    assert hold_out([0] * 50, 0.2, seed=0) != hold_out([0] * 50, 0.2, seed=1)


def test_a_fraction_of_zero_holds_out_nothing() -> None:
    assert hold_out([0, 1, 1], 0.0, seed=0) == ([0, 1, 2], [])


def test_a_class_of_one_is_kept_and_a_class_of_two_is_shared() -> None:
    kept, held = hold_out([0, 1, 1], 0.01, seed=0)
    assert 0 in kept
    assert len(held) == 1
    kept, held = hold_out([0, 1, 1], 0.99, seed=0)
    assert len(held) == 1


@given(st.lists(st.integers(0, 4), max_size=60), st.floats(0.0, 1.0), st.integers(0, 99))
def test_every_sample_lands_in_exactly_one_part_and_no_class_is_emptied(
    labels: list[int], fraction: float, seed: int
) -> None:
    kept, held = hold_out(labels, fraction, seed)
    assert sorted(kept + held) == list(range(len(labels)))
    assert {labels[i] for i in kept} == set(labels)


def test_all_parts_joined_are_read_in_order() -> None:
    splits = Splits(["a", "b"], [], ["c", "d", "e"])
    joined = splits.part("all")
    assert isinstance(joined, JoinedSamples)
    assert len(joined) == 5
    assert [joined[i] for i in range(5)] == ["a", "b", "c", "d", "e"]
    with pytest.raises(IndexError, match="past the last sample"):
        joined[5]
    assert splits.part("test") == ["c", "d", "e"]


class Named(list[str]):
    def name(self, index: int) -> str:
        return f"line {index} of {self[0]}"


def test_a_sample_of_joined_parts_has_the_name_that_it_has_in_its_own() -> None:
    joined = JoinedSamples((Named("ab"), Named("cde")))
    assert [joined.name(index) for index in range(5)] == [
        "line 0 of a", "line 1 of a", "line 0 of c", "line 1 of c", "line 2 of c"
    ]  # fmt: skip


def test_strata_are_drawn_from_in_order_numbers_by_size_and_then_words() -> None:
    # Only the order of their names counts: -3, 9, 10, x is the order of a, b, c, d.
    labels = [index % 4 for index in range(40)]
    words, numbers = (
        hold_out([names[label] for label in labels], 0.3, seed=5) for names in ("abcd", ("-3", 9, "10", "x"))
    )
    assert words == numbers


def test_an_unknown_part_is_an_error() -> None:
    with pytest.raises(
        DataError, match="`split` must be one of train, validation, test, all, received 'dev'"
    ):
        Splits([], [], []).part("dev")  # type: ignore[arg-type]


def test_classes_are_strata() -> None:
    assert strata_of([1, "a", None, 1]) == ["1", "a", "None", "1"]


def test_numbers_have_as_many_strata_as_there_are_samples_for() -> None:
    numbers = [float(value * value) for value in range(57)]
    strata = strata_of(numbers, numbers=True)
    # Two ranges of twenty or more, divided at the median, 28 squared.
    assert strata == ["0"] * 28 + ["1"] * 29
    assert strata_of(numbers[:39], numbers=True) == ["0"] * 39
    counts = Counter(strata_of([str(value % 523) for value in range(523)], numbers=True))
    assert sorted(counts) == [str(place) for place in range(10)]
    assert set(counts.values()) <= {52, 53}


def test_every_part_has_small_and_large_numbers() -> None:
    numbers = [float(value) for value in range(200)]
    _, held = hold_out(strata_of(numbers, numbers=True), 0.1, seed=0)
    assert [sum(20 * place <= index < 20 * place + 20 for index in held) for place in range(10)] == [2] * 10


def test_equal_numbers_are_one_stratum_and_missing_ones_another() -> None:
    assert set(strata_of([3.0] * 50, numbers=True)) == {"1"}
    assert strata_of([None, *[0] * 30, *[1] * 30], numbers=True) == ["missing", *["1"] * 30, *["2"] * 30]
    assert strata_of([None] * 3, numbers=True) == ["missing"] * 3
    with pytest.raises(DataError, match="`sample 2`, column 'target': expected a number, received 'x'"):
        strata_of([1, "x"], numbers=True)
