"""One entity of a set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from perceivers.answers.ranking import HIDDEN
from perceivers.answers.selection import Selection, likeliest, place_in_set, scores_and_absent
from perceivers.kinds.base import is_empty

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class OneEntity(Selection):
    """Exactly one entity of a set. An empty cell says nothing; a set without entities is answered by none."""

    name: ClassVar[str] = "entity"
    head_type: ClassVar[str] = "entity"
    usual_score: ClassVar[str] = "accuracy"

    def target(self, cell: Any) -> int | None:
        """Its place in the set."""
        return None if is_empty(cell) else place_in_set(cell, self.column)

    def places(self, target: int | None) -> list[int]:
        """See Selection."""
        return [] if target is None else [target]

    def stack(self, targets: Sequence[int | None]) -> Tensor:
        """Int64 [batch]."""
        import torch

        from perceivers.models.losses import IGNORED_LABEL

        return torch.tensor([IGNORED_LABEL if target is None else target for target in targets])

    def values(self, scores: Tensor) -> Tensor:
        """Probabilities of the entities, [batch, most], 0 where there is none."""
        import torch

        wide, _ = self.measured(scores.cpu().double(), scores)
        return torch.where(wide <= HIDDEN, 0.0, wide.softmax(dim=-1))

    def describe(self, scores: Tensor) -> list[dict[str, Any]]:
        """`entity`, None of an empty set; its `probability`, and `probabilities` of the likeliest ones, falling."""
        found = []
        for row, gone in zip(*scores_and_absent(scores), strict=True):
            powers = np.where(gone, 0.0, np.exp(row - row.max(where=~gone, initial=-np.inf)))
            with np.errstate(invalid="ignore"):
                ranked = likeliest(np.where(gone, np.nan, powers / powers.sum()))
            first = next(iter(ranked), None)
            found.append(
                {
                    "entity": None if first is None else int(first),
                    "probability": ranked[first] if first is not None else None,
                    "probabilities": ranked,
                }
            )
        return found
