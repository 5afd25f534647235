"""The network for sets of entities: pure functions, one place."""

from __future__ import annotations

from perceivers.arguments.advice import Advice

# Perceiver IO, section 4.4: what stands in the place of AlphaStar's entity encoder.
NUM_LATENTS, NUM_LAYERS = 32, 3


def entities_learning() -> Advice:
    """32 latents and three layers, whatever the number of rows; all else is as for other rows of tokens."""
    return Advice(num_latents=NUM_LATENTS, num_layers=NUM_LAYERS)
