"""What is chosen where the user chose nothing: the usual values, and what a task advises for the data at hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from perceivers.arguments.run import RunArguments

Arguments = TypeVar("Arguments")


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Values of the loop, the optimiser and the network that the user may leave open.

    Args:
        epochs: see TrainingArguments.
        batch_size: the same.
        max_gradient_norm: the same.
        keep_best: the same.
        learning_rate: see OptimizationArguments.
        weight_decay: the same.
        beta2: the same.
        warmup_steps: the same.
        ema_decay: see TrainingArguments; None keeps what the arguments say, here and below.
        num_latents: see NetworkArguments.
        latent_channels: the same.
        num_layers: the same.
        num_heads: the same.
        num_cross_heads: the same.
        widening_factor: the same.
        qk_channels: the same.
        dropout: the same.
        mlp_dropout: the same.
        label_smoothing: share of the target probability that is spread over all classes, in [0, 1).
    """

    epochs: int = 80
    batch_size: int = 32
    max_gradient_norm: float = 10.0
    keep_best: bool = False
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    beta2: float = 0.999
    warmup_steps: int = 100
    ema_decay: float | None = None
    num_latents: int | None = None
    latent_channels: int | None = None
    num_layers: int | None = None
    num_heads: int | None = None
    num_cross_heads: int | None = None
    widening_factor: int | None = None
    qk_channels: int | None = None
    dropout: float | None = None
    mlp_dropout: float | None = None
    label_smoothing: float | None = None


def resolved(run: RunArguments, advice: Advice) -> RunArguments:
    """The run with the advice in the place of every None that it has a value for."""
    values = dataclasses.asdict(advice)
    return dataclasses.replace(
        run, training=filled(run.training, values), optimization=filled(run.optimization, values)
    )


def usual(arguments: Arguments) -> Any:
    """A dataclass of arguments with the usual values in the place of every None that has one."""
    return filled(arguments, dataclasses.asdict(Advice()))


def filled(arguments: Arguments, values: Mapping[str, Any]) -> Arguments:
    """A dataclass of arguments with `values` in the place of its fields that are None."""
    names = {entry.name for entry in dataclasses.fields(arguments)}  # type: ignore[arg-type]
    open_fields = {
        name: value for name, value in values.items() if name in names and getattr(arguments, name) is None
    }
    return dataclasses.replace(arguments, **open_fields)  # type: ignore[type-var]
