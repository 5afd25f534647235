"""How samples that go through a convolutional stem are learned: the network behind it, passes, batches, rates."""

from __future__ import annotations

import math

from perceivers.arguments.advice import Advice

# Multiplications that training may take: about half an hour of one processor core, in float32.
BUDGET = 6e13
# In bfloat16, where a processor has units for it, stems learn about so many times as fast.
FASTER_IN_BFLOAT16 = 1.7
# The learning rate of batches of 32; it grows with the root of their size.
RATE, RATE_IS_FOR = 1e-3, 32
# A training step takes so many times the multiplications of an answer.
COST_OF_STEP = 3
FEWEST_PASSES, MOST_PASSES = 8, 60
# Sets of few samples are passed over more often than that, until there are so many steps.
FEWEST_STEPS, MOST_PASSES_OF_FEW = 1_500, 200
# Pictures of films that a step takes, at most, and films at least: arrays of more are mapped anew for each operation.
MOST_PICTURES, FEWEST_FILMS = 128, 4
# Fewer samples than this are learned from again with the validation part, where the run takes up to this share of the time.
ROWS_LEARNED_AGAIN, SHARE_TO_LEARN_AGAIN = 1_000, 0.1
# Samples that are seen so often, or more, are changed as much as they may be; others in proportion.
PASSES_OF_FULL_CHANGES = 60


def stem_learning(
    num_rows: int, cost: float, *, pictures: int = 1, in_bfloat16: bool | None = None
) -> Advice:
    """The network and the loop for so many training samples.

    A few latents read the stem's tokens. There are as many passes as about half an hour of one processor core allows, from 8
    to 60, and more where so few samples would have fewer than 1,500 steps. A processor with units for bfloat16 learns in it.
    What is measured and saved is a running mean of the weights. Few samples are learned from again with the validation part,
    where that takes minutes.

    Args:
        num_rows: training samples.
        cost: multiplications that the stem takes for one of them.
        pictures: that the stem takes for one of them: of films there are fewer in a step.
        in_bfloat16: whether the stem learns in bfloat16; None: where this processor has units for it.
    """
    # Reading samples needs no torch.
    from perceivers.nn.precision import multiplies_bfloat16

    is_half = multiplies_bfloat16() if in_bfloat16 is None else in_bfloat16
    budget = BUDGET * (FASTER_IN_BFLOAT16 if is_half else 1.0)
    batch_size = stem_batch_size(num_rows)
    if pictures > 1:
        batch_size = min(batch_size, max(MOST_PICTURES // pictures, FEWEST_FILMS))
    steps_a_pass = -(-max(num_rows, 1) // batch_size)
    affordable = budget / (COST_OF_STEP * max(cost, 1.0) * max(num_rows, 1))
    passes = int(min(max(affordable, FEWEST_PASSES), MOST_PASSES))
    passes = max(passes, min(-(-FEWEST_STEPS // steps_a_pass), MOST_PASSES_OF_FEW))
    steps = passes * steps_a_pass
    is_short = passes <= SHARE_TO_LEARN_AGAIN * affordable
    return Advice(
        epochs=passes,
        batch_size=batch_size,
        max_gradient_norm=1.0,
        keep_best=True,
        folds=1 if is_short and num_rows < ROWS_LEARNED_AGAIN else 0,
        learning_rate=RATE * math.sqrt(batch_size / RATE_IS_FOR),
        weight_decay=0.05,
        beta2=0.999,
        warmup_steps=max(steps // 20, 1),
        ema_decay=average_decay(steps),
        stem_precision="bfloat16" if is_half else "float32",
        num_latents=16,
        latent_channels=96,
        num_layers=2,
        num_heads=4,
        num_cross_heads=4,
        qk_channels=96,
        widening_factor=1,
        dropout=0.0,
        mlp_dropout=0.0,
        label_smoothing=0.1,
    )


def share_of_changes(learning: Advice | None) -> float:
    """How much training samples are changed, of what they may be, in [0, 1]: by the passes over them.

    Args:
        learning: what is advised for them; None: they are few, and seen often.
    """
    return 1.0 if learning is None else min((learning.epochs or 0) / PASSES_OF_FULL_CHANGES, 1.0)


def stem_batch_size(num_rows: int) -> int:
    """Samples a step: 32 of up to 2,000, 64 of up to 20,000, then 128; an eighth of very few."""
    batch_size = 32 if num_rows <= 2_000 else 64 if num_rows <= 20_000 else 128
    return max(min(batch_size, num_rows // 8), 1)


def average_decay(steps: int) -> float:
    """Decay of the mean of the weights that reaches back over a fiftieth of the run: 10 steps at least, 1,000 at most."""
    return 1.0 - 1.0 / min(max(steps / 50, 10.0), 1_000.0)
