"""What is chosen where the user chose nothing: what a task advises for the data at hand, and the usual values."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from perceivers.arguments.open import filled
from perceivers.arguments.run import RunArguments


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Values of the loop, the optimiser and the network that the user may leave open. None advises nothing.

    Args:
        epochs: see TrainingArguments.
        watch_every: the same.
        batch_size: the same.
        max_gradient_norm: the same.
        keep_best: the same.
        folds: the same.
        ema_decay: the same.
        stem_precision: the same.
        learning_rate: see OptimizationArguments.
        weight_decay: the same.
        beta2: the same.
        warmup_steps: the same.
        num_latents: see NetworkArguments.
        latent_channels: the same.
        num_layers: the same.
        num_heads: the same.
        num_cross_heads: the same.
        widening_factor: the same.
        qk_channels: the same.
        dropout: the same.
        mlp_dropout: the same.
        initializer_range: see the task's own arguments, for tasks that have it.
        queries_per_answer: the same.
        token_rate: the same.
        label_smoothing: share of the target probability that is spread over all classes, in [0, 1).
        class_loss: see the task's own arguments, for tasks that have it.
        linear_start: the same.
        mixup: how much samples and their targets are averaged in pairs, of tasks that can do that.
        cutmix: how much parts of samples are exchanged, the same.
    """

    epochs: int | None = None
    watch_every: int | None = None
    batch_size: int | None = None
    max_gradient_norm: float | None = None
    keep_best: bool | None = None
    folds: int | None = None
    ema_decay: float | None = None
    stem_precision: str | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    beta2: float | None = None
    warmup_steps: int | None = None
    num_latents: int | None = None
    latent_channels: int | None = None
    num_layers: int | None = None
    num_heads: int | None = None
    num_cross_heads: int | None = None
    widening_factor: int | None = None
    qk_channels: int | None = None
    dropout: float | None = None
    mlp_dropout: float | None = None
    initializer_range: float | None = None
    queries_per_answer: int | None = None
    token_rate: float | None = None
    label_smoothing: float | None = None
    class_loss: str | None = None
    linear_start: bool | None = None
    mixup: float | None = None
    cutmix: float | None = None

    def values(self) -> dict[str, Any]:
        """What is advised, by name."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value is not None}

    def over(self, other: Advice) -> Advice:
        """This advice, and the other's where this has none."""
        return dataclasses.replace(other, **self.values())


USUAL = Advice(
    epochs=80,
    batch_size=32,
    max_gradient_norm=10.0,
    keep_best=True,
    folds=0,
    ema_decay=0.0,
    stem_precision="float32",
    learning_rate=3e-3,
    weight_decay=0.05,
    beta2=0.999,
    warmup_steps=100,
)
"""The loop and the optimiser of a task that advises nothing."""


def resolved(run: RunArguments, advice: Advice) -> RunArguments:
    """The run with the advice, or else the usual values, in the place of all that is open."""
    values = advice.over(USUAL).values()
    return dataclasses.replace(
        run, training=filled(run.training, values), optimization=filled(run.optimization, values)
    )


def usual(arguments: Any) -> Any:
    """A dataclass of arguments with the usual values in the place of all that is open."""
    return filled(arguments, USUAL.values())
