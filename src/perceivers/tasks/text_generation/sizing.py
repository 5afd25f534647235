"""How much a model that writes looks at, how large it is and how long it learns: pure functions of the number of tokens.

A small text is learned by heart by a large network, and a large one teaches a small network for ever: channels grow with the
tokens. The context is as long as most texts are, up to 1,024, and half of it are latents.
"""

from __future__ import annotations

import math
from typing import Any

from perceivers.arguments.advice import Advice

SHORTEST_CONTEXT, LONGEST_CONTEXT = 32, 1_024
FEW_TOKENS, MANY_TOKENS = 300_000, 3_000_000
# Each token is learned so often, in steps of this many tokens: between these numbers of steps.
PASSES, TOKENS_OF_A_STEP = 10, 2_048
FEWEST_STEPS, MOST_STEPS = 400, 20_000
HEAD_CHANNELS = 32


def sequence_sizes(num_tokens: int, longest: int) -> dict[str, Any]:
    """Context and latents for so many training tokens.

    Args:
        num_tokens: of all texts.
        longest: tokens of the longest one.
    """
    wanted = 2 ** math.floor(math.log2(max(num_tokens, 1) / 1_000 + 1)) if num_tokens else 1
    # A thousand tokens a token of context: 256 of 370,000, 1,024 of 1.1 million.
    context = min(
        max(wanted, SHORTEST_CONTEXT), LONGEST_CONTEXT, max(_power_above(longest), SHORTEST_CONTEXT)
    )
    return {"context": context, "num_latents": context // 2}


def network_and_loop(num_tokens: int, num_latents: int) -> Advice:
    """The network and the loop.

    Args:
        num_tokens: training tokens.
        num_latents: of the model; a sample teaches as many tokens.
    """
    channels = 96 if num_tokens < FEW_TOKENS else 128 if num_tokens < MANY_TOKENS else 256
    batch_size = max(TOKENS_OF_A_STEP // num_latents, 4)
    samples = max(math.ceil(num_tokens / num_latents), 1)
    steps_a_pass = math.ceil(samples / batch_size)
    steps = min(max(PASSES * steps_a_pass, FEWEST_STEPS), MOST_STEPS)
    epochs = max(round(steps / steps_a_pass), 1)
    is_few = num_tokens < FEW_TOKENS
    return Advice(
        epochs=epochs,
        batch_size=batch_size,
        max_gradient_norm=1.0,
        keep_best=True,
        ema_decay=0.99 if steps >= 1_000 else 0.95,
        learning_rate=3e-3 * min(1.0, 128 / channels),
        weight_decay=0.1,
        beta2=0.98,
        warmup_steps=max(steps // 10, 1),
        latent_channels=channels,
        num_layers=3 if num_tokens < MANY_TOKENS else 6,
        num_heads=channels // HEAD_CHANNELS,
        num_cross_heads=channels // HEAD_CHANNELS,
        widening_factor=4,
        dropout=0.0,
        mlp_dropout=0.1 if is_few else 0.0,
    )


def _power_above(length: int) -> int:
    return 1 << max(length - 1, 0).bit_length()
