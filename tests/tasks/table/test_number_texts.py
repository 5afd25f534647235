"""Which columns tell how a table writes numbers, and a run that reads, records and asks as its training table is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

import perceivers
from perceivers.arguments import DataArguments
from perceivers.data.frames import ColumnTable
from perceivers.errors import DataError
from perceivers.tasks.table.number_texts import number_texts
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.plan import wishes_of
from perceivers.tasks.table.task import TableTask
from perceivers.training.evaluation import evaluate
from perceivers.training.prediction import predict
from tiny_tables import fit_tiny, write_table

COUNT = 61
SIZES = [1_000.5 + 37.25 * index for index in range(COUNT)]
# German: thousands by points, fractions by commas.
GERMAN = [f"{size:,.2f}".translate(str.maketrans(",.", ".,")) for size in SIZES]
KINDS = ["big" if size > 2_100 else "small" for size in SIZES]


def read_of(columns: dict[str, list[Any]], group_column: str | None = None, **chosen: Any) -> list[str]:
    train = ColumnTable(columns, "t.csv")
    wishes = wishes_of(train, TableArguments(**chosen), group_column=group_column, needs_target=False)
    return [found.name for found in number_texts(train, wishes)]


def test_inputs_and_targets_that_are_read_as_numbers_tell_how_they_are_written() -> None:
    columns: dict[str, list[Any]] = {
        "size": GERMAN,
        "share": [f"{index},5 %" for index in range(COUNT)],
        "plain": [str(index % 7) for index in range(COUNT)],
        "typed": SIZES,
        "version": ["1.1", "1.10"] * 30 + ["1.1"],
        "same": ["0,5"] * COUNT,
        "when": ["01.02.2024", "13.02.2024"] * 30 + ["01.02.2024"],
        "words": [f"it is {index},5 or so" for index in range(COUNT)],
        "kind": KINDS,
    }
    assert read_of(columns, target=("kind",)) == ["size", "share"]
    assert read_of(columns, target=("size",)) == ["size", "share"]
    assert read_of(columns, target=("size:class",)) == ["share"]
    assert read_of(columns, target=("share:number",), ignore=("size",)) == ["share"]
    assert read_of(columns, "share", column=("size=category", "version=number")) == ["version"]


def test_each_attribute_of_entities_is_as_a_column() -> None:
    units = [
        [{"type": "a", "mass": "0,5"}, {"type": "b", "mass": "7"}],
        "[]",
        None,
        '[{"mass": "1,5"}]',
        "[{",
    ]
    train = ColumnTable({"units": units, "x": [1, 2, 3, 4, 5]}, "t.jsonl")
    wishes = wishes_of(train, TableArguments(column=("units=entities",)), needs_target=False)
    kind, mass = sorted(number_texts(train, wishes), key=lambda found: found.name, reverse=True)
    assert (kind.name, kind.cells) == ("units.type", ["a", "b"])
    assert (mass.name, mass.cells) == ("units.mass", ["0,5", "7", "1,5"])
    assert mass.rows == ["t.jsonl, row 1", "t.jsonl, row 1", "t.jsonl, row 4"]


def test_what_is_not_read_as_numbers_may_be_written_as_it_likes() -> None:
    columns = {"size": GERMAN, "rate": [f"{index}.5" for index in range(COUNT)], "kind": KINDS}
    with pytest.raises(DataError, match="write all numbers alike"):
        fit_tiny(columns, "kind", epochs=1)
    for chosen in ({"ignore": ["rate"]}, {"column": ["rate=category"]}):
        predictor = fit_tiny(columns, "kind", epochs=1, **chosen)
        assert predictor.task.decimal == "comma"  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("german")
    data = write_table(folder / "t.csv", {"size": GERMAN, "price": [f"{cell} €" for cell in GERMAN]})
    fit_tiny(str(data), "price", output=folder / "run", epochs=3, linear_start=True, token_rate=1.0)
    return folder / "run"


def test_the_record_says_what_was_found(run: Path) -> None:
    assert yaml.safe_load((run / "arguments.yaml").read_text())["data"]["decimal"] == "comma"


def test_a_run_is_measured_and_asked_in_its_notation(run: Path, tmp_path: Path) -> None:
    results = json.loads((run / "results.json").read_text())
    # Size tells the price to the last digit: read as anything else, it would tell little.
    assert results["test"]["r2"] > 0.9
    assert evaluate(run, device="cpu", output=tmp_path)["metrics"]["r2"] == pytest.approx(
        results["test"]["r2"]
    )
    # A comma that could be read in two ways is read as the training table has it.
    new = write_table(tmp_path / "new.csv", {"size": ["1234,567", "1,234", "1.234,5"]})
    first, small, third = (
        answer.values["price"] for answer in predict(run, [str(new)], tmp_path / "answers", device="cpu")
    )
    assert first.endswith(" €")
    assert first == perceivers.load(run)([{"size": 1234.567}])[0]["price"]
    assert small != first
    assert third == perceivers.load(run)([{"size": "1234,5"}])[0]["price"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("cell", "message", "decimal"),
    [
        ("1234.5", "a number with a point, although `decimal` is comma", "point"),
        ("1,234.5", "divided by commas", "grouped"),
    ],
)
def test_another_notation_in_rows_that_are_asked_about_is_told_and_an_error_where_one_is_said(
    run: Path, cell: str, message: str, decimal: str
) -> None:
    (wrong,) = perceivers.load(run, decimal="comma")([{"size": cell}])
    assert isinstance(wrong, DataError)
    assert message in str(wrong)
    (expected,) = perceivers.load(run)([{"size": "1234,5"}])
    with pytest.warns(
        UserWarning, match=f"numbers are read with --decimal {decimal}, where those that the run"
    ):
        (told,) = perceivers.load(run)([{"size": cell}])
    assert told == {**expected, "size": cell}  # type: ignore[dict-item]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl", ".parquet"])
def test_every_form_of_a_table_tells_it(ending: str, tmp_path: Path) -> None:
    import pandas as pd

    frame = pd.DataFrame({"size": GERMAN, "kind": KINDS})
    path = tmp_path / f"t{ending}"
    if ending == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif ending == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if ending == ".tsv" else ",")
    task = TableTask(TableArguments(target=("kind",)))
    splits = task.load_data(DataArguments(data=str(path)))
    assert (splits.decimal, task.decimal) == ("comma", "comma")
    assert (
        sum(note.startswith("numbers are read with --decimal comma") for note in task.plan(splits)[1:]) == 1
    )


def test_a_stream_tells_it_by_its_first_rows(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.csv", {"size": GERMAN, "kind": KINDS})
    task = TableTask(TableArguments(target=("kind",)))
    splits = task.load_data(DataArguments(data=str(path), streaming=True, test_data=str(path)))
    assert splits.decimal == "comma"
    sizes = [sample.values[0][0] for _, sample in splits.train.samples(0)]  # type: ignore[union-attr]
    assert sorted(sizes) == SIZES
    assert [splits.test[index].values[0][0] for index in range(3)] == SIZES[:3]
