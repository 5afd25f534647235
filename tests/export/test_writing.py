"""Files of models: one small model here, every model and both forms among the slow tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import perceivers
from perceivers.errors import ConfigurationError
from perceivers.export.graph import input_axes
from perceivers.export.rounding import round_file
from perceivers.export.samples import write_sample
from perceivers.export.writing import Written, write_model
from perceivers.inference import tracing
from perceivers.runtime.session import Session
from tiny_models import CLASSES, INPUTS, TINY

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")


def lively(name: str, **changes: Any) -> Any:
    """A small model with every parameter away from 0."""
    torch.manual_seed(3)
    model = getattr(perceivers, name)(perceivers.PerceiverConfig(**{**TINY, **changes})).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def files_of(name: str, folder: Path, **options: Any) -> dict[str, Written]:
    model = lively(CLASSES[name])
    return {
        each.path.name: each for each in write_model(model, [{"inputs": INPUTS[name](3)}], folder, **options)
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Written]:
    return files_of("sequence_classification", tmp_path_factory.mktemp("written"))


def test_a_file_has_our_names_a_free_batch_and_says_how_it_was_proved(written: dict[str, Written]) -> None:
    assert list(written) == ["model.onnx"]
    session = Session(written["model.onnx"].path)
    assert session.inputs == {"inputs": (np.dtype(np.int64), ("batch", 11))}
    assert session.outputs == ("logits",)
    file = written["model.onnx"]
    assert input_axes(file.path, file.call) == {"inputs": ["batch", 11]}, "what people are told"
    said = session.metadata
    assert said["class"] == "PerceiverForSequenceClassification"
    assert said["form"] == "fast"
    assert said["free_axes"] == {"inputs": [0]}
    assert said["proved_at"] == [{"inputs": [3, 11]}, {"inputs": [1, 11]}, {"inputs": [4, 11]}]
    assert 0 < said["error"] <= 1e-4
    assert said["error"] == written["model.onnx"].proof.error


def test_a_file_answers_as_the_model_at_a_size_it_was_not_proved_at(written: dict[str, Written]) -> None:
    model, ids = lively(CLASSES["sequence_classification"]), INPUTS["sequence_classification"](7)
    (received,) = Session(written["model.onnx"].path).run({"inputs": ids.numpy()}).values()
    with torch.no_grad():
        expected = model(ids).logits.numpy()
    np.testing.assert_allclose(received, expected, atol=1e-4 * np.abs(expected).max())


def test_the_sample_and_the_example_beside_a_file_agree(written: dict[str, Written]) -> None:
    file = written["model.onnx"]
    folder = file.path.parent
    write_sample(folder, file.call.inputs, file.outputs, with_examples=True)
    sample = json.loads((folder / "sample.json").read_text(encoding="utf-8"))
    assert sample["inputs"]["inputs"]["type"] == "int64"
    assert sample["inputs"]["inputs"]["dims"] == [3, 11]
    finished = subprocess.run(
        [sys.executable, folder / "example.py"], capture_output=True, text=True, check=True
    )
    name, *_, off = finished.stdout.split()
    assert name == "logits"
    assert float(off) <= 1e-4
    assert len((folder / "example.mjs").read_text(encoding="utf-8").splitlines()) <= 13


@pytest.mark.parametrize(("how", "most"), [("float16", 2e-2), ("int8", 0.2)])
def test_a_rounded_file_is_near_and_takes_the_same_inputs(
    written: dict[str, Written], tmp_path: Path, how: str, most: float
) -> None:
    source, rounded = written["model.onnx"], tmp_path / "model.onnx"
    rounded.write_bytes(source.path.read_bytes())
    round_file(rounded, how)
    given = {"inputs": source.call.inputs["inputs"].numpy()}
    session = Session(rounded)
    assert session.inputs == Session(source.path).inputs
    (received,), expected = session.run(given).values(), source.outputs["logits"].numpy()
    off = np.abs(received - expected).max() / np.abs(expected).max()
    assert 0 < off <= most
    assert session.metadata["class"] == "PerceiverForSequenceClassification"


def test_axes_that_are_no_input_s_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="`free` must name inputs among inputs, received pixels"):
        files_of("image_fourier", tmp_path, free={"pixels": [2]})
    for axis in (9, -1):
        with pytest.raises(
            ConfigurationError, match=rf"`free` must name axes of `inputs` from 0 to 3, .* received {axis}$"
        ):
            files_of("image_fourier", tmp_path, free={"inputs": [axis]})
    assert list(tmp_path.iterdir()) == []


SLOW_FORMS = ["fast", "plain"]


@pytest.mark.slow
@pytest.mark.parametrize("form", SLOW_FORMS)
@pytest.mark.parametrize("name", list(CLASSES))
def test_every_model_and_its_fast_form_is_written_and_proved(name: str, form: str, tmp_path: Path) -> None:
    files = files_of(name, tmp_path, form=form)
    in_parts = name in ("masked_lm", "optical_flow", "multimodal")
    assert list(files) == (["model.onnx", "encoder.onnx", "decoder.onnx"] if in_parts else ["model.onnx"])
    assert all(0 < each.proof.error <= 1e-5 for each in files.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["image_fourier", "optical_flow", "multimodal"])
def test_tiles_are_loops_of_the_file(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnx

    monkeypatch.setattr(tracing, "TILE_VALUES", 60)
    files = files_of(name, tmp_path)
    nodes = [node.op_type for node in onnx.load(str(files["model.onnx"].path)).graph.node]
    assert "Scan" in nodes
    assert all(each.proof.error <= 1e-5 for each in files.values())


@pytest.mark.slow
def test_lengths_that_differ_and_axes_that_are_named_are_free(tmp_path: Path) -> None:
    texts, pictures = tmp_path / "texts", tmp_path / "pictures"
    texts.mkdir()
    pictures.mkdir()
    mask = torch.ones(3, 9, dtype=torch.bool)
    mask[1, 5:] = False
    short = {"inputs": torch.randint(0, 31, (2, 4)), "attention_mask": torch.ones(2, 4, dtype=torch.bool)}
    long = {"inputs": torch.randint(0, 31, (3, 9)), "attention_mask": mask}
    (file,) = write_model(lively(CLASSES["sequence_classification"]), [long, short], texts)
    assert Session(file.path).inputs["mask"][1] == ("batch", "inputs_1")
    (file,) = write_model(
        lively(CLASSES["image_fourier"]),
        [{"inputs": INPUTS["image_fourier"](3)}],
        pictures,
        free={"inputs": [2, 3]},
    )
    assert Session(file.path).inputs["inputs"][1] == ("batch", 3, "inputs_2", "inputs_3")
    assert file.proof.error <= 1e-5


@pytest.mark.slow
def test_torch_s_own_program_is_proved_the_same_way(tmp_path: Path) -> None:
    (file,) = files_of("image_conv", tmp_path, file_format="torch").values()
    assert file.path.name == "model.pt2"
    assert file.proof.error <= 1e-5
    module = torch.export.load(file.path).module()
    assert module({"inputs": INPUTS["image_conv"](5)})["logits"].shape == (5, 3)
