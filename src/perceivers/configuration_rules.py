"""What a configuration's values must be, by their declared type and, for a few keys, by name."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from perceivers.errors import ConfigurationError

_MAY_BE_ZERO = (
    "chunk_size_feed_forward",
    "flow_tile_overlap",
    "first_position",
    "input_padding_size",
    "num_self_attends_per_block",
    "query_padding_size",
)
_CHOICES: Mapping[str, tuple[object, ...]] = {
    "attn_implementation": ("sdpa", "eager"),
    "cross_attend_inputs": (None, "all", "parts"),
    "cross_attend_sharing": (None, "after_first", "all", "none"),
    "conv_kernel_order": ("width_height", "height_width"),
    "cross_attention_shape_for_attention": ("q", "kv"),
    "problem_type": (None, "regression", "single_label_classification", "multi_label_classification"),
    "stem_padding": ("transformers", "same"),
}


def validate_fields(config: Any) -> None:
    """Raise ConfigurationError, naming the key, for the first value of a configuration that breaks a rule.

    Whole numbers are at least 1 (a few keys admit 0), other numbers finite and at least 0, flags True or False.

    Args:
        config: dataclass whose annotations say the type of each key.
    """
    for key in ("attention_probs_dropout_prob", "mlp_dropout_prob"):
        _require_probability(key, getattr(config, key))
    for entry in fields(config):
        value = getattr(config, entry.name)
        minimum = 0 if entry.name in _MAY_BE_ZERO else 1
        if entry.type == "int" or (entry.type == "int | None" and value is not None):
            require_count(entry.name, value, minimum)
        elif entry.type == "float":
            _require_number(entry.name, value)
        elif entry.type == "bool" or (entry.type == "bool | None" and value is not None):
            _require_flag(entry.name, value)
    for key, allowed in _CHOICES.items():
        _require_choice(key, getattr(config, key), allowed)
    _require_image_size(config.image_size)
    for key in ("fourier_max_resolution", "stem_max_resolution", "train_size"):
        _require_sizes(key, getattr(config, key), 2)
    _require_sizes("output_shape", config.output_shape, 4)
    for name, probability in _numbers_by_modality(config, "mask_probabilities").items():
        _require_probability(f"mask_probabilities[{name!r}]", probability)
    for name, weight in _numbers_by_modality(config, "loss_weights").items():
        _require_number(f"loss_weights[{name!r}]", weight)
    for key in ("answers", "modalities"):
        _require_descriptions(key, getattr(config, key))
    _require_ngrams(config.ngram_sizes, config.ngram_rows)
    _require_places(config.cross_attend_places, config.num_cross_attends or 1)


def _numbers_by_modality(config: Any, key: str) -> Mapping[str, object]:
    value = getattr(config, key)
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"`{key}` must be a mapping from modality to number, received {value!r}")
    return value


def _require_descriptions(key: str, value: object) -> None:
    """None, or a mapping from names to mappings."""
    if value is None:
        return
    named = isinstance(value, Mapping) and all(isinstance(name, str) for name in value)
    if not named or not all(isinstance(each, Mapping) for each in value.values()):  # type: ignore[attr-defined]
        raise ConfigurationError(f"`{key}` must be a mapping from names to mappings, received {value!r}")


def _require_ngrams(sizes: object, num_rows: object) -> None:
    """None and None, or different whole numbers of at least 2 and the rows that each of them has."""
    if (sizes is None) != (num_rows is None):
        raise ConfigurationError(
            f"`ngram_sizes` and `ngram_rows` go together, received {sizes!r} and {num_rows!r}"
        )
    if sizes is None:
        return
    if not isinstance(sizes, (list, tuple)) or not sizes or len(set(sizes)) < len(sizes):
        raise ConfigurationError(
            f"`ngram_sizes` must be one or more different whole numbers, received {sizes!r}"
        )
    for size in sizes:
        require_count("ngram_sizes", size, minimum=2)


def _require_places(places: object, num_cross_attends: int) -> None:
    """None, or an ascending whole number for each cross-attend."""
    if places is None:
        return
    fits = isinstance(places, (list, tuple)) and all(
        isinstance(place, int) and not isinstance(place, bool) and place >= 0 for place in places
    )
    if not fits or len(places) != num_cross_attends or list(places) != sorted(places):  # type: ignore[arg-type, call-overload]
        raise ConfigurationError(
            f"`cross_attend_places` must be {num_cross_attends} ascending whole numbers, one for each of "
            f"`num_cross_attends`, received {places!r}"
        )


def _require_image_size(value: object) -> None:
    if isinstance(value, int):
        require_count("image_size", value, minimum=1)
    else:
        _require_sizes("image_size", value, 2)


def require_count(key: str, value: object, minimum: int = 1) -> None:
    """ConfigurationError unless `value` is a whole number of at least `minimum`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise ConfigurationError(f"`{key}` must be a whole number of at least {minimum}, received {value!r}")


def require_positive(key: str, value: object) -> None:
    """ConfigurationError unless `value` is a finite number above 0."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0.0 < value < math.inf:
        raise ConfigurationError(f"`{key}` must be a finite number above 0, received {value!r}")


def _require_flag(key: str, value: object) -> None:
    if not isinstance(value, bool):
        raise ConfigurationError(f"`{key}` must be True or False, received {value!r}")


def _require_choice(key: str, value: object, allowed: Sequence[object]) -> None:
    if value not in allowed:
        choices = ", ".join(repr(choice) for choice in allowed)
        raise ConfigurationError(f"`{key}` must be one of {choices}, received {value!r}")


def _require_sizes(key: str, value: object, count: int) -> None:
    fits = (
        isinstance(value, (list, tuple))
        and len(value) == count
        and all(isinstance(size, int) and not isinstance(size, bool) and size >= 1 for size in value)
    )
    if not fits:
        raise ConfigurationError(f"`{key}` must be {count} whole numbers of at least 1, received {value!r}")


def _require_probability(key: str, value: object) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0.0 <= value <= 1.0:
        raise ConfigurationError(f"`{key}` must be a probability between 0 and 1, received {value!r}")


def _require_number(key: str, value: object) -> None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0.0 <= value < math.inf:
        raise ConfigurationError(f"`{key}` must be a finite number of at least 0, received {value!r}")
