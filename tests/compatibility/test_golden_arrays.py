"""With fidelity "deepmind" the converted networks give what DeepMind's JAX code gave.

The arrays were made with the original code (deepmind-research, folder `perceiver`, commit f5de0ed) and random weights;
parameters lie under `PREFIX|HAIKU_MODULE|PARAMETER`, as Haiku names them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

DATA = Path(__file__).parent / "data"
FLOW_AND_MULTIMODAL = DATA / "jax_flow_and_multimodal.npz"
FOURIER_CONV_AND_TEXT = DATA / "jax_fourier_conv_and_masked_lm.npz"
TOLERANCE = 1e-4

TEXT_SIZES = {
    "num_latents": 7,
    "d_latents": 24,
    "d_model": 18,
    "max_position_embeddings": 10,
    "num_blocks": 2,
    "num_self_attends_per_block": 2,
    "num_self_attention_heads": 3,
    "num_cross_attention_heads": 3,
    "qk_channels": 12,
    "v_channels": 24,
    "decoder_num_heads": 3,
    "decoder_qk_channels": 12,
}
FLOW_SIZES = {
    "num_latents": 6,
    "d_latents": 32,
    "d_model": 322,
    "num_self_attends_per_block": 2,
    "num_self_attention_heads": 4,
    "num_cross_attention_heads": 1,
    "train_size": (8, 12),
}
MULTIMODAL_SIZES = {
    "num_latents": 9,
    "d_latents": 32,
    "d_model": 405,
    "num_self_attends_per_block": 2,
    "num_self_attention_heads": 4,
    "num_cross_attention_heads": 1,
    "num_frames": 2,
    "image_size": 2,
    "output_shape": (1, 2, 8, 8),
    "audio_samples_per_frame": 64,
    "num_labels": 10,
    "output_num_channels": 24,
    "_label_trainable_num_channels": 64,
}


@pytest.fixture(scope="module")
def flow_and_multimodal():
    with np.load(FLOW_AND_MULTIMODAL) as archive:
        return {key: archive[key] for key in archive.files if "|" not in key}


@pytest.fixture(scope="module")
def fourier_conv_and_text():
    with np.load(FOURIER_CONV_AND_TEXT) as archive:
        return {key: archive[key] for key in archive.files if "|" not in key}


@pytest.fixture
def converted(tmp_path):
    """A converted model, loaded again from the folder that was written."""

    def convert(source, architecture, sizes, prefix):
        import perceivers
        from perceivers.conversion import ARCHITECTURES, convert_haiku

        config = perceivers.PerceiverConfig(**sizes)
        convert_haiku(source, tmp_path / "converted", architecture, config, prefixes=[prefix])
        model_class = getattr(perceivers, ARCHITECTURES[architecture].model)
        return model_class.from_pretrained(tmp_path / "converted", strict=True)

    return convert


def distance(received, expected):
    """Largest difference, as a part of the largest expected value."""
    expected = torch.from_numpy(expected)
    assert received.shape == expected.shape
    return ((received - expected).abs().max() / expected.abs().max()).item()


def channels_first(pictures):
    return torch.from_numpy(pictures).movedim(-1, -3)


@torch.no_grad()
def text_logits(model, arrays):
    mask = torch.from_numpy(arrays["mlm_mask"])
    assert mask.sum(dim=1).tolist() == [10, 6]
    return model(torch.from_numpy(arrays["mlm_ids"]), attention_mask=mask).logits


def test_masked_language_model_with_a_mask_on_inputs_and_queries(converted, fourier_conv_and_text):
    model = converted(FOURIER_CONV_AND_TEXT, "masked-language-modeling", TEXT_SIZES, "mlmp")
    assert (
        distance(text_logits(model, fourier_conv_and_text), fourier_conv_and_text["mlm_logits"]) < TOLERANCE
    )


@torch.no_grad()
def flow(model, arrays):
    # `flow_y` is in pixels, the network was trained on twentieths of them.
    return model(channels_first(arrays["flow_patches"])).logits * model.config.flow_target_scale


def test_optical_flow(converted, flow_and_multimodal):
    model = converted(FLOW_AND_MULTIMODAL, "optical-flow", FLOW_SIZES, "flowp")
    assert distance(flow(model, flow_and_multimodal), flow_and_multimodal["flow_y"]) < TOLERANCE


def test_three_by_three_patches_of_flow_frames(flow_and_multimodal):
    from perceivers.processors.optical_flow.processor import neighbourhoods

    patches = neighbourhoods(channels_first(flow_and_multimodal["flow_x"]), 3)
    assert torch.equal(patches, channels_first(flow_and_multimodal["flow_patches"]))


@torch.no_grad()
def multimodal_outputs(model, arrays):
    inputs = {
        "image": channels_first(arrays["mm_im"]),
        "audio": torch.from_numpy(arrays["mm_au"]),
        "label": torch.zeros(1, 10),
    }
    points = {
        "image": torch.from_numpy(arrays["mm_si"]),
        "audio": torch.from_numpy(arrays["mm_sa"]),
        "label": None,
    }
    return model(inputs, subsampled_output_points=points).logits


def test_video_sound_and_label_at_subsampled_points(converted, flow_and_multimodal):
    model = converted(FLOW_AND_MULTIMODAL, "multimodal-autoencoding", MULTIMODAL_SIZES, "mmp")
    outputs = multimodal_outputs(model, flow_and_multimodal)
    assert list(outputs) == ["audio", "image", "label"]
    for name, received in outputs.items():
        assert distance(received, flow_and_multimodal[f"mm_o_{name}"]) < TOLERANCE


@pytest.mark.parametrize(
    ("source", "architecture", "sizes", "prefix", "key", "compute"),
    [
        (FOURIER_CONV_AND_TEXT, "masked-language-modeling", TEXT_SIZES, "mlmp", "mlm_logits", text_logits),
        (FLOW_AND_MULTIMODAL, "optical-flow", FLOW_SIZES, "flowp", "flow_y", flow),
    ],
)
def test_the_other_fidelity_is_measurably_different(
    converted, tmp_path, source, architecture, sizes, prefix, key, compute
):
    with np.load(source) as archive:
        arrays = {name: archive[name] for name in archive.files if "|" not in name}
    model = converted(source, architecture, sizes, prefix)
    other = type(model).from_pretrained(tmp_path / "converted", fidelity="transformers")
    assert distance(compute(other, arrays), arrays[key]) > 3 * TOLERANCE


def test_fourier_features(fourier_conv_and_text):
    from perceivers.nn.fourier import fourier_features, grid_coordinates

    features = fourier_features(grid_coordinates((3, 4)), num_bands=5, max_resolution=(8, 12))
    assert distance(features.reshape(12, 22), fourier_conv_and_text["ff"]) < 1e-5


@pytest.fixture(scope="module")
def stem_tensors():
    from perceivers.conversion.haiku import convert_parameters
    from perceivers.conversion.haiku_files import read_haiku

    return convert_parameters(
        read_haiku(FOURIER_CONV_AND_TEXT, ["convp", "convs"]), "image-classification-conv"
    )


@pytest.fixture
def stem_model(stem_tensors):
    """A whole classifier whose stem is the golden one."""
    import perceivers

    config = perceivers.PerceiverConfig(
        num_latents=3,
        d_latents=8,
        num_self_attends_per_block=1,
        num_self_attention_heads=1,
        num_cross_attention_heads=1,
        stem_channels=6,
        fidelity="deepmind",
    )
    model = perceivers.PerceiverForImageClassificationConvProcessing(config)
    placed = model.load_state_dict(stem_tensors, strict=False)
    assert placed.unexpected_keys == []
    assert not any("convnet" in key for key in placed.missing_keys)
    return model.eval()


@torch.no_grad()
def stem_output(model, arrays):
    return model.perceiver.input_preprocessor.convnet(channels_first(arrays["conv_x"])).movedim(1, -1)


def test_the_convolutional_stem(stem_model, fourier_conv_and_text):
    assert (
        distance(stem_output(stem_model, fourier_conv_and_text), fourier_conv_and_text["conv_y"]) < TOLERANCE
    )


def test_a_published_stem_is_turned_back_when_it_is_loaded(stem_model, fourier_conv_and_text, tmp_path):
    """Transformers' converter stored kernels width first and says nothing about it."""
    kernel = stem_model.perceiver.input_preprocessor.convnet.conv.weight
    with torch.no_grad():
        kernel.copy_(kernel.transpose(-1, -2).clone())
    stem_model.config.set_fidelity("transformers")
    stem_model.save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    values = json.loads(path.read_text())
    del values["conv_kernel_order"]
    path.write_text(json.dumps(values))

    loaded = type(stem_model).from_pretrained(tmp_path, fidelity="deepmind")
    assert distance(stem_output(loaded, fourier_conv_and_text), fourier_conv_and_text["conv_y"]) < TOLERANCE
    # Left as it is stored, the same kernel gives something else.
    unturned = type(stem_model).from_pretrained(
        tmp_path, fidelity="deepmind", conv_kernel_order="height_width"
    )
    assert distance(stem_output(unturned, fourier_conv_and_text), fourier_conv_and_text["conv_y"]) > 0.01
