"""How well hidden bytes are guessed: loss, bits, and accuracy by byte and by word.

Every hidden byte counts the same, however texts are divided into batches: sums are kept, not means of batches.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers.errors import ShapeError
from perceivers.metrics.ratios import ratio_of_sums
from perceivers.metrics.running import Metrics
from perceivers.nn.precision import wide


def masking_counts(logits: Tensor, targets: Tensor, words: Tensor) -> dict[str, Tensor]:
    """What the metrics sum up, for each text.

    Args:
        logits: [batch, num_positions, vocab_size].
        targets: true ids [batch, num_positions], below 0 where there is no hidden byte.
        words: number of the hidden word that each byte is part of, [batch, num_positions], from 0; looked at only where
            there is a hidden byte.

    Returns:
        `nats` (sum of -log probability of the true bytes), `hidden_bytes`, `right_bytes`, `hidden_words`, `right_words`
        (those with every byte right), each [batch], float64.
    """
    if targets.shape != logits.shape[:2] or words.shape != targets.shape:
        raise ShapeError(
            f"`targets` and `words` must have shape {list(logits.shape[:2])}, received {list(targets.shape)} and "
            f"{list(words.shape)}"
        )
    is_hidden = targets >= 0
    losses = (
        F.cross_entropy(logits.float().transpose(1, 2), targets.clamp(min=0), reduction="none") * is_hidden
    )
    is_right = (logits.argmax(dim=-1) == targets) & is_hidden
    # Bytes of a word, and right ones among them, summed at the word's own place.
    places = torch.where(is_hidden, words, 0)
    empty = torch.zeros_like(places)
    sizes = empty.scatter_add(1, places, is_hidden.to(places.dtype))
    right = empty.scatter_add(1, places, is_right.to(places.dtype))
    counts = {
        "nats": wide(losses),
        "hidden_bytes": is_hidden,
        "right_bytes": is_right,
        "hidden_words": sizes > 0,
        "right_words": (sizes > 0) & (right == sizes),
    }
    return {name: wide(values).sum(dim=1) for name, values in counts.items()}


def masking_metrics() -> Metrics:
    """Fresh metrics over `masking_counts`.

    `loss`: mean -log probability of a hidden byte; `bits_per_masked_byte`: the same to base 2; `masked_byte_accuracy` and
    `whole_word_accuracy`: shares that are guessed right.
    """
    return Metrics(
        {
            "loss": ratio_of_sums("nats", "hidden_bytes"),
            "bits_per_masked_byte": ratio_of_sums("nats", "hidden_bytes", 1.0 / math.log(2.0)),
            "masked_byte_accuracy": ratio_of_sums("right_bytes", "hidden_bytes"),
            "whole_word_accuracy": ratio_of_sums("right_words", "hidden_words"),
        }
    )
