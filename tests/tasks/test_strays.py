"""Single cells that are no numbers or dates: which are taken for missing, how many may be, what is told."""

from __future__ import annotations

import math
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import perceivers
from perceivers.answers.number import Number
from perceivers.data.frames import ColumnTable
from perceivers.data.tables import StreamTable
from perceivers.errors import DataError
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.number.options import NumberOptions
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input
from perceivers.tasks.row_reader import RowReader
from perceivers.tasks.strays import decided, look_through, look_through_columns, without_strays
from tiny_tables import fit_tiny, fruit, write_table

NUMBERS = [str(index / 7) for index in range(99)]


def read(cell: Any) -> float | None:
    return Number("x").read(cell)


def test_two_in_a_hundred_are_taken_for_missing_and_told() -> None:
    found = look_through([*NUMBERS[:98], "136A", "tall", None, "-"], read, "number")
    assert found.note == "2 of 100 cells are no numbers ('136A', 'tall'), taken as missing"
    assert found.cleaned(["1", "tall", "-", "n/a", 7.0]) == ["1", None, None, "n/a", 7.0]


def test_three_in_a_hundred_stay_errors() -> None:
    found = look_through([*NUMBERS[:97], "a", "b", "c"], read, "number")
    assert (found.note, found.cleaned(["a"])) == ("", ["a"])


def test_one_of_a_few_cells_stays_an_error() -> None:
    assert look_through([*NUMBERS[:48], "a"], read, "number").note == ""
    assert (
        look_through([*NUMBERS[:49], "a"], read, "number").note
        == "1 of 50 cells is no number ('a'), taken as missing"
    )


@pytest.mark.parametrize("cell", ["0,5", "1,234.5", "1 234", "1'234"])
def test_numbers_in_another_notation_are_never_missing(cell: str) -> None:
    found = look_through([*NUMBERS, cell], read, "number")
    assert (found.note, found.missing) == ("", frozenset())


def test_the_most_frequent_ones_are_named() -> None:
    found = look_through([*NUMBERS * 4, *"aabcde"], read, "number")
    assert found.note == "6 of 402 cells are no numbers ('a', 'b', 'c' and 2 more), taken as missing"


def test_infinite_numbers_are_told_and_of_targets_missing_however_many() -> None:
    cells = ["inf", -math.inf, *NUMBERS[:6]]
    of_inputs = look_through(cells, read, "number")
    assert of_inputs.note == "2 of 8 cells are infinite, taken for the largest number, or the smallest"
    assert of_inputs.cleaned(cells) == cells
    of_targets = look_through(cells, read, "number", is_target=True)
    assert of_targets.note == "2 of 8 cells are infinite, taken as missing"
    assert of_targets.cleaned(cells)[:3] == [None, None, NUMBERS[0]]


def test_where_errors_are_wanted_strays_stay() -> None:
    found = look_through([*NUMBERS, "a", "1e999"], read, "number", is_target=True, takes_strays=False)
    assert found.note == "1 of 101 cells is infinite, taken as missing"
    assert found.cleaned(["a", "1e999"]) == ["a", None]


def test_strays_that_are_known_are_missing_however_many_and_count_for_nothing_else() -> None:
    known = frozenset({"a"})
    found = look_through(["1", "a", "a", "b"], read, "number", known=known)
    assert found.note == "2 of 4 cells are no numbers ('a'), taken as missing"
    assert found.cleaned(["1", "a", "a", "b"]) == ["1", None, None, "b"]
    found = look_through([*NUMBERS[:50], *["a"] * 7, "b"], read, "number", known=known)
    assert found.missing == {"a", "b"}
    assert look_through(["1", "a"], read, "number", takes_strays=False, known=known).missing == frozenset()


def test_parts_of_one_data_set_are_counted_together() -> None:
    few, many = (look_through([*numbers, "a"], read, "number") for numbers in (NUMBERS[:9], NUMBERS))
    assert [each.takes_strays for each in decided([few, many], takes_strays=True)] == [True, True]
    assert [each.takes_strays for each in decided([few, few], takes_strays=True)] == [False, False]


def test_rows_of_a_stream_are_read_without_them() -> None:
    import datasets

    stream = StreamTable(
        datasets.Dataset.from_dict({"x": [*NUMBERS, "tall"]}).to_iterable_dataset(),
        "s",
        buffer_size=3,
        seed=0,
    )
    kind = NumberKind(NumberOptions())
    columns = Columns((Input("numbers", ("x",), kind),), {})
    table = without_strays(stream, look_through_columns(stream, columns))
    assert RowReader(columns)({"x": "tall"}, table).values == (None,)
    with pytest.raises(DataError, match="received 'small'"):
        RowReader(columns)({"x": "small"}, table)


@pytest.fixture(scope="module")
def cells() -> dict[str, list[Any]]:
    columns = fruit(113)
    columns["took"] = [f"{int(60 * size)}:{index % 60:02d}" for index, size in enumerate(columns["size"])]
    columns["lag"] = [timedelta(seconds=10 * price) for price in columns["price"]]
    columns["born"] = [f"2020-01-{1 + index % 28:02d}" for index in range(113)]
    columns["size"] = [*map(str, columns["size"][:-1]), "huge"]
    columns["born"][3], columns["took"][5], columns["took"][7] = "soon", "n/a", "quick"
    columns["noise"][11], columns["price"][13] = math.inf, -math.inf
    return columns


@pytest.fixture(scope="module")
def run(cells: dict[str, list[Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strays") / "run"
    fit_tiny(cells, ["price", "took", "lag"], output=folder, epochs=1)
    return folder


def test_a_run_goes_on_and_its_results_tell(run: Path) -> None:
    results = perceivers.load(run).results
    assert results["odd_cells"] == [
        "`data`, column 'size': 1 of 113 cells is no number ('huge'), taken as missing",
        "`data`, column 'noise': 1 of 113 cells is infinite, taken for the largest number, or the smallest",
        "`data`, column 'price': 1 of 113 cells is infinite, taken as missing",
        "`data`, column 'took': 1 of 112 cells is no duration ('quick'), taken as missing",
        "`data`, column 'born': 1 of 113 cells is no date ('soon'), taken as missing",
    ]
    assert results["unreadable"] == []
    assert math.isfinite(results["test"]["took/r2"])


def test_durations_are_answered_as_their_columns_write_them(run: Path, cells: dict[str, list[Any]]) -> None:
    (answer,) = perceivers.load(run)([{"size": "3.5", "colour": "red"}])
    assert isinstance(answer, dict)
    minutes, _, seconds = answer["took"].partition(":")
    assert minutes.lstrip("-").isdecimal()
    assert len(seconds) == 2
    assert answer["lag"].startswith("0 days 00:0")


def test_a_table_that_is_asked_about_is_read_by_the_same_rule(run: Path, cells: dict[str, list[Any]]) -> None:
    predictor = perceivers.load(run)
    asked = {name: cells[name] for name in ("size", "colour", "born")}
    with pytest.warns(UserWarning, match="is no (number|date)") as said:
        answers = predictor(asked)
    assert [str(each.message) for each in said] == [
        "`values`, column 'size': 1 of 113 cells is no number ('huge'), taken as missing",
        "`values`, column 'born': 1 of 113 cells is no date ('soon'), taken as missing",
    ]
    last = answers[-1]
    assert isinstance(last, dict)
    assert last["size"] == "huge", "rows are given back as they came"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (without,) = predictor([{**{name: column[-1] for name, column in asked.items()}, "size": None}])
        # A row alone has no others that it could be a slip among.
        (refused,) = predictor([{"size": "vast"}])
    assert isinstance(without, dict)
    assert without["price"] == pytest.approx(last["price"], rel=1e-5)
    assert isinstance(refused, DataError)


def test_what_was_taken_for_missing_in_training_is_so_in_any_table(
    run: Path, cells: dict[str, list[Any]]
) -> None:
    predictor = perceivers.load(run)
    asked = {name: [*cells[name][:4], cells[name][-1]] for name in ("size", "colour")}
    with pytest.warns(
        UserWarning, match=r"column 'size': 1 of 5 cells is no number \('huge'\), taken as missing"
    ):
        answers = predictor(asked)
    asked["size"][-1] = None
    without = predictor(asked)[-1]
    assert isinstance(without, dict)
    assert isinstance(answers[-1], dict)
    assert answers[-1]["price"] == pytest.approx(without["price"], rel=1e-5)
    asked["size"][-2:] = ["vast", "huge"]
    with pytest.warns(UserWarning, match="1 of 5 cells is no number"):
        answers = predictor(asked)
    assert [isinstance(each, DataError) for each in answers] == [False, False, False, True, False]


def test_a_run_that_stops_at_them_stops_when_it_is_asked_too(
    cells: dict[str, list[Any]], tmp_path: Path
) -> None:
    path = write_table(tmp_path / "t.csv", {name: cells[name] for name in ("size", "colour", "kind")})
    with pytest.raises(
        DataError, match=r"row 113`: in the column 'size': expected a number, received 'huge'"
    ):
        fit_tiny(str(path), "kind", unreadable="stop", output=tmp_path / "run")
    assert not (tmp_path / "run").exists()
    left = fit_tiny(str(path), "kind", unreadable="skip", epochs=1, output=tmp_path / "run")
    assert len(left.results["unreadable"]) == 1
    answers = perceivers.load(tmp_path / "run")({name: cells[name] for name in ("size", "colour")})
    assert isinstance(answers[-1], DataError)


def test_columns_are_looked_through_as_their_tables_write_numbers() -> None:
    table = ColumnTable({"x": [*(f"{index},5" for index in range(60)), "tall"]}, "t")
    table.decimal = "comma"
    columns = Columns((Input("numbers", ("x",), NumberKind(NumberOptions())),), {})
    assert (
        look_through_columns(table, columns)["x"].note
        == "1 of 61 cells is no number ('tall'), taken as missing"
    )
