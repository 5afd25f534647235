"""How large a network is and how it trains, where a kind of data says nothing of its own: pure functions, one place.

What the bundled recipes show to work, between 270 and 54,000 training samples, made into a rule: steps grow with the root of
the number of samples, the network with it and with the tokens of a sample; few samples are held back by dropout, decay and
soft targets. The warm-up is a tenth of all steps, and half a cosine follows; docs/learning/README.md explains each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from perceivers.arguments.advice import Advice
from perceivers.arguments.training import TrainingArguments

# Below this there is little to learn from.
FEW_ROWS, MANY_ROWS = 2_000, 20_000
# Steps a root of a sample: 900 for 270 samples, 2,100 for 1,437, 12,700 for 54,000.
STEPS_OF_A_ROOT = 55.0
FEWEST_STEPS = 400
FEWEST_EPOCHS, MOST_EPOCHS = 8, 200
# Tokens of a sample where nobody knows them.
USUAL_TOKENS = 256
# Wider networks learn with smaller steps, in inverse proportion.
HIGHEST_RATE, CHANNELS_OF_HIGHEST = 2e-3, 128
WARMUP_SHARE = 0.1
# Steps that a mean of the weights looks back on are at most a tenth of a run.
AVERAGED_STEPS = 1_000


def usual_learning(num_rows: int, num_tokens: int | None, num_classes: int | None) -> Advice:
    """The network and the loop for so many training samples.

    Args:
        num_rows: training samples.
        num_tokens: inputs of the network that a sample is at most; None where that is not known.
        num_classes: that are told apart; None where something else is answered.
    """
    tokens = USUAL_TOKENS if num_tokens is None else num_tokens
    channels = 64 if num_rows < FEW_ROWS else 96 if num_rows < MANY_ROWS else 128
    is_few = num_rows < FEW_ROWS
    batch_size, epochs = batch_size_of(num_rows), epochs_of(num_rows)
    steps = epochs * math.ceil(num_rows / batch_size)
    return Advice(
        epochs=epochs,
        batch_size=batch_size,
        max_gradient_norm=1.0,
        keep_best=True,
        ema_decay=0.99 if steps >= AVERAGED_STEPS else 0.95,
        learning_rate=learning_rate_of(channels),
        weight_decay=0.1 if is_few else 0.05,
        beta2=0.98,
        warmup_steps=warmup_of(steps),
        num_latents=16 if tokens <= 64 else 32 if tokens <= 1_024 else 64,
        latent_channels=channels,
        num_layers=2 if num_rows < MANY_ROWS else 3,
        num_heads=4,
        num_cross_heads=4,
        widening_factor=2,
        qk_channels=channels,
        dropout=0.1 if is_few else 0.0,
        mlp_dropout=0.1 if is_few else 0.0,
        label_smoothing=0.0 if num_classes is None or num_classes < 3 else 0.1,
    )


def batch_size_of(num_rows: int) -> int:
    """32 up to 20,000 samples, 64 of more; of fewer than 128, a quarter of them."""
    return max(min(num_rows // 4, 32 if num_rows < MANY_ROWS else 64), 1)


def epochs_of(num_rows: int) -> int:
    """Passes in which the steps that so many samples need are done, 8 to 200."""
    steps = max(STEPS_OF_A_ROOT * math.sqrt(num_rows), FEWEST_STEPS)
    passes = round(steps * batch_size_of(num_rows) / max(num_rows, 1))
    return min(max(passes, FEWEST_EPOCHS), MOST_EPOCHS)


def learning_rate_of(channels: int) -> float:
    """0.002 up to 128 latent channels, then in inverse proportion to them."""
    return HIGHEST_RATE * min(1.0, CHANNELS_OF_HIGHEST / channels)


def warmup_of(steps: int) -> int:
    """A tenth of all steps."""
    return max(round(WARMUP_SHARE * steps), 1)


def steps_of(training: TrainingArguments, num_rows: int) -> int:
    """Optimiser steps of a run on one process, its epochs and batch size being known.

    Args:
        training: complete.
        num_rows: training samples.
    """
    if training.steps is not None:
        return training.steps
    batches = math.ceil(num_rows / (training.batch_size or 1))
    return (training.epochs or 1) * math.ceil(batches / training.gradient_accumulation_steps)


def fitted(chosen: Mapping[str, Any], advised: Advice) -> Advice:
    """The advised network made to fit what is chosen already: channels follow, heads divide them.

    Args:
        chosen: fields of NetworkArguments that have a value.
        advised: with `latent_channels`, `qk_channels`, `num_heads` and `num_cross_heads`.
    """
    channels = chosen.get("latent_channels", advised.latent_channels) or 1
    qk_channels = chosen.get("qk_channels", channels)
    v_channels = chosen.get("v_channels")
    # Without channels of their own, queries and keys of the cross-attention have those of the inputs, whatever these are.
    shared = (qk_channels or 1, v_channels or qk_channels or 1)
    return replace(
        advised,
        qk_channels=channels,
        num_heads=_divisor(
            math.gcd(channels, *(each for each in (qk_channels, v_channels) if each)), advised.num_heads or 1
        ),
        num_cross_heads=_divisor(math.gcd(*shared), advised.num_cross_heads or 1),
    )


def narrowed(advised: Advice, latent_channels: int) -> Advice:
    """The advice for latents of another size: wider networks learn with smaller steps, in inverse proportion.

    Args:
        advised: with `learning_rate` and `latent_channels`.
        latent_channels: that the network has.
    """
    own, rate = advised.latent_channels or latent_channels, advised.learning_rate or HIGHEST_RATE
    return replace(advised, learning_rate=rate * min(1.0, max(own, CHANNELS_OF_HIGHEST) / latent_channels))


def stretched(advised: Advice, factor: float) -> Advice:
    """The advice for a run of `factor` times its steps: warm-up and averaging of weights keep their shares of it.

    Args:
        advised: with `warmup_steps`.
        factor: above 0.
    """
    warmup = max(round((advised.warmup_steps or 0) * factor), 1)
    decay = advised.ema_decay or 0.0
    averaged = max(factor / (1.0 - decay), 1.0)
    return replace(advised, warmup_steps=warmup, ema_decay=decay and round(1.0 - 1.0 / averaged, 6))


def _divisor(size: int, most: int) -> int:
    """The largest divisor of `size` that is at most `most`."""
    return next(count for count in range(most, 0, -1) if size % count == 0)
