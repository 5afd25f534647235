"""Numbers as answers: what is guessed, and what a word among numbers is told."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import torch

from perceivers.answers.number import Number
from perceivers.answers.one_class import OneClass
from perceivers.answers.registry import guess_answer
from perceivers.data.unit_forms import UnitForm
from perceivers.errors import DataError
from perceivers.kinds.date.reading import NO_DATES

NUMBERS = [str(1.5 * index) for index in range(59)]


@pytest.mark.parametrize("cell", ["2024-01-03", "31.03.2024", "03/04/2024", datetime(2024, 1, 3)])
def test_a_date_is_no_number_and_no_class_is_advised(cell: Any) -> None:
    with pytest.raises(DataError) as error:
        Number("due").read(cell)
    assert str(error.value).endswith(f"empty the cell if nobody knows it, or {NO_DATES}")


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


@pytest.mark.parametrize(
    ("scores", "widened", "expected"),
    [
        ([0.0, 1.0, 3.0], 2.0, [-2.0, 1.0, 5.0]),
        # No narrower than the quantiles within it, or than its middle.
        ([0.0, 1.0, 3.0], -5.0, [1.0, 1.0, 1.0]),
        ([0.0, 4.0], -5.0, [2.0, 2.0]),
    ],
)
def test_what_is_said_and_what_tables_hold_end_where_the_moved_quantiles_do(scores, widened, expected):
    quantiles = (0.1, 0.5, 0.9) if len(scores) == 3 else (0.1, 0.9)
    answer = Number("price", quantiles=quantiles, widened=widened)
    assert answer.values(torch.tensor([scores])).tolist() == [expected]
    (said,) = answer.describe(torch.tensor([scores]))
    assert (said["low"], said["high"]) == (expected[0], expected[-1])


def test_two_ways_to_write_one_number_are_names() -> None:
    assert guess_answer(["1.1", "1.10", "1.2"] * 5) is not Number
    assert guess_answer(["1.1", "1.2", "2"] * 5) is Number
    assert guess_answer([*NUMBERS, "1.50"]) is Number


def test_the_scale_is_that_of_the_training_rows() -> None:
    answer = Number("price", may_be_logarithm=False).settle(["1", "3", "80"], "t")
    learned = answer.learned_from(["1", "3"], "t")
    assert (learned.mean, learned.scale, learned.largest) == (2.0, 1.0, 3.0)


def test_a_target_of_one_number_is_told_to_leave_nothing_to_learn() -> None:
    answer = Number("price").settle(["5.5", "", "5.50", "5.5"], "t")
    assert answer.note() == "5.5 in every row, which leaves nothing to learn"
    assert Number("price").settle(["5.5", "7"], "t").note() == "5.5 to 7"


def test_durations_are_learned_in_seconds_and_said_as_they_are_written() -> None:
    cells = ["0:59:00", "1:01:00", "n/a"] * 30
    assert guess_answer([f"{index}:07:{index:02d}" for index in range(25)]) is Number
    answer = Number("took").settle(cells, "t")
    assert (answer.form, answer.mean, answer.scale) == ("0:00:00", 3600.0, 60.0)
    assert answer.target("1:02:00") == 3720.0
    assert answer.stack([3720.0, None]).tolist()[:1] == [2.0]
    assert answer.describe(torch.tensor([2.0])) == [{"number": "1:02:00"}]
    assert answer.values(torch.tensor([2.0])).tolist() == [3720.0]
    assert answer.compare({"number": "1:02:00"}, {"number": "0:59:00"}) == {
        "answer": "1:02:00",
        "without": "0:59:00",
        "change": "-0:03:00",
    }
    assert answer.note().endswith("0:59:00 to 1:01:00")
    assert "seconds" in answer.note()
    assert "1:02:00" in answer.html({"number": "1:02:00"})
    assert Number.of_state(answer.state()) == answer
    interval = Number("took", quantiles=(0.1, 0.9)).settle(cells, "t")
    (said,) = interval.describe(torch.tensor([[-1.0, 1.0]]))
    assert interval.in_words(said).note == "0:59:00 to 1:01:00"


def test_numbers_with_a_unit_are_learned_without_it_and_said_with_it() -> None:
    assert guess_answer([f"{index}.5 kg" for index in range(25)]) is Number
    assert guess_answer([f"${1_000 + index:,}" for index in range(25)]) is Number
    assert (
        guess_answer(["10,000+", "500+", "5,000+"] * 9)
        is guess_answer(["10,000", "500", "5,000"] * 9)
        is Number
    )
    assert guess_answer([f"{index} stars" for index in range(5)] * 9) is not Number
    answer = Number("price").settle(["$59", "$61.5", "n/a", "-$1.50"] * 30, "t")
    assert (answer.form, answer.smallest) == (UnitForm("$", decimals=2), -1.5)
    answer = Number("price").settle(["$59", "$61", "n/a"] * 30, "t")
    assert (answer.mean, answer.scale, answer.stray) == (60.0, 1.0, "number")
    assert answer.target("$62") == answer.target(62) == 62.0
    assert answer.stack([62.0]).tolist() == [2.0]
    assert answer.describe(torch.tensor([2.25])) == [{"number": "$62"}]
    assert answer.values(torch.tensor([2.25])).tolist() == [62.25]
    assert answer.compare({"number": "$62"}, {"number": "$59"}) == {
        "answer": "$62",
        "without": "$59",
        "change": "-$3",
    }
    assert answer.note() == "numbers with a unit, answered as they are written: $59 to $61"
    assert "$62" in answer.html({"number": "$62"})
    assert Number.of_state(json.loads(json.dumps(answer.state()))) == answer
    with pytest.raises(
        DataError, match=r"'price': expected a number such as \$12, received '€5'; .* price:class"
    ):
        answer.target("€5")


def test_answers_have_the_comma_that_the_cells_have() -> None:
    answer = Number("price", decimal="comma").settle(["59,50 €", "60,50 €"] * 9, "t")
    (said,) = answer.describe(torch.tensor([0.5]))
    assert said == {"number": "60,25 €"}
    assert answer.read(said["number"]) == 60.25


def test_few_whole_durations_are_classes_as_few_whole_numbers_are() -> None:
    assert guess_answer(["18:30", "20:15"] * 20) is not Number
    assert guess_answer([timedelta(seconds=index) for index in range(30)]) is Number


def test_infinite_numbers_are_no_targets() -> None:
    assert guess_answer([*NUMBERS, "inf"]) is Number
    answer = Number("price").settle([1.0, 3.0, math.inf], "t")
    assert (answer.mean, answer.largest) == (2.0, 3.0)
    assert answer.target("-inf") is None


def test_numbers_of_many_decades_are_learned_by_their_logarithms_and_answers_stay_finite() -> None:
    cells = [10.0**power for power in range(-64, 51)]
    answer = Number("mass").settle(cells, "t")
    assert answer.logarithm_of == 0.0
    assert answer.mean == pytest.approx(-7.0 * math.log(10.0))
    preds, truth = answer.measured(torch.tensor([1e3, -1e3]), torch.tensor([0.0, 1e3 / answer.scale]))
    # As far beyond as the smallest is from the largest: 114 decades.
    assert preds.tolist() == pytest.approx([1e164, 1e-178], rel=1e-3)
    assert truth[1].item() > 1e164 or truth[1].item() == pytest.approx(math.exp(1e3 + answer.mean), rel=1e-3)
    assert answer.describe(torch.tensor([1e3]))[0]["number"] == pytest.approx(1e164, rel=1e-3)


def test_batches_hold_numbers_as_they_are_learned_and_as_they_are() -> None:
    answer = Number("mass", logarithm_of=1.0, mean=2.0, scale=0.5, smallest=3.0)
    targets = [7.0, None, 1.0]
    learned = answer.stack(targets)
    assert learned.dtype == torch.float32
    # Below the smallest training number there may be no logarithm: ln(3 + 1) in the place of ln(1 + 1).
    expected = [(math.log(8.0) - 2.0) / 0.5, math.nan, (math.log(4.0) - 2.0) / 0.5]
    assert learned.tolist() == pytest.approx(expected, rel=1e-6, nan_ok=True)
    truth = answer.truth(answer.exact(targets))
    assert truth.dtype == torch.float64
    assert truth.tolist() == pytest.approx([7.0, math.nan, 1.0], rel=0.0, nan_ok=True)


def test_small_numbers_beside_large_ones_are_measured_as_they_are() -> None:
    # The negative one forbids logarithms: to the model all small ones are one number.
    answer = Number("constant").settle([-1e50, 1e50, *[10.0**power for power in range(-65, 48)]], "t")
    assert answer.logarithm_of is None
    small = [1e-65, 2e-65, 4e-65]
    learned = answer.stack(small)
    assert len(set(learned.tolist())) == 1
    preds, _ = answer.measured(learned, learned)
    truth = answer.truth(answer.exact(small))
    assert truth.tolist() == small
    for name in ("r2", "rmse", "mae"):
        metric = answer.metric(name)
        metric.update(preds=preds, target=truth)
        assert math.isfinite(float(metric.compute()))


@pytest.mark.parametrize("size", [1e-200, 1e-5, 1e200])
def test_numbers_of_any_size_have_a_scale(size: float) -> None:
    answer = Number("x").settle([size * number for number in (1.0, 3.0)], "t")
    assert (answer.mean, answer.scale) == (pytest.approx(2.0 * size), pytest.approx(size))
    skewed = Number("x").settle([size * 10.0**power for power in range(30)], "t")
    assert skewed.logarithm_of == 0.0


def test_numbers_are_learned_on_the_scale_of_the_run_that_is_started_from() -> None:
    own = Number("price", mean=7.0, scale=2.0, smallest=-1.0)
    plain, logarithm = Number("price", mean=5.0, scale=3.0), Number("price", logarithm_of=0.5, mean=1.0)
    found = own.on_scale_of(plain)
    assert (found.mean, found.scale, found.smallest) == (5.0, 3.0, -1.0)
    assert own.on_scale_of(logarithm) == own, "-1 + 0.5 has no logarithm"
    above = replace(own, smallest=0.0).on_scale_of(logarithm)
    assert (above.logarithm_of, above.mean) == (0.5, 1.0)
    assert own.on_scale_of(OneClass("price", names=("a", "b"))) == own
