"""How long the windows of a text are, how large a network fills them and how long it learns: pure functions of the bytes.

Words are guessed by what stands around them. Where each latent starts at a byte of its own, with the vectors of the runs of
bytes that end there, that is learned several times sooner than from latents that start anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from perceivers.arguments.advice import Advice

SHORTEST_WINDOW, LONGEST_WINDOW = 32, 64
# Shares of the texts that are no longer than a window, where these are short.
NEARLY_ALL = 0.9
# [CLS] and [SEP].
MARKS = 2
NGRAM_SIZES = (2, 3, 4, 5)
FEW_BYTES, MANY_BYTES = 300_000, 3_000_000
BATCH_SIZE = 64
MOST_PASSES, FEWEST_STEPS, MOST_STEPS = 35, 600, 4_000


def window_sizes(lengths: Sequence[int]) -> dict[str, Any]:
    """How texts are read.

    Args:
        lengths: of the texts in bytes, at least one.
    """
    long = float(np.quantile(lengths, NEARLY_ALL))
    wanted = 2 ** math.ceil(math.log2(max(long + MARKS, 2)))
    num_bytes = sum(lengths)
    return {
        "max_length": min(max(wanted, SHORTEST_WINDOW), LONGEST_WINDOW),
        "position_start": "aligned",
        "ngram_sizes": NGRAM_SIZES,
        "ngram_rows": 8_192 if num_bytes < MANY_BYTES else 32_768,
    }


def network_and_loop(num_bytes: int, num_windows: int, max_length: int) -> Advice:
    """The network and the loop.

    Args:
        num_bytes: of the texts.
        num_windows: training samples.
        max_length: of a window.
    """
    channels = 96 if num_bytes < FEW_BYTES else 128
    steps_a_pass = math.ceil(max(num_windows, 1) / BATCH_SIZE)
    steps = min(max(MOST_PASSES * steps_a_pass, FEWEST_STEPS), MOST_STEPS)
    is_few = num_bytes < FEW_BYTES
    return Advice(
        epochs=max(round(steps / steps_a_pass), 1),
        batch_size=BATCH_SIZE,
        max_gradient_norm=1.0,
        keep_best=True,
        ema_decay=0.99,
        learning_rate=1.5e-3,
        weight_decay=0.05,
        beta2=0.98,
        warmup_steps=max(steps // 20, 1),
        num_latents=max_length,
        latent_channels=channels,
        num_layers=2,
        num_heads=8,
        num_cross_heads=1,
        dropout=0.1 if is_few else 0.0,
        mlp_dropout=0.0,
    )
