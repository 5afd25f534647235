"""Any number of entities of a set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from perceivers.answers.ranking import sigmoid
from perceivers.answers.selection import Selection, likeliest, place_in_set, scores_and_absent
from perceivers.kinds.base import is_empty

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class SeveralEntities(Selection):
    """Any number of entities of a set. An empty cell selects none.

    Args:
        separator: what divides the places in a cell; lists need none.
    """

    separator: str = ","

    name: ClassVar[str] = "entities"
    head_type: ClassVar[str] = "entities"
    usual_score: ClassVar[str] = "f1"

    def target(self, cell: Any) -> tuple[int, ...]:
        """Their places in the set, ascending."""
        if isinstance(cell, np.ndarray):
            cell = cell.tolist()
        if not isinstance(cell, list | tuple):
            text = "" if is_empty(cell) else str(cell).strip().removeprefix("[").removesuffix("]")
            cell = [part for part in text.split(self.separator) if part.strip()]
        return tuple(sorted({place_in_set(each, self.column) for each in cell}))

    def places(self, target: tuple[int, ...] | None) -> list[int]:
        """See Selection."""
        return list(target or ())

    def stack(self, targets: Sequence[tuple[int, ...] | None]) -> Tensor:
        """Float32 [batch, most]: 1 for those that are selected; NaN where the column itself is missing."""
        import torch

        table = torch.zeros(len(targets), self.most)
        for row, target in enumerate(targets):
            if target is None:
                table[row] = torch.nan
            else:
                # What is not there is refused where rows are read; of rows whose sets were exchanged it is left out.
                table[row, [place for place in target if place < self.most]] = 1.0
        return table

    def plain(self, target: tuple[int, ...]) -> list[int]:
        """See Answer."""
        return list(target)

    def values(self, scores: Tensor) -> Tensor:
        """Probabilities of the entities, [batch, most], 0 where there is none."""
        wide, _ = self.measured(scores.cpu().double(), scores)
        return wide.sigmoid()

    def describe(self, scores: Tensor) -> list[dict[str, Any]]:
        """`entities` joins the places above one half, then `probability` of the likeliest, and `probabilities`, falling."""
        found = []
        for row, gone in zip(*scores_and_absent(scores), strict=True):
            likely = np.where(gone, np.nan, sigmoid(row))
            chosen = np.flatnonzero(likely > 0.5).tolist()
            ranked = likeliest(likely)
            found.append(
                {
                    "entities": ", ".join(map(str, chosen)),
                    "probability": next(iter(ranked.values()), None),
                    "probabilities": ranked,
                }
            )
        return found
