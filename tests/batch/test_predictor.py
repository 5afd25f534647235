"""One function from rows to answers, which travels as a folder's name and takes what each engine has."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from perceivers.batch import BatchPredictor
from perceivers.errors import ConfigurationError, DataError
from tiny_tables import fit_tiny, fruit, without

ANSWERS = ["price", "kind", "kind_probability"]
ASKED = {**without(fruit(5, seed=2), "price", "kind", "tags", "noise"), "id": [7, 5, 3, 2, 11]}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fruit") / "run"
    fit_tiny(without(fruit(53), "tags", "noise"), ["kind", "price"], output=folder, epochs=1)
    return folder


@pytest.fixture(scope="module")
def predict(run: Path) -> BatchPredictor:
    return BatchPredictor(run, keep=["id"], device="cpu")


def test_what_travels_is_a_name(predict: BatchPredictor) -> None:
    assert predict(ASKED)["kind"].tolist()
    carried = pickle.dumps(predict)
    assert len(carried) < 1000
    other = pickle.loads(carried)
    assert other._loaded is None
    assert other(ASKED)["price"].tolist() == predict(ASKED)["price"].tolist()


def test_each_kind_of_batch_comes_back_as_its_kind(predict: BatchPredictor) -> None:
    arrays = predict({name: np.array(cells) for name, cells in ASKED.items()})
    assert list(arrays) == ["id", *ANSWERS, "error"]
    assert arrays["price"].dtype == np.float64
    assert arrays["id"].tolist() == ASKED["id"]
    assert [each is None for each in arrays["error"]] == [True] * 5
    frame = predict(pd.DataFrame(ASKED, index=[9, 8, 7, 6, 5]))
    assert frame.index.tolist() == [9, 8, 7, 6, 5]
    assert list(frame.columns) == ["id", *ANSWERS, "error"]
    table = predict(pa.table(ASKED))
    assert table.schema.names == ["id", *ANSWERS, "error"]
    types = [str(field.type) for field in table.schema]
    assert types == ["int64", "double", "string", "double", "string"]
    for name in ANSWERS:
        assert frame[name].tolist() == arrays[name].tolist() == table[name].to_pylist()


def test_a_row_that_cannot_be_read_costs_no_other(predict: BatchPredictor) -> None:
    cells: dict[str, Any] = {**ASKED, "size": [*ASKED["size"][:4], "wide"]}
    answers = predict(cells)
    assert "wide" in answers["error"][4]
    assert answers["kind"][4] is None
    assert np.isnan(answers["price"][4])
    assert answers["price"][:4].tolist() == pytest.approx(predict(ASKED)["price"][:4].tolist(), rel=1e-4)


def test_no_rows_are_no_answers(predict: BatchPredictor) -> None:
    empty = predict(pa.table(ASKED).slice(0, 0))
    assert empty.num_rows == 0
    assert empty.schema == predict(pa.table(ASKED)).schema


def test_rows_without_any_column_of_the_run_are_refused(predict: BatchPredictor) -> None:
    with pytest.raises(DataError, match="`batch` must have one of the columns size, colour"):
        predict({"id": [1, 2], "other": [3, 4]})


def test_runs_without_columns_are_named(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import perceivers.batch.predictor as module

    class Flow:
        class task:
            name = "optical-flow"

    monkeypatch.setattr(module, "load", lambda run, **options: Flow)
    with pytest.raises(
        ConfigurationError, match="`run` must be one whose answers come from columns, received one of"
    ):
        BatchPredictor(run)(ASKED)
