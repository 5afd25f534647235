"""Which answers are asked of which samples, and the queries for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from perceivers.errors import ShapeError


@dataclass(frozen=True)
class AnswerChoice:
    """Which answers are asked for.

    Attributes:
        all_names: every answer of the model, in the order of their queries.
        names: those that are asked of every sample; empty where each sample has its own.
        own: the number in `all_names` of each sample's own answer, [batch]; None where all samples have the same.
    """

    all_names: tuple[str, ...]
    names: tuple[str, ...]
    own: Tensor | None = None

    def queries(self, counts: Sequence[int]) -> Tensor | None:
        """Numbers of the queries to ask, [num_queries], or [batch, num_queries] for each sample its own; None for all.

        Args:
            counts: queries of each answer in `all_names`.
        """
        firsts = [sum(counts[:index]) for index in range(len(counts))]
        if self.own is not None:
            # An answer of fewer queries than another one repeats its first: `split` leaves that out.
            most = max(counts)
            table = torch.tensor(
                [
                    [first + (place if place < count else 0) for place in range(most)]
                    for first, count in zip(firsts, counts, strict=True)
                ]
            )
            return table.to(self.own.device)[self.own]
        if self.names == self.all_names:
            return None
        places = [self.all_names.index(name) for name in self.names]
        return torch.tensor([firsts[place] + index for place in places for index in range(counts[place])])

    def split(self, answered: Tensor, counts: Sequence[int]) -> dict[str, Tensor]:
        """What the latents answer, by name, without answers that have no samples.

        Args:
            answered: [batch, num_queries, channels], of the queries that `queries` gave.
            counts: queries of each answer in `all_names`.

        Returns:
            Name -> [samples, queries of the answer, channels].
        """
        if self.own is None:
            sizes = [counts[self.all_names.index(name)] for name in self.names]
            return dict(zip(self.names, answered.split(sizes, dim=1), strict=True))
        own = self.own.to(answered.device)
        return {
            name: answered[own == place, : counts[place]]
            for place, name in enumerate(self.all_names)
            if bool((own == place).any())
        }


def choose_answers(answers: Any, all_names: tuple[str, ...], batch_size: int) -> AnswerChoice:
    """A choice from what callers give.

    Args:
        answers: None for all; a name, or a sequence of names, asked of every sample; a tensor [batch], or a sequence of
            whole numbers, for each sample its own, places in `all_names`.
        all_names: every answer of the model.
        batch_size: number of samples.

    Raises:
        ShapeError: an answer that the model does not have, or another number of them than of samples.
    """
    if answers is None:
        return AnswerChoice(all_names, all_names)
    if isinstance(answers, str):
        answers = [answers]
    if not isinstance(answers, Tensor):
        if len(answers) > 0 and all(isinstance(each, str) for each in answers):
            return AnswerChoice(all_names, _in_order(answers, all_names))
        answers = _as_numbers(answers, all_names)
    _require_own(answers, all_names, batch_size)
    return AnswerChoice(all_names, (), answers)


def _in_order(names: Sequence[str], all_names: tuple[str, ...]) -> tuple[str, ...]:
    if unknown := sorted(set(names) - set(all_names)):
        raise ShapeError(f"`answers` must be among {all_names}, received {unknown}")
    return tuple(name for name in all_names if name in names)


def _as_numbers(answers: Any, all_names: tuple[str, ...]) -> Tensor:
    try:
        return torch.tensor(answers)
    except (TypeError, ValueError, RuntimeError) as problem:
        raise ShapeError(
            f"`answers` must be names among {all_names}, or the number of one for each sample, received {answers!r}"
        ) from problem


def _require_own(own: Tensor, all_names: tuple[str, ...], batch_size: int) -> None:
    if own.shape != (batch_size,) or own.is_floating_point() or own.dtype == torch.bool:
        raise ShapeError(
            f"`answers` must be names, or the number of one for each of the {batch_size} samples, "
            f"received {list(own.shape)} of {own.dtype}"
        )
    low, high = (int(bound) for bound in own.aminmax())
    if low < 0 or high >= len(all_names):
        raise ShapeError(
            f"`answers` must hold numbers in [0, {len(all_names) - 1}], the places in {all_names}, "
            f"received numbers from {low} to {high}"
        )
