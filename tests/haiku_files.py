"""Parameter files as the original JAX code would have saved them, of small image classifiers with lively values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import perceivers
from perceivers.conversion import ARCHITECTURES

# What Haiku calls the modules of the image classifiers, by what they are called here.
NAMES = {
    "perceiver.encoder.cross_attention": "perceiver_encoder/~/cross_attention",
    "perceiver.encoder.self_attends.0": "perceiver_encoder/~/self_attention",
    "perceiver.encoder.self_attends.1": "perceiver_encoder/~/self_attention_1",
    "perceiver.decoder.decoder.decoding_cross_attention": "classification_decoder/~/basic_decoder/cross_attention",
}
PARTS = {
    "attention.self.layernorm1": "layer_norm",
    "attention.self.query": "attention/linear",
    "attention.self.key": "attention/linear_1",
    "attention.self.value": "attention/linear_2",
    "attention.output.dense": "attention/linear_3",
    "mlp.dense1": "mlp/linear",
    "mlp.dense2": "mlp/linear_1",
}
WHOLE = {
    "perceiver.embeddings.latents": "perceiver_encoder/~/trainable_position_encoding|pos_embs",
    "perceiver.decoder.decoder.output_position_encodings.position_embeddings": (
        "classification_decoder/~/basic_decoder/~/trainable_position_encoding|pos_embs"
    ),
    "perceiver.decoder.decoder.final_layer.weight": "classification_decoder/~/basic_decoder/output|w",
    "perceiver.decoder.decoder.final_layer.bias": "classification_decoder/~/basic_decoder/output|b",
    "perceiver.input_preprocessor.convnet_1x1.weight": "image_preprocessor/~/conv2_d|w",
    "perceiver.input_preprocessor.convnet_1x1.bias": "image_preprocessor/~/conv2_d|b",
    "perceiver.input_preprocessor.position_embeddings.position_embeddings": (
        "image_preprocessor/~_build_network_inputs/trainable_position_encoding|pos_embs"
    ),
    "perceiver.input_preprocessor.positions_projection.weight": (
        "image_preprocessor/~_build_network_inputs/position_encoding_projector/linear|w"
    ),
    "perceiver.input_preprocessor.positions_projection.bias": (
        "image_preprocessor/~_build_network_inputs/position_encoding_projector/linear|b"
    ),
    "perceiver.input_preprocessor.convnet.conv.weight": "image_preprocessor/~/conv2_d_downsample/~/conv|w",
    "perceiver.input_preprocessor.convnet.batchnorm.weight": (
        "image_preprocessor/~/conv2_d_downsample/~/batchnorm|scale"
    ),
    "perceiver.input_preprocessor.convnet.batchnorm.bias": (
        "image_preprocessor/~/conv2_d_downsample/~/batchnorm|offset"
    ),
    "perceiver.input_preprocessor.convnet.batchnorm.running_mean": (
        "image_preprocessor/~/conv2_d_downsample/~/batchnorm/~/mean_ema|average"
    ),
    "perceiver.input_preprocessor.convnet.batchnorm.running_var": (
        "image_preprocessor/~/conv2_d_downsample/~/batchnorm/~/var_ema|average"
    ),
    "perceiver.input_preprocessor.convnet.batchnorm.num_batches_tracked": (
        "image_preprocessor/~/conv2_d_downsample/~/batchnorm/~/mean_ema|counter"
    ),
}
SIZES = {
    "image-classification-learned": {"image_size": 5, "image_projection_channels": 3, "position_channels": 2},
    "image-classification-fourier": {},
    "image-classification-conv": {"stem_channels": 6},
}


def small_network(architecture: str) -> tuple[Any, dict[str, Any]]:
    """A small image classifier, and its parameters as Haiku has them."""
    config = perceivers.PerceiverConfig(
        num_latents=3,
        d_latents=8,
        num_blocks=2,
        num_self_attends_per_block=2,
        num_self_attention_heads=2,
        num_cross_attention_heads=1,
        num_labels=5,
        fidelity="deepmind",
        **SIZES[architecture],
    )
    model = getattr(perceivers, ARCHITECTURES[architecture].model)(config)
    content: dict[str, Any] = {"params": {}, "state": {}, "step": 7}
    for key, tensor in model.state_dict().items():
        tensor.copy_(torch.randn(tensor.shape) if tensor.is_floating_point() else torch.tensor(7))
        module, parameter = haiku_name(key)
        part = content["state" if "_ema" in module else "params"]
        part.setdefault(module, {})[parameter] = haiku_array(key, tensor, parameter)
    for module in content["state"].values():
        module["hidden"] = module["average"] + 1
    return model, content


def haiku_name(key: str) -> tuple[str, str]:
    if key in WHOLE:
        module, parameter = WHOLE[key].split("|")
        return module, parameter
    owner, kind = key.rsplit(".", 1)
    block = next(block for block in NAMES if owner.startswith(f"{block}."))
    part = owner.removeprefix(f"{block}.")
    is_norm = "layernorm" in part
    if part == "layernorm":
        name = "layer_norm_1" if "self_attends" in block else "layer_norm_2"
    elif part == "attention.self.layernorm2":
        name = "layer_norm_1"
    else:
        name = PARTS[part]
    return f"{NAMES[block]}/{name}", {
        "weight": "scale" if is_norm else "w",
        "bias": "offset" if is_norm else "b",
    }[kind]


def haiku_array(key: str, tensor: torch.Tensor, parameter: str) -> np.ndarray:
    array = tensor.numpy()
    if parameter == "w":
        return array.T if array.ndim == 2 else array.transpose(2, 3, 1, 0)
    if "batchnorm" in key and array.ndim:
        return array.reshape(1, 1, 1, -1)
    return array
