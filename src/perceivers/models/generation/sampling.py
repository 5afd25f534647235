"""Which token comes next: scores made smaller or impossible, then the best one or a draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from perceivers.errors import ConfigurationError

# Far from the seeds that people choose, so that rows of one call share none with those of the next seed.
_SEEDS_APART = 1_000_003


@dataclass(frozen=True)
class Sampling:
    """How a token is chosen.

    Attributes:
        temperature: scores are divided by it before a draw; 0 takes the best one.
        top_k: only so many of the best may be drawn; None for all.
        top_p: only the best that together have this probability may be drawn; None for all.
        repetition_penalty: above 1, tokens that are there already are less likely, see `penalized`.
        suppress: ids that are never chosen.
    """

    temperature: float = 0.0
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float = 1.0
    suppress: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        rules = (
            ("temperature", self.temperature >= 0.0, "at least 0"),
            ("top_k", self.top_k is None or self.top_k >= 1, "at least 1"),
            ("top_p", self.top_p is None or 0.0 < self.top_p <= 1.0, "in (0, 1]"),
            ("repetition_penalty", self.repetition_penalty > 0.0, "above 0"),
        )
        for name, holds, expected in rules:
            if not holds:
                raise ConfigurationError(f"`{name}` must be {expected}, received {getattr(self, name)!r}")

    def choose(self, logits: Tensor, seen: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """One id a row.

        Args:
            logits: [batch, vocab_size].
            seen: bool [batch, vocab_size], True of ids that a row has already.
            generators: one a row, on the processor; used where something is drawn.

        Returns:
            ids [batch].
        """
        scores = penalized(logits.float(), seen, self.repetition_penalty)
        if self.suppress:
            scores[:, list(self.suppress)] = -torch.inf
        if self.temperature == 0.0:
            return scores.argmax(dim=-1)
        probabilities = torch.softmax(self.filtered(scores), dim=-1)
        # The first id whose cumulated probability exceeds a number drawn for the row alone.
        drawn = torch.stack([torch.rand((), generator=each) for each in generators]).to(scores)
        cumulated = probabilities.cumsum(dim=-1)
        chosen = (cumulated <= drawn[:, None] * cumulated[:, -1:]).sum(dim=-1)
        # Rounding must not choose an id that is impossible.
        return torch.minimum(chosen, _last_possible(probabilities))

    def filtered(self, scores: Tensor) -> Tensor:
        """Scores [batch, vocab_size] with all that may not be drawn at minus infinity, over the temperature.

        As in Perceiver AR's code, what may be drawn is decided before the temperature.
        """
        if self.top_k is not None and self.top_k < scores.shape[-1]:
            least = scores.topk(self.top_k, dim=-1).values[:, -1:]
            scores = scores.masked_fill(scores < least, -torch.inf)
        if self.top_p is not None and self.top_p < 1.0:
            scores = nucleus(scores, self.top_p)
        return scores / self.temperature


def nucleus(scores: Tensor, top_p: float) -> Tensor:
    """Scores with the least likely ids at minus infinity, which together have at most 1 - `top_p` (Holtzman et al. 2020)."""
    ascending = torch.softmax(scores, dim=-1).sort(dim=-1)
    removed = (ascending.values.cumsum(dim=-1) < 1.0 - top_p).sum(dim=-1, keepdim=True)
    # One at least stays, whatever rounding makes of the sum.
    first_kept = ascending.indices.gather(-1, removed.clamp(max=scores.shape[-1] - 1))
    return scores.masked_fill(scores < scores.gather(-1, first_kept), -torch.inf)


def penalized(scores: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Scores of ids that are there already, divided by `penalty` where above 0, else multiplied (Keskar et al. 2019)."""
    if penalty == 1.0:
        return scores.clone()
    lowered = torch.where(scores > 0.0, scores / penalty, scores * penalty)
    return torch.where(seen, lowered, scores)


def generators_of(seed: int, count: int) -> list[torch.Generator]:
    """One source of chance a row: what a row draws does not depend on the rows beside it."""
    return [torch.Generator().manual_seed(seed * _SEEDS_APART + row) for row in range(count)]


def _last_possible(probabilities: Tensor) -> Tensor:
    places = torch.arange(probabilities.shape[-1], device=probabilities.device)
    return torch.where(probabilities > 0.0, places, 0).amax(dim=-1)
