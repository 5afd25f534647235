"""Heads: what the answers to an answer's queries say, as scores of classes and labels, or as numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from perceivers.configuration_answers import ONE_MEMBER, SEVERAL_MEMBERS, AnswerDescription
from perceivers.nn.grouped_linear import GroupedLinear
from perceivers.nn.initialization import start_at_zero
from perceivers.nn.learning_rates import learn_at
from perceivers.nn.pointer import is_hidden


class AnswerHead(nn.Module):
    """Tanh layers, then a linear one, of each query by itself; quantiles are put in order.

    Args:
        num_channels: channels of what the latents answer a query, and of the tanh layers.
        answer: what is asked.
    """

    def __init__(self, num_channels: int, answer: AnswerDescription) -> None:
        super().__init__()
        groups = answer.num_queries
        self.num_outputs = answer.num_outputs
        self.hidden = nn.ModuleList(
            GroupedLinear(groups, num_channels, num_channels) for _ in range(answer.mlp_layers)
        )
        self.classifier = GroupedLinear(groups, num_channels, answer.num_outputs)
        if answer.token_rate:
            start_at_zero(self.classifier)
        shares = torch.tensor(answer.quantiles, dtype=torch.float64, device="cpu")
        self._usual: tuple[float, ...] = tuple(torch.special.ndtri(shares).tolist())
        self._is_mean = answer.type == "number" and not answer.quantiles

    def forward(self, answered: Tensor, seen: Tensor | None = None) -> Tensor:
        """What each query says.

        Args:
            answered: [batch, num_queries, num_channels].
            seen: what TokenReading gives, which is added to the scores; None for nothing.

        Returns:
            Scores of classes or labels [batch, num_queries, num_labels]; numbers [batch, num_queries], or their quantiles
            [batch, num_queries, num_quantiles], ascending.
        """
        for layer in self.hidden:
            answered = layer(answered).tanh()
        scores = self.classifier(answered)
        return self.said(scores if seen is None else scores + seen)

    def said(self, scores: Tensor) -> Tensor:
        """What scores [batch, num_queries, num_outputs] say, as `forward` gives it."""
        if self._usual:
            return ascending_quantiles(scores, self._usual)
        return scores[..., 0] if self._is_mean else scores


class TokenReading(nn.Module):
    """What each query of an answer says of the input tokens without the latents: a linear map of their mean.

    Args:
        num_channels: channels of a token.
        answer: what is asked.
    """

    def __init__(self, num_channels: int, answer: AnswerDescription) -> None:
        super().__init__()
        self.num_queries = answer.num_queries
        self.linear = nn.Linear(num_channels, answer.num_queries * answer.num_outputs)
        learn_at(self.linear, answer.token_rate)

    def forward(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        """Read tokens.

        Args:
            tokens: [batch, num_tokens, num_channels].
            mask: bool [batch, num_tokens], True for tokens that count; None where all do. A sample without any has a mean
                of 0.

        Returns:
            [batch, num_queries, num_outputs].
        """
        if mask is None:
            mean = tokens.mean(dim=1)
        else:
            counts = mask.sum(dim=1, keepdim=True).clamp(min=1)
            mean = torch.where(mask[..., None], tokens, 0.0).sum(dim=1) / counts
        said: Tensor = self.linear(mean).unflatten(-1, (self.num_queries, -1))
        return said


def ascending_quantiles(scores: Tensor, usual: Sequence[float]) -> Tensor:
    """Quantiles that never cross: the one nearest to the median, and steps above 0 away from it.

    Args:
        scores: [..., num_quantiles], of any size.
        usual: what scores of zero give, ascending: the quantiles of the standard normal distribution, as standardised numbers
            have them.

    Returns:
        [..., num_quantiles], ascending.
    """
    middle = min(range(len(usual)), key=lambda index: abs(usual[index]))
    # softplus(x) = step where x = log(exp(step) - 1).
    shifts = [math.log(math.expm1(high - low)) for low, high in pairwise(usual)]
    own = scores[..., middle : middle + 1] + usual[middle]
    below = _steps(scores[..., :middle], shifts[:middle])
    above = _steps(scores[..., middle + 1 :], shifts[middle:])
    downwards = own - below.flip(-1).cumsum(-1).flip(-1)
    return torch.cat([downwards, own, own + above.cumsum(-1)], dim=-1)


def average_of_queries(said: Tensor, answer: AnswerDescription) -> Tensor:
    """What an answer's queries say together: probabilities, or numbers, averaged.

    Args:
        said: what AnswerHead gives.
        answer: what is asked.

    Returns:
        Scores [batch, num_labels] whose softmax (class), or sigmoid (labels), are the averaged probabilities; of members
        alike [batch, num_members]; numbers [batch]; quantiles [batch, num_quantiles].
    """
    return said[:, 0] if answer.num_queries == 1 else average(said, answer.type)


def average(said: Tensor, answer_type: str) -> Tensor:
    """What several queries, or several views of a sample, say together: probabilities, or numbers, averaged.

    Args:
        said: [batch, number of them, ...], see AnswerHead and PointerHead.
        answer_type: see AnswerDescription.

    Returns:
        [batch, ...], see `average_of_queries`.
    """
    if answer_type == "number":
        return said.mean(dim=1)
    # In float32 at least: logarithms of probabilities that differ little.
    wide = said.to(torch.promote_types(said.dtype, torch.float32))
    if answer_type in ("class", ONE_MEMBER):
        scores = _log_mean(wide.log_softmax(dim=-1))
    else:
        # The same as logsigmoid, which ONNX computes as the logarithm of a sigmoid that has been rounded to 1.
        scores = _log_mean(-F.softplus(-wide)) - _log_mean(-F.softplus(wide))
    if answer_type in (ONE_MEMBER, SEVERAL_MEMBERS):
        # Where no member is left, all of them would have equal probabilities.
        scores = scores.masked_fill(is_hidden(said).all(dim=1), torch.finfo(said.dtype).min)
    return scores.to(said.dtype)


def _log_mean(logarithms: Tensor) -> Tensor:
    """Logarithm of the mean over the second axis."""
    return logarithms.logsumexp(dim=1) - math.log(logarithms.shape[1])


def _steps(scores: Tensor, shifts: Sequence[float]) -> Tensor:
    return F.softplus(scores + scores.new_tensor(shifts))
