"""Columns that a table lacks at prediction are said once; a table without any is refused; faults name their column."""

from __future__ import annotations

from pathlib import Path

import pytest

import perceivers
from perceivers.errors import DataError
from perceivers.predictor import Predictor
from perceivers.training.prediction import predict

SMALL = {
    "num_latents": 3,
    "latent_channels": 8,
    "num_layers": 1,
    "num_heads": 2,
    "token_channels": 8,
    "steps": 2,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    rows = [
        {"size": 1.5 * index, "colour": ("red", "blue")[index % 2], "sold": index % 2 == 0}
        for index in range(29)
    ]
    perceivers.fit(rows, "sold", output=folder / "run", device="cpu", **SMALL)
    return folder / "run"


@pytest.fixture
def predictor(run: Path) -> Predictor:
    return perceivers.load(run, device="cpu")


def test_an_absent_column_is_said_once(run: Path, tmp_path: Path) -> None:
    table = tmp_path / "new.csv"
    table.write_text("place,colour\nhere,red\nthere,blue\n")
    said: list[str] = []
    predict(run, [table], tmp_path / "out", device="cpu", tell=said.append)
    assert said == [f"`{table}` has no column size: answered without"]


def test_a_table_without_any_column_of_the_model_is_refused(
    run: Path, predictor: Predictor, tmp_path: Path
) -> None:
    table = tmp_path / "new.csv"
    table.write_text("place,day\nhere,1\n")
    expected = r"must have a column that the model reads \(.*size.*\), received place, day"
    with pytest.raises(DataError, match=expected):
        predict(run, [table], tmp_path / "out", device="cpu")
    with pytest.raises(DataError, match=expected):
        predictor([{"place": "here", "day": 1}])


def test_a_value_that_cannot_be_read_names_its_column_and_the_other_rows_are_answered(tmp_path: Path) -> None:
    from PIL import Image

    rows = []
    for index in range(23):
        path = tmp_path / f"{index}.png"
        Image.new("L", (7, 5), 11 * index).save(path)
        rows.append({"photo": str(path), "size": 1.5 * index, "sold": index % 2 == 0})
    predictor = perceivers.fit(rows, "sold", device="cpu", **SMALL)
    first, second = predictor([{"photo": str(tmp_path / "none.png"), "size": 1}, rows[0]])
    assert "in the column 'photo': " in str(first)
    assert isinstance(second, dict)
