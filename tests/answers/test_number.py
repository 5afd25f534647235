"""Numbers as answers: what is guessed, and what a word among numbers is told."""

from __future__ import annotations

import pytest
import torch

from perceivers.answers.number import Number
from perceivers.answers.registry import guess_answer
from perceivers.errors import DataError

NUMBERS = [str(1.5 * index) for index in range(59)]


def test_a_word_among_many_numbers_is_a_fault_and_no_class() -> None:
    assert guess_answer([*NUMBERS, "cheap"]) is Number
    assert guess_answer([*NUMBERS, "NA", "?"]) is Number


def test_a_third_of_words_is_no_column_of_numbers() -> None:
    assert guess_answer([*NUMBERS[:20], *["cheap", "dear"] * 5]) is not Number


def test_cells_that_are_no_numbers_do_not_stop_the_scale_but_their_rows() -> None:
    settled = Number("price").settle(["1", "3", "cheap"], "t.csv")
    assert (settled.mean, settled.smallest, settled.largest) == (2.0, 1.0, 3.0)
    assert settled.target("NA") is None
    with pytest.raises(
        DataError,
        match=r"'price': expected a number, received 'cheap'; empty the cell .* --target price:class",
    ):
        settled.target("cheap")


def test_a_column_without_numbers_is_refused_with_its_first_cell() -> None:
    with pytest.raises(DataError, match=r"received 'dog'; .* or answer classes: --target pet:class"):
        Number("pet").settle(["dog", "cat"], "t.csv")


def test_intervals_stay_as_they_are_where_rows_are_too_few_to_promise_anything() -> None:
    answer = Number("price", quantiles=(0.1, 0.9))
    few = answer.calibrated(torch.tensor([[0.0, 1.0]] * 3), torch.tensor([5.0] * 3))
    assert few.widened == 0.0
    # Each true number lies 4 above its interval.
    enough = answer.calibrated(torch.tensor([[0.0, 1.0]] * 5), torch.tensor([5.0] * 5))
    assert enough.widened == pytest.approx(4.0)


def test_two_ways_to_write_one_number_are_names() -> None:
    assert guess_answer(["1.1", "1.10", "1.2"] * 5) is not Number
    assert guess_answer(["1.1", "1.2", "2"] * 5) is Number
    assert guess_answer([*NUMBERS, "1.50"]) is Number


def test_the_scale_is_that_of_the_training_rows() -> None:
    answer = Number("price", may_be_logarithm=False).settle(["1", "3", "80"], "t")
    learned = answer.learned_from(["1", "3"], "t")
    assert (learned.mean, learned.scale, learned.largest) == (2.0, 1.0, 3.0)
