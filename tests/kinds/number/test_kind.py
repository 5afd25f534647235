"""Numbers as a kind: guessed, read, learned from, hidden, told to the model, saved."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from perceivers.data.frames import ColumnTable
from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.number.options import NumberOptions

COLUMNS = ("age", "height")
TABLE = ListTable([{"age": "3"}], "made")
# Eleven rows: ages 0 to 10, heights 5 or missing.
VALUES = [np.array([float(age), 5.0 if age % 2 else np.nan]) for age in range(11)]


def settled(**options: object) -> NumberKind:
    return NumberKind(NumberOptions(**{"number_bins": 3, **options})).settle(VALUES, COLUMNS)  # type: ignore[arg-type]


def test_columns_of_numbers_are_guessed_a_few_words_among_them_or_not() -> None:
    numbers = [str(number) for number in range(100)]
    assert NumberKind.guess("x", numbers) == 0.9
    assert NumberKind.guess("x", [*numbers, "unknown"]) == 0.9
    assert NumberKind.guess("x", [*numbers, "NA", "?"]) == 0.9
    assert NumberKind.guess("x", [*numbers, *["red"] * 9]) == 0.0


def test_a_row_is_all_columns_at_once_and_absent_where_all_are_missing() -> None:
    kind = NumberKind(NumberOptions())
    read = kind.read({"age": "3", "height": None}, COLUMNS, TABLE)
    assert read is not None
    assert read[0] == 3.0
    assert np.isnan(read[1])
    assert kind.read({"age": "", "height": "NA"}, COLUMNS, TABLE) is None
    assert kind.read({}, COLUMNS, TABLE) is None


def test_values_become_normal_by_rank_and_missing_ones_stay_missing() -> None:
    given = settled().tensors([VALUES[5], VALUES[0], None])[""]
    assert given.mask is None
    assert given.values.shape == (3, 2)
    assert given.values[0, 0].item() == 0.0, "the middle of the ranks"
    assert given.values[1, 0].item() < -3.0, "the lowest rank"
    assert torch.isnan(given.values[2]).all()
    assert torch.isnan(given.values[1, 1])


def test_values_may_be_told_as_deviations_from_their_mean() -> None:
    kind = settled(number_scale="values", number_encoding="piecewise")
    given = kind.tensors([VALUES[5], VALUES[10], VALUES[0]])[""].values
    # Ages 0 to 10 have a standard deviation of the root of 10.
    assert given[:, 0].tolist() == pytest.approx([0.0, 5 / 10**0.5, -5 / 10**0.5])
    # The bins are of these numbers, too.
    assert kind.edges[0][0] == pytest.approx(-5 / 10**0.5)
    again = NumberKind(kind.options).with_state(kind.state())
    assert torch.equal(
        again.tensors([VALUES[7]])[""].values[:, 0], kind.tensors([VALUES[7]])[""].values[:, 0]
    )


def test_the_modality_has_the_bins_and_waves_that_the_encoding_needs() -> None:
    piecewise = settled(number_encoding="piecewise").modalities()[""]
    assert piecewise["num_columns"] == 2
    assert len(piecewise["bin_edges"]) == 2
    assert "sigma" not in piecewise
    periodic = settled(number_encoding="periodic", number_frequencies=5).modalities()[""]
    assert periodic["num_frequencies"] == 5
    assert "bin_edges" not in periodic
    assert {"bin_edges", "sigma"} <= set(settled().modalities()[""])


def test_numbers_are_hidden_while_training_as_often_as_asked_for() -> None:
    kind = settled(number_hidden=0.3)
    hidden = [np.isnan(kind.vary(np.ones(7), np.random.default_rng(seed))).mean() for seed in range(200)]
    assert 0.25 < np.mean(hidden) < 0.35
    assert settled().vary(VALUES[1], np.random.default_rng(0)) is VALUES[1]


def test_what_was_learned_is_saved_and_read_again() -> None:
    kind = settled()
    again = NumberKind(kind.options).with_state(kind.state())
    assert again.edges == kind.edges
    own, saved = (each.tensors(VALUES[:3])[""].values.nan_to_num(nan=99.0) for each in (kind, again))
    assert torch.equal(own, saved)


def test_few_rows_have_few_bins_and_no_waves() -> None:
    few, many = (NumberKind.advise((), None, rows, 0.1) for rows in (1_280, 20_000))
    assert (few.number_encoding, few.number_bins, few.number_hidden) == ("piecewise", 20, 0.1)
    assert (few.number_scale, many.number_scale) == ("values", "ranks")
    assert NumberKind.advise((), None, 97, 0.1).number_bins == 16
    assert (many.number_encoding, many.number_bins) == ("combined", 96)


DURATIONS = ["1:02:03", "0:59:59", "12:00:00", "n/a"]


def timed() -> NumberKind:
    table = ColumnTable({"age": ["1", "2", "3", "4"], "took": DURATIONS}, "made")
    return NumberKind(NumberOptions(number_bins=3)).survey(table, ("age", "took"))


def test_durations_are_guessed_and_read_in_seconds() -> None:
    assert NumberKind.guess("took", DURATIONS) == 0.9
    kind = timed()
    assert kind.read({"age": "3", "took": " 1:02:03"}, ("age", "took"), TABLE).tolist() == [3.0, 3723.0]  # type: ignore[union-attr]
    assert kind.plain("-", "took", TABLE) is None
    assert kind.typed("01:02:03", "took", TABLE) == "1:02:03"
    assert (kind.column_note("age"), kind.column_note("took")) == ("", "durations, in seconds")
    assert (kind.stray("age"), kind.stray("took")) == ("number", "duration")


def test_two_parts_of_a_clock_are_told_as_what_they_are_taken_for() -> None:
    kind = NumberKind(NumberOptions()).survey(ColumnTable({"took": ["18:30", "7:05"]}, "made"), ("took",))
    assert kind.column_note("took") == "durations, in seconds; 1:02 is a minute and 2 seconds"


@pytest.mark.parametrize("cell", ["quick", "3723", 3723.0])
def test_what_is_no_duration_among_them_is_refused_with_a_form_that_is_understood(cell: object) -> None:
    with pytest.raises(
        DataError, match=r"'took': expected a duration such as 1:23:45, received .*; empty the cell"
    ):
        timed().read({"took": cell}, ("age", "took"), TABLE)


def test_numbers_alone_are_seconds_beside_fractions_of_them() -> None:
    kind = NumberKind(NumberOptions()).survey(ColumnTable({"took": ["59.8", "1:02.1"]}, "made"), ("took",))
    assert kind.plain("59.8", "took", TABLE) == 59.8


def test_columns_of_durations_are_saved_shown_and_asked_for() -> None:
    values = [np.array([float(number), 60.0 * number]) for number in range(11)]
    kind = timed().settle(values, ("age", "took"))
    again = NumberKind(kind.options).with_state(json.loads(json.dumps(kind.state())))
    assert again.forms == {"age": "", "took": "0:00:00"}
    shown = again.show(np.array([3.0, 3723.0]), {"": torch.tensor([0.2, 0.8])}, {})
    assert [text for text, _ in shown] == ["3", "1:02:03"]
    age, took = again.fields(("age", "took"))
    assert (age.form, age.low, age.high) == ("number", 0.0, 10.0)
    assert (took.form, took.hint) == ("words", "a duration, 0:00:00 to 0:10:00")
    assert "durations" not in settled().state()


def test_numbers_with_a_unit_are_guessed_read_and_saved() -> None:
    cells = ["12 kg", "7.5 kg", "- kg", "n/a"]
    assert NumberKind.guess("weight", cells) == 0.9
    table = ColumnTable({"age": ["1", "2", "3", "4"], "weight": cells}, "made")
    kind = NumberKind(NumberOptions(number_bins=3)).survey(table, ("age", "weight"))
    assert kind.read({"age": "3", "weight": "8KG"}, ("age", "weight"), TABLE).tolist() == [3.0, 8.0]  # type: ignore[union-attr]
    assert kind.plain("- kg", "weight", TABLE) is None
    assert (kind.column_note("age"), kind.column_note("weight")) == ("", "numbers with a unit: `0.0 kg`")
    assert (kind.stray("age"), kind.stray("weight")) == ("number", "number")
    settled_kind = kind.settle(
        [np.array([float(number), 2.0 * number]) for number in range(11)], ("age", "weight")
    )
    again = NumberKind(kind.options).with_state(json.loads(json.dumps(settled_kind.state())))
    assert list(again.forms.items()) == list(kind.forms.items())
    with pytest.raises(
        DataError, match=r"'weight': expected a number such as 12.0 kg, received '300 g'; empty the cell"
    ):
        again.plain("300 g", "weight", TABLE)
    with pytest.raises(DataError, match=r"--decimal grouped, or write it without them$"):
        again.plain("1,234.5 kg", "weight", TABLE)


def test_states_of_earlier_versions_are_read() -> None:
    state = {**settled().state(), "durations": {"age": "", "height": "0:00:00"}}
    assert NumberKind(NumberOptions()).with_state(state).forms == {"age": "", "height": "0:00:00"}


def test_what_is_infinite_is_the_largest_training_number_or_the_smallest() -> None:
    for scale in ("ranks", "values"):
        values = [*VALUES, np.array([np.inf, 5.0])]
        kind = NumberKind(NumberOptions(number_bins=3, number_scale=scale)).settle(values, COLUMNS)  # type: ignore[arg-type]
        given = [np.array([age, 5.0]) for age in (np.inf, 10.0, -np.inf, 0.0)]
        seen = kind.tensors(given)[""].values[:, 0].tolist()
        assert seen[0] == seen[1] > 0.0
        assert seen[2] == seen[3] < 0.0
    assert np.isposinf(NumberKind(NumberOptions()).plain("1e400", "age", TABLE))


def test_columns_may_be_told_by_their_values_too_and_that_is_saved() -> None:
    kind = NumberKind(NumberOptions(number_bins=3), by_value=("height",)).settle(VALUES, COLUMNS)
    assert kind.num_tokens == 3
    assert kind.modality_names == ("", "values")
    assert kind.modalities()["values"] == {"type": "category", "cardinalities": [1]}
    assert "values" not in settled().modalities()
    again = NumberKind(kind.options).with_state(json.loads(json.dumps(kind.state())))
    rows = [np.array([1.0, 5.0]), np.array([2.0, 4.0]), None]
    for each in (kind, again):
        ids = each.arrays(rows)["values"].values
        assert ids.dtype == np.int64
        assert ids.tolist() == [[2], [1], [0]], "the known height, an unknown one, none"
    weights = {"": torch.tensor([0.2, 0.3]), "values": torch.tensor([0.5])}
    assert kind.show(rows[0], weights, {}) == [("1", pytest.approx(0.2)), ("5", pytest.approx(0.8))]
