"""What a run's answers depend on: the column that decides is first, whatever else there is."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from full_disk import full_disk
from line_task import run as line_run
from perceivers.data.tables import ListTable
from perceivers.errors import ConfigurationError, DataError, PerceiversError
from perceivers.training import explanation
from perceivers.training.explanation import DealtOutTable, explain
from tiny_tables import few_costs, fit_tiny, fruit, without, write_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fruit")
    data = write_table(folder / "fruit.csv", without(fruit(), "tags"))
    with few_costs():
        fit_tiny(data, ["kind", "price"], output=folder / "run", epochs=4, linear_start=None)
    return folder


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_column_that_decides_is_first_and_what_tells_nothing_is_worth_nothing(
    folder: Path, tmp_path: Path
) -> None:
    found = explain(folder / "run", output=tmp_path, repeats=3, device="cpu")
    assert found[0].column == "size"
    by_name = {(each.column, each.target): each for each in found}
    assert set(by_name) == {
        (column, target) for column in ("size", "colour", "noise") for target in ("kind", "price")
    }
    assert by_name["size", "kind"].measure == "accuracy"
    assert by_name["size", "kind"].unchanged > 0.9
    assert by_name["size", "kind"].lost > 0.25
    assert abs(by_name["noise", "kind"].lost) < 0.1
    # The error of prices: lower is better, and yet what is lost is above 0.
    assert by_name["size", "price"].measure == "rmse"
    assert by_name["size", "price"].lost > by_name["colour", "price"].lost > 0.5
    assert by_name["size", "price"].spread > 0.0
    written = read(tmp_path / "columns.csv")
    assert [row["column"] for row in written] == [each.column for each in found]
    assert float(written[0]["lost"]) == found[0].lost
    with Image.open(tmp_path / "columns.png") as picture:
        assert picture.width > 400


def test_single_rows_say_how_the_answer_changes_without_each_column(folder: Path, tmp_path: Path) -> None:
    explain(folder / "run", output=tmp_path, repeats=1, single_rows=3, device="cpu")
    rows = read(tmp_path / "rows.csv")
    assert len(rows) == 3 * 2 * 3, "rows, targets, columns"
    assert set(rows[0]) == {"row", "target", "column", "answer", "without", "change"}
    assert re.search(r"fruit\.csv, row \d+$", rows[0]["row"])
    prices = [row for row in rows if row["target"] == "price"]
    for row in prices:
        assert float(row["change"]) == pytest.approx(float(row["without"]) - float(row["answer"]))
    changes = {
        column: np.mean([abs(float(row["change"])) for row in prices if row["column"] == column])
        for column in ("size", "noise")
    }
    assert changes["size"] > changes["noise"]
    explain(folder / "run", output=tmp_path / "none", repeats=1, single_rows=0, device="cpu")
    assert not (tmp_path / "none" / "rows.csv").exists()


def test_rows_repeats_seed_and_other_data_are_what_was_asked_for(folder: Path, tmp_path: Path) -> None:
    options = {"output": tmp_path, "repeats": 2, "single_rows": 0, "device": "cpu"}
    first = explain(folder / "run", **options)  # type: ignore[arg-type]
    assert first == explain(folder / "run", **options)  # type: ignore[arg-type]
    assert first != explain(folder / "run", **options, seed=1)  # type: ignore[arg-type]
    (one, *_) = explain(folder / "run", output=tmp_path, repeats=1, single_rows=0, device="cpu")
    assert one.spread == 0.0
    # A single row can be dealt out to itself alone.
    lonely = explain(folder / "run", output=tmp_path, most_rows=1, single_rows=0, repeats=1, device="cpu")
    assert {each.lost for each in lonely if each.target == "kind"} == {0.0}
    data = write_table(tmp_path / "other.csv", without(fruit(23, seed=3), "tags"))
    other = explain(folder / "run", **options, data=str(data), split="all")  # type: ignore[arg-type]
    assert [each.unchanged for each in other] != [each.unchanged for each in first]


def test_columns_of_whole_files_are_dealt_out_as_well(tmp_path: Path) -> None:
    columns = {"photo": [], "noise": fruit(70)["noise"], "shade": ["dark", "bright"] * 35}
    for index in range(70):
        Image.new("L", (6, 5), 20 + 210 * (index % 2)).save(tmp_path / f"{index}.png")
        columns["photo"].append(f"{index}.png")
    data = write_table(tmp_path / "table.csv", columns)
    fit_tiny(data, "shade", output=tmp_path / "run", epochs=12)
    found = explain(tmp_path / "run", output=tmp_path / "why", repeats=2, device="cpu")
    assert found[0].column == "photo"
    assert found[0].lost > 0.2


def test_a_column_dealt_out_keeps_the_others_and_how_numbers_are_written() -> None:
    table = ListTable([{"a": str(index), "b": str(index)} for index in range(4)], "table")
    table.decimal = "comma"
    dealt = DealtOutTable(table, "a", {0: 2, 2: 0})
    assert [dealt[index] for index in range(4)] == [
        {"a": "2", "b": "0"}, {"a": "1", "b": "1"}, {"a": "0", "b": "2"}, {"a": "3", "b": "3"}
    ]  # fmt: skip
    assert list(dealt.column("a")) == ["2", "1", "0", "3"]
    assert list(dealt.column("b")) == ["0", "1", "2", "3"]
    assert (dealt.decimal, dealt.name(1), len(dealt)) == ("comma", "table, row 2", 4)


def test_a_full_disk_is_said_and_a_picture_that_cannot_be_drawn_costs_nothing_else(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = {"output": tmp_path, "repeats": 1, "single_rows": 2, "device": "cpu"}
    with (
        full_disk(room=200),
        pytest.raises(PerceiversError, match=r"could not be written: .*; name another folder with --output"),
    ):
        explain(folder / "run", **quick)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []

    def draw(found: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise ValueError("no such colour")

    monkeypatch.setattr(explanation, "draw_importances", draw)
    explain(folder / "run", **quick)  # type: ignore[arg-type]
    assert "the picture of importances could not be drawn: no such colour" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["columns.csv", "rows.csv"]


def test_what_cannot_be_explained_is_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="`repeats` must be at least 1, received 0"):
        explain(folder / "run", output=tmp_path, repeats=0)
    data = write_table(tmp_path / "one.csv", {name: cells[:1] for name, cells in fruit().items()})
    with pytest.raises(DataError, match="`data` must hold samples to explain, received none in this part"):
        explain(folder / "run", output=tmp_path, data=str(data))
    fit_tiny(without(fruit(), "tags", "price"), "kind", output=tmp_path / "memory", epochs=1)
    with pytest.raises(DataError, match=r"`data` must be given: the run .* was trained on rows in memory"):
        explain(tmp_path / "memory", output=tmp_path)


def test_a_run_without_columns_cannot_be_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from line_task import LineTask

    line_run(tmp_path / "run", epochs=1)
    monkeypatch.setattr("perceivers.training.explanation.load_run", lambda folder: (LineTask(), None, None))
    with pytest.raises(
        ConfigurationError,
        match="`folder` must be a run whose answers come from columns, received one of line",
    ):
        explain(tmp_path / "run", output=tmp_path)
