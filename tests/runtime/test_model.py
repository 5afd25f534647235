"""An exported model called as a model is: what is hidden as a whole comes at the file's own size."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.errors import ShapeError
from perceivers.runtime.model import RuntimeModel
from perceivers.runtime.session import Session

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx_files import write_linear


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> RuntimeModel:
    """Takes `inputs_a` [batch, 3] and `inputs_b` [batch, 1]; where `mask_a` is False, it says 0."""
    weights = {"inputs_a": [[1.0], [2.0], [4.0]], "inputs_b": [[8.0]]}
    path = write_linear(tmp_path_factory.mktemp("files") / "model.onnx", weights, mask="mask_a")
    return RuntimeModel(Session(path))


def test_what_no_sample_has_may_come_as_little(model: RuntimeModel) -> None:
    inputs = {"a": np.zeros((2, 1), np.float32), "b": np.ones((2, 1), np.float32)}
    mask = {"a": np.zeros(2, np.bool_), "b": np.ones(2, np.bool_)}
    assert model(inputs=inputs, attention_mask=mask).logits.tolist() == [[0.0], [0.0]]


def test_what_some_sample_has_must_fit(model: RuntimeModel) -> None:
    inputs = {"a": np.ones((2, 1), np.float32), "b": np.ones((2, 1), np.float32)}
    with pytest.raises(ShapeError, match=r"`inputs_a` must have shape \[batch, 3\], received \[2, 1\]"):
        model(inputs=inputs, attention_mask={"a": np.array([True, False])})
