from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

import perceivers
from full_disk import full_disk
from haiku_files import SIZES, small_network
from perceivers.conversion import ARCHITECTURES, convert_haiku
from perceivers.conversion.haiku import convert_parameters
from perceivers.errors import CheckpointError, ConfigurationError, PerceiversError
from perceivers.folder_lock import alone_in

LAYOUTS = Path(__file__).parents[1] / "compatibility" / "data" / "state_dict_layouts.json"
HUB_NAMES = {
    "masked-language-modeling": "language-perceiver",
    "image-classification-learned": "vision-perceiver-learned",
    "image-classification-fourier": "vision-perceiver-fourier",
    "image-classification-conv": "vision-perceiver-conv",
    "optical-flow": "optical-flow-perceiver",
    "multimodal-autoencoding": "multimodal-perceiver",
}


@pytest.fixture(params=list(SIZES))
def network(request):
    """A small image classifier with lively values, and its parameters as the JAX code would have saved them."""
    return request.param, *small_network(request.param)


def test_every_image_classifier_is_converted_whole(network, tmp_path):
    architecture, model, content = network
    (tmp_path / "released.pystate").write_bytes(pickle.dumps(content))
    returned = convert_haiku(tmp_path / "released.pystate", tmp_path / "out", architecture, model.config)
    loaded = type(model).from_pretrained(tmp_path / "out", strict=True)
    for converted in (returned, loaded):
        assert not converted.training
        for key, tensor in model.state_dict().items():
            assert torch.equal(converted.state_dict()[key], tensor), key
    written = json.loads((tmp_path / "out" / "config.json").read_text())
    assert written["fidelity"] == "deepmind"
    assert written["conv_kernel_order"] == "height_width"
    assert written["architectures"] == [type(model).__name__]


def test_a_full_disk_is_said_and_leaves_the_former_model(tmp_path):
    architecture = next(iter(SIZES))
    model, content = small_network(architecture)
    (tmp_path / "released.pystate").write_bytes(pickle.dumps(content))
    given = (tmp_path / "released.pystate", tmp_path / "out", architecture, model.config)
    convert_haiku(*given)
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with (
        full_disk(room=200),
        pytest.raises(PerceiversError, match=r"out' could not be written: .*; give another folder"),
    ):
        convert_haiku(*given)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    with alone_in(tmp_path / "out"), pytest.raises(ConfigurationError, match="out' is in use: process"):
        convert_haiku(*given)


def test_a_configuration_of_the_other_arithmetic_is_set_right_and_left_alone(network, tmp_path):
    architecture, model, content = network
    (tmp_path / "released.pystate").write_bytes(pickle.dumps(content))
    given = perceivers.PerceiverConfig.from_dict(model.config.to_dict(), fidelity="transformers")
    returned = convert_haiku(tmp_path / "released.pystate", tmp_path / "out", architecture, given)
    assert returned.config.fidelity == "deepmind"
    assert returned.config.hidden_act == "gelu_pytorch_tanh"
    assert given.fidelity == "transformers"


def test_parameters_that_the_network_lacks_are_listed(network, tmp_path):
    architecture, model, content = network
    content["params"]["resnet/~/block"] = {"w": np.zeros((2, 3), dtype=np.float32)}
    content["params"]["perceiver_encoder/~/cross_attention/layer_norm_7"] = {
        "scale": np.zeros(3, dtype=np.float32)
    }
    content["params"]["embed"] = {"w": np.zeros((2, 3), dtype=np.float32)}
    (tmp_path / "released.pystate").write_bytes(pickle.dumps(content))
    with pytest.raises(
        CheckpointError, match=rf"none of Perceiver IO's {architecture} network \(3\)"
    ) as caught:
        convert_haiku(tmp_path / "released.pystate", tmp_path / "out", architecture, model.config)
    assert "\n  resnet/~/block/w\n  perceiver_encoder/~/cross_attention/layer_norm_7/scale\n  embed/w" in str(
        caught.value
    )
    assert not (tmp_path / "out").exists()


def test_parameters_that_the_file_lacks_are_listed(network, tmp_path):
    architecture, model, content = network
    del content["params"]["perceiver_encoder/~/self_attention_1/mlp/linear"]
    (tmp_path / "released.pystate").write_bytes(pickle.dumps(content))
    with pytest.raises(CheckpointError, match=r"missing from the checkpoint \(2\)") as caught:
        convert_haiku(tmp_path / "released.pystate", tmp_path / "out", architecture, model.config)
    assert "perceiver.encoder.self_attends.1.mlp.dense1.weight" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_network_of_another_size_is_an_error_with_both_sizes(network, tmp_path):
    architecture, model, content = network
    (tmp_path / "released.pystate").write_bytes(pickle.dumps(content))
    model.config.num_latents = 11
    with pytest.raises(
        CheckpointError,
        match=r"perceiver\.embeddings\.latents: \[3, 8\] in the checkpoint, \[11, 8\] in the model",
    ) as caught:
        convert_haiku(tmp_path / "released.pystate", tmp_path / "out", architecture, model.config)
    # What can be done about it here, and not what from_pretrained takes.
    assert "; `config` must have the sizes of the network in the file" in str(caught.value)
    assert "ignore_mismatched_sizes" not in str(caught.value)


def test_a_training_run_is_never_written_over(tmp_path):
    architecture = next(iter(SIZES))
    model, content = small_network(architecture)
    (tmp_path / "released.pystate").write_bytes(pickle.dumps(content))
    run = tmp_path / "run"
    run.mkdir()
    for name in ("arguments.yaml", "config.json", "model.safetensors"):
        (run / name).write_text("of the run")
    with pytest.raises(ConfigurationError, match=r"run' holds a training run, .*; give another folder"):
        convert_haiku(tmp_path / "released.pystate", run, architecture, model.config)
    assert {path.read_text() for path in run.iterdir()} == {"of the run"}


def test_further_stem_layers_are_numbered_from_one():
    parameters = {
        ("image_preprocessor/~/conv2_d_downsample/~/conv_2", "w"): np.zeros((7, 7, 5, 3), dtype=np.float32),
        ("image_preprocessor/~/conv2_d_downsample/~/batchnorm_1", "scale"): np.zeros(
            (1, 1, 1, 3), dtype=np.float32
        ),
    }
    tensors = convert_parameters(parameters, "image-classification-conv")
    assert {key: list(tensor.shape) for key, tensor in tensors.items()} == {
        "perceiver.input_preprocessor.convnet.further_layers.1.conv.weight": [3, 5, 7, 7],
        "perceiver.input_preprocessor.convnet.further_layers.0.batchnorm.weight": [3],
    }


def test_an_architecture_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(
        ConfigurationError, match=r"`architecture` must be one of masked-language-modeling, .*'resnet'"
    ):
        convert_haiku(tmp_path / "file", tmp_path / "out", "resnet")


@pytest.mark.parametrize("architecture", list(HUB_NAMES))
def test_without_a_configuration_the_network_has_the_released_size(architecture):
    layout = json.loads(LAYOUTS.read_text())[f"deepmind/{HUB_NAMES[architecture]}"]
    assert ARCHITECTURES[architecture].model == layout["class"]
    config = ARCHITECTURES[architecture].released_config()
    assert config.fidelity == "deepmind"
    with torch.device("meta"):
        model = getattr(perceivers, layout["class"])(config)
    assert {key: list(tensor.shape) for key, tensor in model.state_dict().items()} == layout["state_dict"]
    assert model.num_parameters() == layout["n_params"]
