"""How well the following tokens are known: loss, bits and accuracy."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional as F

from perceivers.errors import ShapeError
from perceivers.metrics.ratios import ratio_of_sums
from perceivers.metrics.running import Metrics
from perceivers.nn.precision import wide


def next_token_counts(logits: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """What the metrics sum up, for each text.

    Args:
        logits: [batch, num_positions, vocab_size].
        targets: true ids [batch, num_positions], below 0 where nothing is counted.

    Returns:
        `nats` (sum of -log probability of the true tokens), `tokens`, `right_tokens`, each [batch], float64.
    """
    if targets.shape != logits.shape[:2]:
        raise ShapeError(
            f"`targets` must have shape {list(logits.shape[:2])}, received {list(targets.shape)}"
        )
    is_counted = targets >= 0
    losses = F.cross_entropy(logits.float().transpose(1, 2), targets.clamp(min=0), reduction="none")
    counts = {
        "nats": wide(losses * is_counted),
        "tokens": is_counted,
        "right_tokens": (logits.argmax(dim=-1) == targets) & is_counted,
    }
    return {name: wide(values).sum(dim=1) for name, values in counts.items()}


def next_token_metrics() -> Metrics:
    """Fresh metrics over `next_token_counts`.

    `loss`: mean -log probability of a token; `bits_per_token`: the same to base 2; `token_accuracy`: share of tokens that are
    the likeliest one.
    """
    return Metrics(
        {
            "loss": ratio_of_sums("nats", "tokens"),
            "bits_per_token": ratio_of_sums("nats", "tokens", 1.0 / math.log(2.0)),
            "token_accuracy": ratio_of_sums("right_tokens", "tokens"),
        }
    )
