"""Optimiser and learning rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from perceivers.arguments.base import require, require_choice


@dataclass(frozen=True, kw_only=True)
class OptimizationArguments:
    """Optimiser and learning rate.

    The rate climbs linearly for `warmup_steps`, stays until `constant_fraction` of all steps, and follows a half
    cosine to zero. The paper's ImageNet schedule is `warmup_steps=0, constant_fraction=0.5`; its language schedule is
    `warmup_steps=1000, constant_fraction=0`.
    """

    optimizer: Literal["adamw", "lamb"] = "adamw"
    """`lamb` scales each parameter's step to the parameter's own size; the papers use it with large batches."""
    learning_rate: float | None = None
    """Highest learning rate. None: chosen from the data and the network."""
    weight_decay: float | None = None
    """Decoupled weight decay; biases and normalisation parameters have none. None: chosen
    from the data."""
    beta1: float = 0.9
    """Decay of the running mean of gradients, in [0, 1)."""
    beta2: float | None = None
    """Decay of the running mean of squared gradients, in [0, 1). None: 0.98 where the loop is
    chosen from the data, else 0.999."""
    epsilon: float = 1e-6
    """Added to the root of the mean squared gradient."""
    warmup_steps: int | None = None
    """Optimiser steps of linear climb; a run of fewer steps only climbs. None: a tenth of all steps
    where the loop is chosen from the data, else 100."""
    constant_fraction: float = 0.0
    """Share of all steps before the decay begins, in [0, 1]."""

    def __post_init__(self) -> None:
        rules: tuple[tuple[str, Callable[[float], bool], str], ...] = (
            ("learning_rate", lambda value: value > 0.0, "above 0"),
            ("weight_decay", lambda value: value >= 0.0, "at least 0"),
            ("beta1", lambda value: 0.0 <= value < 1.0, "in [0, 1)"),
            ("beta2", lambda value: 0.0 <= value < 1.0, "in [0, 1)"),
            ("epsilon", lambda value: value > 0.0, "above 0"),
            ("warmup_steps", lambda value: value >= 0, "at least 0"),
            ("constant_fraction", lambda value: 0.0 <= value <= 1.0, "in [0, 1]"),
        )
        for name, holds, expected in rules:
            value = getattr(self, name)
            if value is not None:
                require(name, value, holds(value), expected)
        require_choice("optimizer", self.optimizer, ("adamw", "lamb"))
