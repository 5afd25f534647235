"""Where each parameter of the original Haiku networks goes, and how its axes turn (pure).

Haiku numbers equal names in the order of their creation: `linear`, `linear_1`, ... are query, key, value and output.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Turn = Callable[[NDArray[Any]], NDArray[Any]]

_ATTENTION = {
    "layer_norm": "attention.self.layernorm1",
    "attention/linear": "attention.self.query",
    "attention/linear_1": "attention.self.key",
    "attention/linear_2": "attention.self.value",
    "attention/linear_3": "attention.output.dense",
    "mlp/linear": "mlp.dense1",
    "mlp/linear_1": "mlp.dense2",
}
_SELF_ATTENTION = {**_ATTENTION, "layer_norm_1": "layernorm"}
_CROSS_ATTENTION = {**_ATTENTION, "layer_norm_1": "attention.self.layernorm2", "layer_norm_2": "layernorm"}
_POSTPROCESSORS = {"audio": "audio", "projection": "image", "classification": "label"}

_ENCODER = r"(?:perceiver_encoder|encoder)/~/"
_INNER = r"(?:~\w*/)?"

_PATTERNS: tuple[tuple[str, str], ...] = (
    ("latents", _ENCODER + r"trainable_position_encoding"),
    ("encoder_cross", _ENCODER + r"cross_attention/(?P<part>.+)"),
    ("encoder_self", _ENCODER + r"self_attention(?:_(?P<number>\d+))?/(?P<part>.+)"),
    ("decoder_cross", rf"(?:.+/)?basic_decoder/{_INNER}cross_attention/(?P<part>.+)"),
    ("decoder_query", rf"(?:.+/)?basic_decoder/{_INNER}trainable_position_encoding"),
    ("decoder_output", rf"(?:.+/)?basic_decoder/{_INNER}output"),
    ("embed", r"embed"),
    ("text_positions", r"trainable_position_encoding"),
    ("embedding_decoder", r"embedding_decoder"),
    ("stem_average", r"(?:.+/)?conv2_d_downsample/~/batchnorm(?:_(?P<number>\d+))?/~/(?P<part>mean|var)_ema"),
    ("stem", r"(?:.+/)?conv2_d_downsample/~/(?P<part>conv|batchnorm)(?:_(?P<number>\d+))?"),
    ("pixel_map", rf"image_preprocessor/{_INNER}(?:conv2_?d|convnet)(?:_1x1)?"),
    ("image_positions", r"image_preprocessor/(?:.+/)?trainable_position_encoding"),
    ("image_positions_map", rf"image_preprocessor/{_INNER}position_encoding_projector/linear"),
    ("patch_map", rf"image_preprocessor/{_INNER}patches_linear"),
    ("padding", rf"multimodal_preprocessor/{_INNER}(?P<name>\w+)_padding"),
    ("mask", rf"multimodal_preprocessor/{_INNER}(?P<name>\w+)_mask_token"),
    ("query_padding", rf"multimodal_decoder/{_INNER}(?P<name>\w+)_padding"),
    ("postprocessor", r"(?P<name>audio|projection|classification)_postprocessor/linear"),
)


def target_of(module: str, parameter: str, architecture: str) -> tuple[str, Turn] | None:
    """The state dict key of a Haiku parameter, and what turns its array; None for what no model keeps.

    Args:
        module: Haiku's name, such as "perceiver_encoder/~/self_attention_3/mlp/linear_1".
        parameter: "w", "b", "scale", "offset", "embeddings", "pos_embs", "average", ...
        architecture: a key of `perceivers.conversion.ARCHITECTURES`.

    Raises:
        KeyError: no such parameter in these networks.
    """
    for kind, pattern in _PATTERNS:
        match = re.fullmatch(pattern, module)
        if match:
            return _target(kind, match.groupdict(), parameter, architecture)
    raise KeyError(f"{module}/{parameter}")


def _target(
    kind: str, groups: Mapping[str, str | None], parameter: str, architecture: str
) -> tuple[str, Turn] | None:
    number = int(groups.get("number") or 0)
    if kind == "stem_average":
        return _running_average(number, groups["part"] or "", parameter)
    if kind == "embedding_decoder":
        return f"embedding_decoder.{_named(parameter, {'bias': 'bias'})}", _same
    if kind == "embed":
        return "perceiver.input_preprocessor.embeddings." + _named(parameter, {"embeddings": "weight"}), _same
    free = _free_standing(kind, groups.get("name") or "", architecture)
    if free is not None:
        _named(parameter, {"pos_embs": ""})
        return f"perceiver.{free}", _same
    owner = _owner(kind, groups, number, architecture)
    name = _named(parameter, {"w": "weight", "scale": "weight", "b": "bias", "offset": "bias"})
    return f"perceiver.{owner}.{name}", _turn(parameter)


def _free_standing(kind: str, name: str, architecture: str) -> str | None:
    """The key of a parameter that is an array of vectors, without the model's prefix; None for the other kinds."""
    decoder = _decoder(architecture)
    if architecture == "multimodal-autoencoding":
        decoder = "decoder.modalities.label.decoder"
    return {
        "latents": "embeddings.latents",
        "text_positions": "input_preprocessor.position_embeddings.weight",
        "image_positions": "input_preprocessor.position_embeddings.position_embeddings",
        "decoder_query": f"{decoder}.output_position_encodings.position_embeddings",
        "padding": f"input_preprocessor.padding.{name}",
        "mask": f"input_preprocessor.mask.{name}",
        "query_padding": f"decoder.padding.{name}",
    }.get(kind)


def _owner(kind: str, groups: Mapping[str, str | None], number: int, architecture: str) -> str:
    """The key of a module that holds a weight and a bias, without the model's prefix."""
    part = groups.get("part") or ""
    if kind == "encoder_cross":
        return f"encoder.cross_attention.{_CROSS_ATTENTION[part]}"
    if kind == "encoder_self":
        return f"encoder.self_attends.{number}.{_SELF_ATTENTION[part]}"
    if kind == "decoder_cross":
        return f"{_decoder(architecture)}.decoding_cross_attention.{_CROSS_ATTENTION[part]}"
    if kind == "stem":
        return f"{_stem_layer(number)}.{part}"
    if kind == "postprocessor":
        return f"output_postprocessor.modalities.{_POSTPROCESSORS[groups['name'] or '']}.classifier"
    return {
        "decoder_output": f"{_decoder(architecture)}.final_layer",
        "pixel_map": "input_preprocessor.convnet_1x1",
        "image_positions_map": "input_preprocessor.positions_projection",
        "patch_map": "input_preprocessor.conv_after_patches",
    }[kind]


def _running_average(number: int, statistic: str, parameter: str) -> tuple[str, Turn] | None:
    batchnorm = f"perceiver.{_stem_layer(number)}.batchnorm"
    if parameter == "average":
        return f"{batchnorm}.running_{statistic}", np.ravel
    if parameter == "counter" and statistic == "mean":
        return f"{batchnorm}.num_batches_tracked", _same
    # The sums from which `average` was computed, and the second of two equal counters.
    _named(parameter, {"hidden": "", "counter": ""})
    return None


def _decoder(architecture: str) -> str:
    return "decoder" if architecture == "masked-language-modeling" else "decoder.decoder"


def _stem_layer(number: int) -> str:
    inner = f".further_layers.{number - 1}" if number else ""
    return f"input_preprocessor.convnet{inner}"


def _named(parameter: str, names: Mapping[str, str]) -> str:
    return names[parameter]


def _turn(parameter: str) -> Turn:
    """Haiku's weights are [..., in, out]; norms' of images have axes of size one for batch, height and width."""
    return _output_first if parameter == "w" else np.ravel


def _output_first(array: NDArray[Any]) -> NDArray[Any]:
    if array.ndim == 2:
        return array.T
    return np.moveaxis(array, (-1, -2), (0, 1))


def _same(array: NDArray[Any]) -> NDArray[Any]:
    return array
