"""Columns of numbers with a unit in files and frames: what they are taken for, how they are answered, what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import perceivers
from perceivers.arguments import DataArguments
from perceivers.cli import main
from perceivers.data.frames import table_of
from perceivers.data.opening import open_tables
from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.plan import TablePlan, plan_table
from tiny_tables import fit_tiny, write_table

COUNT = 67
CELLS: dict[str, list[Any]] = {
    "weight": [f"{7 * index % 31 / 2} kg" for index in range(COUNT)],
    "views": [f"{index / 10}M" if index > 20 else f"{index}k" for index in range(COUNT)],
    "share": [f"{3 * index % 47}%" for index in range(COUNT)],
    "room": [f"Room {index % 9}" for index in range(COUNT)],
    "price": [f"${20 + 3 * (7 * index % 31) / 2:.2f}" for index in range(COUNT)],
}
FRAME = pd.DataFrame(CELLS)


def planned(table: Any, **options: Any) -> TablePlan:
    return plan_table(table, TableArguments(**{"target": ("price",), **options}))


@pytest.mark.parametrize("ending", ["frame", "parquet", "csv", "jsonl"])
def test_they_are_numbers_wherever_they_come_from(ending: str, tmp_path: Path) -> None:
    table: Any = table_of(FRAME)
    if ending != "frame":
        path = tmp_path / f"t.{ending}"
        if ending == "jsonl":
            FRAME.to_json(path, orient="records", lines=True)
        else:
            FRAME.to_parquet(path) if ending == "parquet" else FRAME.to_csv(path, index=False)
        table = open_tables(DataArguments(data=str(path)), ())["train"]
    plan = planned(table)
    assert {each.name: (each.kind, each.note) for each in plan.columns} == {
        "weight": ("number", "numbers with a unit: `0.0 kg`"),
        "views": ("number", "numbers with a unit: `0.0k`, `0.0M`, multiplied out"),
        "share": ("number", "numbers with a unit: `0%`"),
        "room": ("category", ""),
        "price": ("number", "numbers with a unit, answered as they are written: $20.00 to $65.00"),
    }
    numbers = next(each for each in plan.chosen.inputs if each.kind.name == "number")
    # 7 * 61 is 24 more than 13 * 31; 3 * 61 is 42 more than 3 * 47.
    assert numbers.read(table[61], table).tolist() == [12.0, 6_100_000.0, 42.0]


@pytest.mark.parametrize("kind", ["category", "text"])
def test_whoever_names_another_kind_has_it(kind: str) -> None:
    (weight, *_) = planned(table_of(FRAME), column=(f"weight={kind}",)).columns
    assert (weight.kind, weight.note) == (kind, "")
    (*_, price) = planned(table_of(FRAME), target=("price:class",)).columns
    assert price.kind == "class"


def test_units_that_differ_make_no_numbers_and_inspect_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weight = [cell if index % 3 else "300 g" for index, cell in enumerate(CELLS["weight"])]
    write_table(tmp_path / "t.csv", {**CELLS, "weight": weight})
    with pytest.raises(SystemExit) as ended:
        main(["inspect", str(tmp_path / "t.csv"), "--target", "price"])
    assert ended.value.code == 0
    words = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for word in ("differ,", "'kg'", "'g':", "multiplied", "$20.00"):
        assert word in words


def test_commas_need_what_they_need_in_numbers_without_a_unit(tmp_path: Path) -> None:
    path = write_table(tmp_path / "t.csv", {**CELLS, "share": [f"1,{100 + n}.5 $" for n in range(COUNT)]})
    with pytest.raises(
        DataError, match=r"row 1`.*'share': received '1,100.5 \$', whose .* --decimal grouped"
    ):
        fit_tiny(str(path), "price", output=tmp_path / "run", decimal="point")
    arguments = DataArguments(data=str(path), decimal="grouped")
    plan = planned(open_tables(arguments, ())["train"], target=("share",))
    assert plan.columns[2].note.endswith("1,100.5 $ to 1,166.5 $")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("units") / "run"
    cells = {name: list(column) for name, column in CELLS.items()}
    cells["weight"][3], cells["weight"][5], cells["weight"][7] = "- kg", "6 lb", 3.5
    fit_tiny(cells, "price", output=folder, epochs=6)
    return folder


def test_answers_are_written_as_the_column_writes_them_and_values_are_numbers(run: Path) -> None:
    predictor = perceivers.load(run)
    rows = [{"weight": "3 kg", "views": "1M"}, {"weight": 14.5, "views": 20_000.0}, {"weight": "KG"}]
    first, second, refused = predictor(rows)
    values = predictor.values(rows[:2])["price"]
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert [first["price"], second["price"]] == [f"${number:.2f}" for number in values]
    assert values[0] < values[1], "20 and three times the weight"
    assert isinstance(refused, DataError)
    results = predictor.results
    assert results["odd_cells"] == [
        "`data`, column 'weight': 1 of 66 cells is no number ('6 lb'), taken as missing"
    ]
    assert math.isfinite(results["test"]["rmse"])


@pytest.mark.parametrize("cell", ["300 g", "3 kg 5", "$3"])
def test_another_unit_is_refused_with_row_column_and_cure(run: Path, cell: str) -> None:
    (refused,) = perceivers.load(run)([{"weight": cell, "views": "1M"}])
    assert isinstance(refused, DataError)
    said = str(refused)
    assert f"'weight': expected a number such as 12.0 kg, received {cell!r}" in said
    assert said.endswith("; empty the cell if nobody knows it")


def test_numbers_are_shown_and_asked_for_with_their_units(run: Path) -> None:
    inputs = perceivers.load(run).parts.processor.inputs  # type: ignore[attr-defined]
    kind = next(each.kind for each in inputs if each.kind.name == "number")
    weight, views, share = kind.fields(("weight", "views", "share"))
    assert (weight.form, weight.hint) == ("words", "a number with its unit, 0.0 kg to 15.0 kg")
    assert (views.hint, share.hint) == (
        "a number with its unit, 0k to 6.5M",
        "a number with its unit, 0% to 46%",
    )
    shown = kind.show(np.array([3.0, 1.2e6, np.nan]), {"": torch.tensor([0.5, 0.3, 0.2])}, {})
    assert [text for text, _ in shown[:2]] == ["3.0 kg", "1.2M"]
    table = ListTable([{"weight": "3 kg"}], "t")
    assert kind.typed(" 3.25kg", "weight", table) == "3.25kg", "with all of its digits"
    assert kind.typed(3.25, "weight", table) == 3.25
    saved = json.dumps(kind.state())
    assert type(kind)(kind.options).with_state(json.loads(saved)).forms == kind.forms
