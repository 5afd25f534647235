"""What series look like to the model and how they are learned, from their number and lengths: pure functions, one place.

Chosen by cross-validation over training rows; docs/learning/series.md says what each choice brought.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from perceivers.arguments.advice import Advice
from perceivers.kinds.series.options import SeriesOptions

# From so many series on, steps can teach what patterns do not tell, and are seen beside them.
MANY_ROWS = 2_000
# With more series fewer thresholds are enough, and each costs time.
HUGE_ROWS = 10_000
# Tokens that the steps of a series are, at most.
MOST_PATCHES = 128
# Steps a root of a series, for up to so many classes; more classes have more steps, in proportion, up to a limit.
STEPS_OF_A_ROOT, FEWEST_STEPS = 16.0, 240
FEW_CLASSES, MOST_TIMES = 8, 5.0
# Share of the numbers of patterns and outline that are left out while training.
LEFT_OUT = 0.5
# As many as those of twenty classes, where nobody knows the classes.
USUAL_CLASSES = 20


def series_options(
    num_rows: int, lengths: Sequence[int], num_channels: int, *, has_missing: bool, hides: bool = True
) -> SeriesOptions:
    """How series are read and what the model sees of them.

    Args:
        num_rows: training series.
        lengths: steps of some of them; none where nobody knows.
        num_channels: of a step.
        has_missing: whether values are missing in some.
        hides: whether what a model sees is hidden in part while it learns; not where it starts as a linear model.
    """
    longest = max(lengths, default=1)
    is_many = num_rows >= MANY_ROWS
    return SeriesOptions(
        tokens="both" if is_many else "patterns",
        missing="mark" if is_many and has_missing else "interpolate",
        steps_per_patch=max(-(-longest // MOST_PATCHES), 1),
        pattern_dilations=8 if num_rows >= HUGE_ROWS else 16,
        pattern_thresholds=16 if num_rows >= HUGE_ROWS else 48,
        pattern_dropout=LEFT_OUT if hides else 0.0,
    )


def series_learning(num_rows: int, *, tokens: str, num_classes: int | None = None) -> Advice:
    """The network and the loop.

    Args:
        num_rows: training series.
        tokens: see SeriesOptions; steps alone are learned as any other kind.
        num_classes: that are told apart; None where something else is answered.
    """
    if tokens == "steps":
        return Advice()
    most = 16 if num_rows < 1_000 else 32 if num_rows < MANY_ROWS else 64
    # Batches of one size: a last one of a single series would count as much as all others.
    batch_size = math.ceil(num_rows / math.ceil(num_rows / most))
    batches = math.ceil(num_rows / batch_size)
    epochs = math.ceil(max(steps_of_a_root(num_classes) * math.sqrt(num_rows), FEWEST_STEPS) / batches)
    steps = epochs * batches
    return Advice(
        epochs=epochs,
        batch_size=batch_size,
        max_gradient_norm=1.0,
        keep_best=num_rows >= MANY_ROWS,
        folds=1 if num_rows < MANY_ROWS else 0,
        ema_decay=0.98,
        learning_rate=3e-3,
        weight_decay=1.0,
        beta2=0.98,
        warmup_steps=max(steps // 10, 1),
        num_latents=8,
        latent_channels=64,
        num_layers=1,
        num_heads=4,
        num_cross_heads=1,
        widening_factor=1,
        mlp_dropout=0.2,
        label_smoothing=0.1,
        mixup=0.4 if tokens == "patterns" else 0.0,
    )


def steps_of_a_root(num_classes: int | None) -> float:
    """Steps a root of a series: 16 up to 8 classes, then in proportion to them, up to 80; 40 where there are none."""
    classes = USUAL_CLASSES if num_classes is None else num_classes
    return STEPS_OF_A_ROOT * min(max(classes / FEW_CLASSES, 1.0), MOST_TIMES)
