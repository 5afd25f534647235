"""What pairs made of pictures are like, how large a network learns flow from them, and how long.

The figures are those of recipes/optical_flow.yaml.
A small network finds motions of a few pixels in a few dozen of them. A pyramid of sizes carries it to whole frames and to
longer motions, so that nothing of this depends on how large the pictures are.
"""

from __future__ import annotations

from typing import Any

from perceivers.arguments.advice import Advice

PASSES, PAIRS_A_PASS, BATCH_SIZE = 10, 1_600, 8


def pair_options() -> dict[str, Any]:
    """Pairs that are made of pictures, what the model sees of them, and the sizes at which it estimates.

    The first half of the run shows pairs as they were made; motions, objects and deformations grow over its first third.
    """
    return {
        "train_height": 16,
        "train_width": 24,
        "num_fourier_bands": 6,
        "target_scale": 4.0,
        "output_scale": 1.0,
        "pairs_per_epoch": PAIRS_A_PASS,
        "held_out_pairs": 128,
        "held_out_height": 48,
        "held_out_width": 64,
        "max_motion": 4.0,
        "max_objects": 1,
        "first_motion": 0.5,
        "growing_share": 0.3,
        "plain_share": 0.5,
        "brightness": 0.1,
        "pyramid_levels": 5,
    }


def network_and_loop(pairs_a_pass: int) -> Advice:
    """The network and the loop for pairs that are made.

    Args:
        pairs_a_pass: that are made in each pass; fewer ones are made in more passes.
    """
    epochs = max(round(PASSES * PAIRS_A_PASS / pairs_a_pass), 1)
    steps = epochs * -(-pairs_a_pass // BATCH_SIZE)
    return Advice(
        epochs=epochs,
        batch_size=BATCH_SIZE,
        max_gradient_norm=1.0,
        keep_best=True,
        learning_rate=1e-3,
        weight_decay=0.01,
        warmup_steps=max(steps // 20, 1),
        num_latents=48,
        latent_channels=128,
        num_layers=2,
        num_heads=4,
        num_cross_heads=4,
        widening_factor=2,
    )
