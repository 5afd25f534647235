"""What the keys of a causal model say, checked and completed: positions, and what is hidden while training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from perceivers.configuration_rules import require_count, require_positive
from perceivers.errors import ConfigurationError

POSITIONS = ("rotary", "sinusoidal", "learned")
#: Keys of config.json that only causal models have; a configuration that gives none of them does not save them.
CAUSAL_KEYS = (
    "causal_positions",
    "position_sizes",
    "first_position",
    "rotary_fraction",
    "rotary_head_fraction",
    "rotary_max_wavelength",
    "prefix_dropout_prob",
    "latent_dropout_prob",
    "z_loss_weight",
)
_ROTARY_KEYS = ("rotary_fraction", "rotary_head_fraction", "rotary_max_wavelength")


@dataclass(frozen=True)
class CausalDescription:
    """Positions of a causal model, and what is hidden while it trains.

    Attributes:
        positions: "rotary" (queries and keys of every layer are turned), "sinusoidal" or "learned" (added to the embedding).
        position_sizes: rows of the learned tables, one an axis of the positions, which are summed.
        first_position: of a text's first token where nobody gives positions; the authors' data begin with 1.
        rotary_fraction: share of a head's channels that is turned.
        rotary_head_fraction: share of the heads that is turned.
        rotary_max_wavelength: the slowest turn takes 2 pi times as many positions.
        prefix_dropout_prob: share of the inputs that the cross-attend does not see while training.
        latent_dropout_prob: share of the latents that the others do not see while training.
        z_loss_weight: of the squared logarithm of the sum of all exponentials, in the loss.
    """

    positions: str
    position_sizes: tuple[int, ...]
    first_position: int
    rotary_fraction: float
    rotary_head_fraction: float
    rotary_max_wavelength: float
    prefix_dropout_prob: float
    latent_dropout_prob: float
    z_loss_weight: float


def read_causal(config: Any) -> CausalDescription:
    """What a configuration says of a causal model, with the defaults in the place of None.

    Raises:
        ConfigurationError: a value is out of range, or says something about positions of another kind.
    """
    positions = "rotary" if config.causal_positions is None else config.causal_positions
    if positions not in POSITIONS:
        choices = ", ".join(map(repr, POSITIONS))
        raise ConfigurationError(f"`causal_positions` must be one of {choices}, received {positions!r}")
    own = _ROTARY_KEYS if positions == "rotary" else ("position_sizes",) if positions == "learned" else ()
    for key in (*_ROTARY_KEYS, "position_sizes"):
        if key not in own and getattr(config, key) is not None:
            raise ConfigurationError(f"`{key}` says nothing about {positions} positions, leave it out")
    context = config.max_position_embeddings
    wavelength = context if config.rotary_max_wavelength is None else config.rotary_max_wavelength
    require_positive("rotary_max_wavelength", wavelength)
    if wavelength < context:
        raise ConfigurationError(
            f"`rotary_max_wavelength` must be at least `max_position_embeddings` ({context}), received {wavelength!r}"
        )
    first = 0 if config.first_position is None else config.first_position
    return CausalDescription(
        positions=positions,
        position_sizes=_sizes(config.position_sizes, context + first),
        first_position=first,
        rotary_fraction=_share(config, "rotary_fraction", 0.5),
        rotary_head_fraction=_share(config, "rotary_head_fraction", 1.0),
        rotary_max_wavelength=float(wavelength),
        prefix_dropout_prob=_probability(config, "prefix_dropout_prob"),
        latent_dropout_prob=_probability(config, "latent_dropout_prob"),
        z_loss_weight=_weight(config.z_loss_weight),
    )


def _sizes(value: object, context: int) -> tuple[int, ...]:
    if value is None:
        return (context,)
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise ConfigurationError(f"`position_sizes` must be one or more whole numbers, received {value!r}")
    for size in value:
        require_count("position_sizes", size)
    return tuple(value)


def _share(config: Any, key: str, default: float) -> float:
    value = getattr(config, key)
    value = default if value is None else value
    if not _is_number(value) or not 0.0 < value <= 1.0:
        raise ConfigurationError(f"`{key}` must be in (0, 1], received {value!r}")
    return float(value)


def _probability(config: Any, key: str) -> float:
    value = getattr(config, key)
    value = 0.0 if value is None else value
    if not _is_number(value) or not 0.0 <= value < 1.0:
        raise ConfigurationError(f"`{key}` must be in [0, 1), received {value!r}")
    return float(value)


def _weight(value: object) -> float:
    value = 0.0 if value is None else value
    if not _is_number(value) or not 0.0 <= value < math.inf:  # type: ignore[operator]
        raise ConfigurationError(f"`z_loss_weight` must be a finite number of at least 0, received {value!r}")
    return float(value)  # type: ignore[arg-type]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
