"""A pointer: scores of the members of a set, for each of some queries, whatever the size of the set."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from perceivers.errors import ShapeError, require_shape

# The lowest number of float16, which no score is: what hides a member is this or lower, in any type.
HIDDEN = -65504.0


def is_hidden(scores: Tensor) -> Tensor:
    """Bool, of the shape of a pointer's scores: which members could not be chosen."""
    return scores <= HIDDEN


def pointer_scores(queries: Tensor, keys: Tensor, mask: Tensor | None = None) -> Tensor:
    """Scaled products of queries and keys, the lowest number of their type where the mask hides a key.

    Softmax gives hidden keys exactly 0, and a row whose keys are all hidden equal shares, whose gradient is 0.

    Args:
        queries: [batch, num_queries, channels].
        keys: [batch, num_keys, channels].
        mask: bool [batch, num_keys], or [batch, num_queries, num_keys], True where a key may be chosen; None: all may.

    Returns:
        [batch, num_queries, num_keys].
    """
    scores = queries @ keys.transpose(1, 2) / math.sqrt(queries.shape[2])
    if mask is None:
        return scores
    allowed = mask[:, None] if mask.ndim == 2 else mask
    return scores.masked_fill(~allowed, torch.finfo(scores.dtype).min)


class Pointer(nn.Module):
    """Points at members of a set: a pointer network's output (Vinyals and others 2015, "Pointer Networks", section 2.3).

    Scores are products of norm and linear map of a query with those of a member, as in AlphaStar's selection of units and of
    targets, in the place of the first paper's sum under a tanh.

    Args:
        query_channels: of what asks.
        member_channels: of a member.
        channels: of the products; None: `member_channels`.
        norm_eps: added to the variance in the norms.
    """

    def __init__(
        self,
        query_channels: int,
        member_channels: int,
        channels: int | None = None,
        norm_eps: float = 1e-5,
    ) -> None:
        super().__init__()
        channels = member_channels if channels is None else channels
        self.query_norm = nn.LayerNorm(query_channels, eps=norm_eps)
        self.member_norm = nn.LayerNorm(member_channels, eps=norm_eps)
        self.query = nn.Linear(query_channels, channels)
        # Without a bias, which would raise the scores of all members alike.
        self.key = nn.Linear(member_channels, channels, bias=False)

    def forward(self, queries: Tensor, members: Tensor, mask: Tensor | None = None) -> Tensor:
        """Scores of the members, [batch, num_queries, num_members].

        Args:
            queries: [batch, num_queries, query_channels].
            members: [batch, num_members, member_channels].
            mask: [batch, num_members], or [batch, num_queries, num_members], nonzero where a member may be chosen.
        """
        require_shape("queries", queries, ("batch", "num_queries", self.query.in_features))
        require_shape("members", members, (queries.shape[0], "num_members", self.key.in_features))
        if mask is not None:
            mask = require_choices("mask", mask, queries.shape[1], members.shape[:2])
        return pointer_scores(self.query(self.query_norm(queries)), self.key(self.member_norm(members)), mask)


def require_choices(argument: str, mask: Tensor, num_queries: int, of_members: torch.Size) -> Tensor:
    """A mask over members as bool; ShapeError unless it is [batch, num_members] or [batch, num_queries, num_members]."""
    batch, members = of_members
    if tuple(mask.shape) not in ((batch, members), (batch, num_queries, members)):
        raise ShapeError(
            f"`{argument}` must have shape {[batch, members]} or {[batch, num_queries, members]}, received {list(mask.shape)}"
        )
    return mask.to(torch.bool)
