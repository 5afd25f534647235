"""One of several classes: what cannot be classes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import torch

from perceivers.answers.one_class import OneClass
from perceivers.errors import DataError
from perceivers.kinds.date.reading import NO_DATES


def test_a_value_of_its_own_in_every_row_is_no_class() -> None:
    with pytest.raises(
        DataError, match=r"in the column 'photo', received a value of its own in each of 53 rows"
    ):
        OneClass("photo").settle([f"{index}.png" for index in range(53)], "t.csv")


@pytest.mark.parametrize("cells", [list(range(53)), [f"{index} km" for index in range(53)]])
def test_numbers_that_all_differ_are_named_as_another_answer_and_nothing_else_is(cells: list[Any]) -> None:
    with pytest.raises(
        DataError, match=r"or another answer: perceivers train table with --target far:number$"
    ):
        OneClass("far").settle(cells, "t.csv")
    with pytest.raises(DataError, match=r"in each of 53 rows; name another column$"):
        OneClass("far").settle([f"place {cell}" for cell in range(53)], "t.csv")


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", None])
def test_many_dates_are_no_classes_and_the_cure_can_be_followed(form: str | None) -> None:
    days = [datetime(2024, 1, 1) + timedelta(days=index) for index in range(59)]
    cells = [day if form is None else day.strftime(form) for day in [*days, *days[:11]]]
    with pytest.raises(DataError) as error:
        OneClass("due").settle(cells, "t.csv")
    assert str(error.value).startswith(
        "`t.csv` must hold classes in the column 'due', received dates, 59 different ones in 70 rows, such as "
    )
    assert str(error.value).endswith(NO_DATES)
    assert len(OneClass("due").settle(cells[:7] * 9, "t.csv").names) == 7


def test_numbers_of_which_most_differ_are_no_classes_and_the_cure_is_named() -> None:
    cells = [*(f"{index}.5" for index in range(59)), *("0.5" for _ in range(11))]
    message = r"received numbers, 59 different ones in 70 rows, such as 0\.5; .* train table with --target price:number"
    with pytest.raises(DataError, match=message):
        OneClass("price").settle(cells, "t.csv")
    # Whole numbers name things, numbers that come often are grades, and words among them are words.
    assert len(OneClass("shop").settle([str(index) for index in range(59)] * 2, "t.csv").names) == 59
    assert len(OneClass("grade").settle(["1.5", "2.0"] * 53, "t.csv").names) == 2
    assert len(OneClass("size").settle([*cells[:-1], "other"], "t.csv").names) == 60


def test_few_rows_may_each_have_a_class_of_their_own() -> None:
    assert OneClass("pet").settle(["dog", "cat", "bird"], "t.csv").names == ("bird", "cat", "dog")
    letters = [chr(ord("a") + index) for index in range(23)]
    assert OneClass("spoken").settle(letters, "t.csv").names == tuple(letters)


def test_the_loss_of_margins_is_the_squared_hinge_of_each_class_against_the_others() -> None:
    answer = OneClass("pet").settle(["dog", "cat", "bird"], "t.csv").trained_by("margin")
    scores = torch.tensor([[0.5, -1.5, 0.25], [2.0, -1.0, -3.0], [0.0, 0.0, 0.0]])
    # True classes: bird, bird, none. (0.5^2 + 0 + 1.25^2) / 3; every margin is kept; no target.
    expected = torch.tensor([(0.25 + 1.5625) / 3, 0.0, 0.0])
    torch.testing.assert_close(answer.losses(scores, torch.tensor([0, 0, -100])), expected)
    shares = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [torch.nan] * 3])
    torch.testing.assert_close(answer.losses(scores, shares), expected)
    # What each query says has its own loss; their mean counts.
    torch.testing.assert_close(
        answer.losses(torch.stack([scores, scores], dim=1), torch.tensor([0, 0, -100])), expected
    )


def test_scores_of_margins_are_sure_before_they_are_calibrated() -> None:
    answer = OneClass("pet").settle(["dog", "cat"], "t.csv").trained_by("margin")
    # softmax(2, -2).
    assert answer.values(torch.tensor([[1.0, -1.0]]))[0].tolist() == pytest.approx(
        [0.98201, 0.01799], abs=1e-5
    )
    assert answer.trained_by("cross_entropy").temperature == 1.0


def test_among_numbers_words_for_nothing_are_gaps_and_among_names_classes() -> None:
    grades = OneClass("grade").settle(["1", "2", "NA", "3", "?", "1"], "t.csv")
    assert grades.names == ("1", "2", "3")
    assert [grades.target(cell) for cell in ("2", "NA", "unknown", None)] == [1, None, None, None]
    assert OneClass("continent").settle(["NA", "EU", "NA"], "t.csv").names == ("EU", "NA")
    with pytest.raises(DataError, match=r"two classes or more in the column 'x', received only '1'"):
        OneClass("x").settle(["1", "NA"], "t.csv")
