"""A file in onnxruntime: named arrays in and out, sizes checked, masks that hide nothing."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.errors import DataError, MissingExtraError, ShapeError
from perceivers.runtime.session import Session

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx_files import write_linear


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    weights = {"inputs_a": [[1.0, 0.0], [0.0, 2.0]], "inputs_b": [[10.0, 100.0]]}
    return write_linear(folder / "model.onnx", weights, mask="mask_b", metadata={"error": 1e-6})


def test_outputs_come_by_name_for_any_batch(path: Path) -> None:
    session = Session(path)
    for batch in (1, 3):
        a, b = np.full((batch, 2), 3), np.full((batch, 1), 0.5)
        (logits,) = session.run({"inputs_a": a, "inputs_b": b, "mask_b": np.ones(batch)}).values()
        # 3 x 1 + 0.5 x 10, and 3 x 2 + 0.5 x 100.
        assert logits.tolist() == [[8.0, 56.0]] * batch
    assert session.outputs == ("logits",)
    assert session.metadata == {"error": 1e-6}
    assert session.inputs["inputs_a"] == (np.dtype(np.float32), ("batch", 2))


def test_a_mask_that_is_left_out_hides_nothing(path: Path) -> None:
    given = {"inputs_a": np.ones((2, 2)), "inputs_b": np.ones((2, 1))}
    session = Session(path)
    assert session.run(given)["logits"].tolist() == [[11.0, 102.0]] * 2
    hidden = session.run({**given, "mask_b": np.array([True, False])})["logits"].tolist()
    assert hidden == [[11.0, 102.0], [0.0, 0.0]]


def test_inputs_that_do_not_fit_are_named(path: Path) -> None:
    session = Session(path)
    with pytest.raises(ShapeError, match="`given` must be inputs_a, inputs_b, mask_b, received inputs_a"):
        session.run({"inputs_a": np.ones((2, 2))})
    with pytest.raises(ShapeError, match=r"`inputs_a` must have shape \[batch, 2\], received \[2, 3\]"):
        session.run({"inputs_a": np.ones((2, 3)), "inputs_b": np.ones((2, 1))})
    with pytest.raises(ShapeError, match=r"`inputs_b` must have .* received \[3, 1\]; batch is 2"):
        session.run({"inputs_a": np.ones((2, 2)), "inputs_b": np.ones((3, 1))})


def test_what_is_no_file_of_onnx_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="perceivers export RUN"):
        Session(tmp_path / "absent.onnx")
    (tmp_path / "text.onnx").write_text("not this", encoding="utf-8")
    with pytest.raises(DataError, match=r"text.onnx` cannot be read as ONNX"):
        Session(tmp_path / "text.onnx")


def test_without_onnxruntime_the_extra_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *others: Any, **named: Any) -> Any:
        if name == "onnxruntime":
            raise ImportError(name)
        return real(name, *others, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r'pip install "perceivers\[runtime\]"'):
        Session(path)
