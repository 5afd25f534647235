"""Where each parameter of the original Hierarchical Perceiver goes (google-deepmind/hierarchical_perceiver, a1c4cd2)."""

from __future__ import annotations

import re
from collections.abc import Callable

from torch import Tensor

from perceivers.configuration import PerceiverConfig
from perceivers.configuration_hierarchy import Hierarchy, read_hierarchy
from perceivers.conversion.haiku_files import Parameters
from perceivers.conversion.layer_names import (
    CROSS_NORMS,
    PARAMETERS,
    SELF_NORMS,
    Turn,
    as_tensors,
    turn_of,
)
from perceivers.errors import ConfigurationError

_LAYER = {
    "attention/query_linear": "attention.self.query",
    "attention/key_linear": "attention.self.key",
    "attention/value_linear": "attention.self.value",
    "attention/attention_output_linear": "attention.output.dense",
    "dense/mlp_hidden_linear": "mlp.dense1",
    "dense/mlp_output_linear": "mlp.dense2",
}
_NETWORK = r"(?:.+/)?"
_BLOCK = _NETWORK + r"(?:perceiver_)?block_(?P<block>\d+)/~/"


def hierarchy_tensors(parameters: Parameters, config: PerceiverConfig) -> dict[str, Tensor]:
    """The state dict of a HierarchicalPerceiver.

    Args:
        parameters: (module, parameter) to array.
        config: of the model; `hierarchy` says in which order the inputs were created, by which some names are numbered.

    Raises:
        CheckpointError: parameters that the model does not have.
        ConfigurationError: the configuration is of another model.
    """
    if config.hierarchy is None:
        raise ConfigurationError(
            "`config` must have a `hierarchy`, as `perceivers.hierarchical_config` gives it, received None"
        )
    hierarchy = read_hierarchy(config.hierarchy)

    def target(module: str, parameter: str) -> tuple[str, Turn]:
        for pattern, owner in _PATTERNS:
            match = re.fullmatch(pattern, module)
            if match:
                return f"{owner(match, hierarchy)}.{PARAMETERS[parameter]}", turn_of(parameter)
        raise KeyError(module)

    return as_tensors(parameters, target, "the Hierarchical Perceiver's network")


def _cross(match: re.Match[str], hierarchy: Hierarchy) -> str:
    return f"blocks.{match['block']}.cross_attention.{ {**_LAYER, **CROSS_NORMS}[match['part']] }"


def _self(match: re.Match[str], hierarchy: Hierarchy) -> str:
    return (
        f"blocks.{match['block']}.self_attends.{match['layer']}.{ {**_LAYER, **SELF_NORMS}[match['part']] }"
    )


def _head(match: re.Match[str], hierarchy: Hierarchy) -> str:
    """A model with labels reads these first, at the processor."""
    at_processor = any(each.at_processor for each in hierarchy.inputs) and not match["number"]
    return f"{'processor_head' if at_processor else 'head'}.{ {**_LAYER, **CROSS_NORMS}[match['part']] }"


def _position_map(match: re.Match[str], hierarchy: Hierarchy) -> str:
    number = int(match["number"] or 0)
    if number >= len(hierarchy.inputs):
        raise KeyError(match[0])
    return f"position_maps.{hierarchy.inputs[number].name}"


_Owner = Callable[[re.Match[str], Hierarchy], str]
# More special ones first.
_PATTERNS: tuple[tuple[str, _Owner], ...] = (
    (
        _BLOCK + r"hi_p_cross_attention/query_inputs",
        lambda match, _: f"blocks.{match['block']}.latents",
    ),
    (
        _BLOCK + r"hi_p_cross_attention/pre_attention_residual_linear",
        lambda match, _: f"blocks.{match['block']}.skip",
    ),
    (_BLOCK + r"hi_p_cross_attention/(?P<part>.+)", _cross),
    (_BLOCK + r"self_attend_id_(?P<layer>\d+)/(?P<part>.+)", _self),
    (
        _NETWORK + r"embedder(?:_1)?/~embed/embed_(?P<input>\w+)",
        lambda match, _: f"embeddings_of.{match['input']}",
    ),
    (
        _NETWORK + r"embedder(?:_1)?/~unembed/unembed_(?P<input>\w+)",
        lambda match, _: f"outputs_of.{match['input']}",
    ),
    (
        _NETWORK + r"position_encoder(?:_1)?/pos_emb_mae_(?P<input>\w+)",
        lambda match, _: f"positions.{match['input']}",
    ),
    (_NETWORK + r"position_encoder(?:_1)?/position_encoding_linear(?:_(?P<number>\d+))?", _position_map),
    (
        _NETWORK + r"reconstruction_head(?:_(?P<number>1))?/hi_p_cross_attention/(?P<part>.+)",
        _head,
    ),
)
