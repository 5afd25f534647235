"""What is said of a file's inputs is what the file says, of every model and every file of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

import perceivers
from perceivers.errors import ConfigurationError
from perceivers.export.calls import Call
from perceivers.export.graph import input_axes, quiet, write_onnx
from perceivers.export.writing import Written, write_model
from perceivers.nn.ceil_division import ceil_division
from perceivers.nn.fourier import axis_coordinates
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


class Remainders(torch.nn.Module):
    """Whole numbers modulo how many there are, for which ONNX has no word while that is open."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs % inputs.shape[0]


class GroupsOfFive(torch.nn.Module):
    """The coordinates of as many points as groups of five are needed for `inputs`."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return axis_coordinates(ceil_division(inputs.shape[0], 5))


def written(module: torch.nn.Module, path: Path) -> None:
    """A file of a module that takes any number of whole numbers."""
    whole = torch.arange(7)
    program = torch.export.export(
        module, (whole,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},), strict=False
    )
    write_onnx(program, Call("model", module, {"inputs": whole}, {"inputs": (0,)}), ["outputs"], path)


def test_what_onnx_has_no_word_for_is_an_error_that_says_what_can_be_done(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"`model` cannot be written as ONNX: .*remainder.*; export with --form plain, or",
    ):
        written(Remainders(), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_sizes_that_are_rounded_up_and_axes_of_one_point_are_right_in_a_file_for_any_size(
    tmp_path: Path,
) -> None:
    written(GroupsOfFive(), tmp_path / "model.onnx")
    session = Session(tmp_path / "model.onnx")
    # Five points are one group, which lies at the start; eleven are three.
    for number, expected in ((5, [-1.0]), (11, [-1.0, 0.0, 1.0]), (15, [-1.0, 0.0, 1.0])):
        outputs = session.run({"inputs": torch.arange(number).numpy()})
        assert outputs["outputs"].tolist() == expected


def test_what_libraries_say_by_the_root_logger_is_not_shown_and_the_logger_stays_as_it_was(
    caplog: pytest.LogCaptureFixture,
) -> None:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    with quiet():
        logging.warning("as the rounding of onnxruntime does")
    assert caplog.records == []
    assert (root.level, root.handlers) == before
    logging.warning("afterwards it is heard again")
    assert len(caplog.records) == 1
