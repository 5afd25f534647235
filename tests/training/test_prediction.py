"""Answers for tables: the input's columns and order, what was answered beside them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from perceivers.errors import ConfigurationError, DataError
from perceivers.training.prediction import predict
from tiny_tables import fit_tiny, fruit, without, write_table


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    data = without(fruit(), "tags")
    fit_tiny(data, ["kind", "price"], output=folder, overwrite=True, quantiles=[0.1, 0.5, 0.9])
    return folder


def test_the_table_comes_back_with_the_answers_beside_it(run: Path, tmp_path: Path) -> None:
    asked = {"note": ["a,b", 'say "x"', "", "é"], **without(fruit(4, seed=5), "tags", "price")}
    asked["size"][2] = None
    data = write_table(tmp_path / "asked.csv", asked)
    predictions = predict(run, [data], tmp_path / "out", device="cpu")
    with (tmp_path / "out" / "predictions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "source", "note", "size", "colour", "noise", "kind", "price", "price_low", "price_high", "kind_answer",
        "kind_probability",
    ]  # fmt: skip
    for name, cells in asked.items():
        assert [row[name] for row in rows] == ["" if cell is None else str(cell) for cell in cells]
    assert [row["source"] for row in rows] == [f"{data}, row {number}" for number in range(1, 5)]
    for row in rows:
        assert float(row["price_low"]) <= float(row["price"]) <= float(row["price_high"])
        assert row["kind_answer"] in ("big", "small")
    saved = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert [each["kind_probabilities"] for each in saved] == [
        prediction.values["kind_probabilities"] for prediction in predictions
    ]
    assert (tmp_path / "out" / "predictions.html").is_file()


def test_several_tables_may_have_other_columns_and_what_they_lack_is_said_once(
    run: Path, tmp_path: Path
) -> None:
    first = write_table(tmp_path / "first.csv", {"size": [1.0, 9.0], "source": ["north", "south"]})
    second = write_table(tmp_path / "second.csv", {"colour": ["red"], "size": [3.0], "extra": ["x"]})
    predictions = predict(run, [first, second], tmp_path / "out", device="cpu")
    assert [prediction.notes for prediction in predictions] == [
        (f"`{first}` has no column noise, colour: what is missing is masked in every row",),
        (),
        (f"`{second}` has no column noise: what is missing is masked in every row",),
    ]
    with (tmp_path / "out" / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["source"] for row in rows] == ["north", "south", ""], "the table's own column stays"
    assert rows[2]["source_of_row"] == f"{second}, row 1"
    assert (rows[2]["extra"], rows[0]["extra"]) == ("x", "")


def test_what_cannot_be_answered_is_named_with_its_row(run: Path, tmp_path: Path) -> None:
    data = write_table(tmp_path / "asked.csv", {"size": [1.0, "long"], "colour": ["red", "red"]})
    with pytest.raises(
        DataError, match=r"asked\.csv, row 2`: in the column 'size': expected a number, received 'long'"
    ):
        predict(run, [data], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    other = write_table(tmp_path / "other.csv", {"weight": [1.0]})
    with pytest.raises(
        DataError, match=r"other\.csv` must have one of the columns size, noise, colour to be answered"
    ):
        predict(run, [other], tmp_path / "out")
    with pytest.raises(
        DataError, match=r"`inputs` must be tables \(.*\), received '.*absent\.csv', which does not exist"
    ):
        predict(run, [tmp_path / "absent.csv"], tmp_path / "out")
    with pytest.raises(DataError, match="`inputs` must name one file or more, received none"):
        predict(run, [], tmp_path / "out")
    with pytest.raises(ConfigurationError, match="`output` must be a folder, received the file"):
        predict(run, [data], data)
