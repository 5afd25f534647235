"""An exported table model asked without torch: the run's readers, a file made by hand, answers that a hand can check."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.answers.number import Number
from perceivers.answers.one_class import OneClass
from perceivers.data.frames import ColumnTable
from perceivers.errors import ConfigurationError, DataError, UnreadableError
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.number.options import NumberOptions
from perceivers.processors.numbers import apply_quantiles
from perceivers.records import write_json
from perceivers.runtime import load
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx_files import write_linear
from without_torch import printed_without_torch

SIZES = np.array([[1.0], [2.0], [4.0], [7.0], [11.0]])
WEIGHT = [[-1.5, 1.5]]


def columns_of() -> Columns:
    kind = NumberKind(NumberOptions()).settle(list(SIZES), ["size"])
    answer = OneClass("fruit").settle(["plum", "apple"], "train")
    return Columns((Input("numbers", ("size",), kind),), {"fruit": answer})


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    columns_of().save_pretrained(folder)
    write_linear(folder / "model.onnx", {"inputs_numbers": WEIGHT}, output="logits_fruit")
    write_json(folder / "export.json", {"task": "table", "arguments": {}, "decimal": "point"})
    return folder


def probability_of_plum(size: float) -> float:
    kind = columns_of().inputs[0].kind
    normal = float(apply_quantiles(np.array([[size]]), kind.quantiles)[0, 0])  # type: ignore[attr-defined]
    return float(1 / (1 + np.exp(-3.0 * normal)))


def test_rows_are_answered_as_the_run_says_them(exported: Path) -> None:
    predictor = load(exported)
    middle, large = predictor.predict([{"size": 4.0}, {"size": "7"}])
    assert middle["size"] == 4.0
    # 4 is the middle of the training values: its rank is 1/2, its logits are 0.
    assert middle["fruit_probabilities"] == pytest.approx({"apple": 0.5, "plum": 0.5})
    assert large["fruit"] == "plum"
    assert large["fruit_probability"] == pytest.approx(probability_of_plum(7.0), rel=1e-6)
    (bare,) = predictor.predict([7.0])
    assert bare["fruit_probability"] == large["fruit_probability"]


def test_files_are_answered_and_answers_written(exported: Path, tmp_path: Path) -> None:
    table = tmp_path / "asked.csv"
    table.write_text("size\n7\nmany\n4\n", encoding="utf-8")
    with pytest.raises(UnreadableError, match="many"):
        load(exported).predict([str(table)], tmp_path / "answers")
    written = json.loads((tmp_path / "answers" / "predictions.json").read_text(encoding="utf-8"))
    assert [row["fruit_probability"] for row in written] == pytest.approx([probability_of_plum(7.0), 0.5])
    assert "many" in (tmp_path / "answers" / "errors.csv").read_text(encoding="utf-8")
    assert len(load(exported).predict([str(table)], unreadable="skip")) == 2
    with pytest.raises(ConfigurationError, match="`unreadable` must be one of stop, skip"):
        load(exported).predict([str(table)], unreadable="both")  # type: ignore[arg-type]


def test_single_cells_that_are_no_numbers_are_missing_and_told_as_by_the_run(
    exported: Path, tmp_path: Path
) -> None:
    table = tmp_path / "asked.csv"
    table.write_text("size\n" + "7\n" * 50 + "many\nn/a\n", encoding="utf-8")
    with pytest.warns(
        UserWarning, match="column 'size': 1 of 51 cells is no number \\('many'\\), taken as missing"
    ) as said:
        answers = load(exported).predict([str(table)])
    assert len(said) == 1
    assert [answer["size"] for answer in answers[-2:]] == ["many", "n/a"]
    # The file made by hand has no vector for a missing number.
    assert np.isnan([answer["fruit_probability"] for answer in answers]).tolist() == [False] * 50 + [True] * 2


def test_a_process_without_torch_loads_in_half_a_second_and_answers(exported: Path, tmp_path: Path) -> None:
    table = tmp_path / "asked.csv"
    table.write_text("size\n7\n", encoding="utf-8")
    printed = printed_without_torch(
        f"""
import time

before = time.process_time()
import perceivers.runtime
seconds = time.process_time() - before
predictor = perceivers.runtime.load({str(exported)!r})
(row,) = predictor.predict([{{"size": 7.0}}])
assert predictor.predict([{str(table)!r}], {str(tmp_path / "answers")!r})[0]["fruit"] == row["fruit"]
print(seconds, row["fruit_probability"], "torch" in sys.modules)
"""
    )
    seconds, probability, has_torch = printed.split()
    assert float(seconds) < 0.5
    assert float(probability) == pytest.approx(probability_of_plum(7.0), rel=1e-6)
    assert has_torch == "False"


def test_arrays_are_answered_by_the_names_of_the_file(exported: Path) -> None:
    outputs = load(exported).run({"inputs_numbers": np.array([[2.0]])})
    assert outputs["logits_fruit"].tolist() == [[-3.0, 3.0]]


def test_mistakes_are_named_with_their_cure(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"export.json.*perceivers export RUN --output FOLDER"):
        load(tmp_path)
    predictor = load(exported)
    for asked in ("size", []):
        with pytest.raises(DataError, match="`inputs` must name one file or more"):
            predictor.predict(asked)
    with pytest.raises(DataError, match=r"encoder.onnx"):
        _ = predictor.encoder


def test_numbers_with_a_unit_are_read_and_said_as_by_the_run(tmp_path: Path) -> None:
    table = ColumnTable({"size": ["1.5 kg", "2.5 kg"]}, "made")
    kind = NumberKind(NumberOptions()).survey(table, ("size",)).settle(list(SIZES), ["size"])
    answer = Number("price", quantiles=(0.5,)).settle(["$59", "$61"], "train")
    Columns((Input("numbers", ("size",), kind),), {"price": answer}).save_pretrained(tmp_path)
    write_linear(tmp_path / "model.onnx", {"inputs_numbers": [[1.0]]}, output="logits_price")
    write_json(tmp_path / "export.json", {"task": "table", "arguments": {}, "decimal": "point"})
    (row,) = load(tmp_path).predict([{"size": "4 kg"}])
    # 4 is the middle of the training values, and $60 what is answered of it: one quantile, as the file has one output.
    assert row["price"] == "$60"
    with pytest.raises(DataError, match=r"such as 12.0 kg, received '4 lb'"):
        load(tmp_path).predict([{"size": "4 lb"}])


def test_numbers_are_said_as_with_torch() -> None:
    torch: Any = pytest.importorskip("torch")
    answer = Number("price", quantiles=(0.1, 0.5, 0.9), logarithm_of=2.0, mean=1.5, scale=0.7, widened=0.25)
    scores = torch.tensor([[-1.0, 0.25, 2.0], [0.0, 0.5, 1.0]])
    assert answer.describe(scores.numpy()) == answer.describe(scores)
    expected = answer.values(scores)[0].tolist()
    said = answer.describe(scores.numpy())[0]
    assert [said["low"], said["number"], said["high"]] == pytest.approx(expected, rel=1e-12)
