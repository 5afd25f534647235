"""Optimiser and learning rate."""

from __future__ import annotations

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
    learning_rate: float = 3e-3
    """Highest learning rate."""
    weight_decay: float = 0.05
    """Decoupled weight decay; biases and normalisation parameters have none."""
    beta1: float = 0.9
    """Decay of the running mean of gradients, in [0, 1)."""
    beta2: float = 0.999
    """Decay of the running mean of squared gradients, in [0, 1)."""
    epsilon: float = 1e-6
    """Added to the root of the mean squared gradient."""
    warmup_steps: int = 100
    """Optimiser steps of linear climb; a run of fewer steps only climbs."""
    constant_fraction: float = 0.0
    """Share of all steps before the decay begins, in [0, 1]."""

    def __post_init__(self) -> None:
        require("learning_rate", self.learning_rate, self.learning_rate > 0.0, "above 0")
        require("weight_decay", self.weight_decay, self.weight_decay >= 0.0, "at least 0")
        for name in ("beta1", "beta2"):
            require(name, getattr(self, name), 0.0 <= getattr(self, name) < 1.0, "in [0, 1)")
        require("epsilon", self.epsilon, self.epsilon > 0.0, "above 0")
        require("warmup_steps", self.warmup_steps, self.warmup_steps >= 0, "at least 0")
        require(
            "constant_fraction", self.constant_fraction, 0.0 <= self.constant_fraction <= 1.0, "in [0, 1]"
        )
        require_choice("optimizer", self.optimizer, ("adamw", "lamb"))
