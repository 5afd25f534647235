"""What is said of a file's inputs is what the file says, of every model and every file of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

import perceivers
from perceivers.export.graph import input_axes
from perceivers.export.writing import Written, write_model
from perceivers.runtime.session import Session
from tiny_models import CLASSES, INPUTS, TINY

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")


def small(name: str) -> Any:
    torch.manual_seed(3)
    return getattr(perceivers, name)(perceivers.PerceiverConfig(**TINY)).eval()


def assert_said(files: Sequence[Written]) -> None:
    """Beside what onnxruntime reads of each file."""
    for each in files:
        read = {name: list(sizes) for name, (_, sizes) in Session(each.path).inputs.items()}
        assert input_axes(each.path, each.call) == read, each.path.name


@pytest.mark.slow
def test_a_mask_s_length_is_called_as_that_of_its_text_and_points_have_a_number_of_their_own(
    tmp_path: Path,
) -> None:
    samples = [
        {"inputs": torch.randint(0, 31, (3, length)), "attention_mask": torch.ones(3, length)}
        for length in (9, 4)
    ]
    files = write_model(small("PerceiverForMaskedLM"), samples, tmp_path)
    assert_said(files)
    whole, encoder, decoder = (input_axes(each.path, each.call) for each in files)
    assert whole == encoder == {"inputs": ["batch", "inputs_1"], "mask": ["batch", "inputs_1"]}
    assert decoder["points"] == ["points"]
    assert all(sizes[0] == "batch" for name, sizes in decoder.items() if name != "points")


@pytest.mark.slow
@pytest.mark.parametrize("form", ["fast", "plain"])
@pytest.mark.parametrize("name", list(CLASSES))
def test_axes_of_every_model_are_the_file_s_own(name: str, form: str, tmp_path: Path) -> None:
    assert_said(write_model(small(CLASSES[name]), [{"inputs": INPUTS[name](3)}], tmp_path, form=form))


@pytest.mark.slow
def test_axes_of_a_program_are_called_as_those_of_other_files(tmp_path: Path) -> None:
    samples = [{"inputs": torch.randint(0, 31, (3, length))} for length in (9, 4)]
    (file,) = write_model(small("PerceiverForSequenceClassification"), samples, tmp_path, file_format="torch")
    assert input_axes(file.path, file.call) == {"inputs": ["batch", "inputs_1"]}
