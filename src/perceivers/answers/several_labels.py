"""Any number of several labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from perceivers.answers.ranked import RankedAnswer
from perceivers.answers.ranking import ranked_answers
from perceivers.data.rows import class_id
from perceivers.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class SeveralLabels(RankedAnswer):
    """Any number of the labels that the training cells name. An empty cell has none of them.

    Args:
        separator: what divides the labels of a cell; lists need none.
        names: of the labels, by id; empty before `settle`.
    """

    separator: str = ","
    names: tuple[str, ...] = ()

    name: ClassVar[str] = "labels"
    head_type: ClassVar[str] = "labels"
    usual_score: ClassVar[str] = "mean_average_precision"

    @classmethod
    def guess(cls, cells: Sequence[Any]) -> float:
        """Lists are labels; a text with commas may be a sentence, so it is never guessed to be several labels."""
        return 0.9 if all(isinstance(cell, list | tuple) for cell in cells) else 0.0

    def settle(self, cells: Sequence[Any], source: str) -> Self:
        """Name the labels, by letter."""
        names = {label for cell in cells for label in split_labels(cell, self.separator)}
        if not names:
            raise DataError(
                f"`{source}` must hold labels in the column {self.column!r}, received only empty ones"
            )
        return replace(self, names=tuple(sorted(names)))

    def target(self, cell: Any) -> np.ndarray:
        """1 for each label that the cell has and 0 for the others, float32 [num_labels]."""
        target = np.zeros(len(self.names), dtype=np.float32)
        for label in split_labels(cell, self.separator):
            target[class_id(label, self.names, self.column)] = 1.0
        return target

    def stack(self, targets: Sequence[np.ndarray | None]) -> Tensor:
        """Float32 [batch, num_labels]; NaN where the column itself is missing."""
        import torch

        missing = np.full(len(self.names), np.nan, dtype=np.float32)
        return torch.from_numpy(np.stack([missing if target is None else target for target in targets]))

    def plain(self, target: np.ndarray) -> list[str]:
        """See Answer."""
        return [name for name, is_there in zip(self.names, target, strict=True) if is_there]

    def values(self, scores: Tensor) -> Tensor:
        """Probabilities of the labels, [batch, labels]."""
        return scores.cpu().double().sigmoid()

    def describe(self, scores: Tensor) -> list[dict[str, Any]]:
        """`label` joins the labels above one half, then `probability` of the likeliest one, and `probabilities`."""
        return ranked_answers(scores, self.names, multi_label=True)


def split_labels(cell: Any, separator: str) -> list[str]:
    """The labels of a cell: a list of them, or a text that `separator` divides; none for None and an empty text."""
    if cell is None:
        return []
    parts = cell if isinstance(cell, list | tuple) else str(cell).split(separator)
    return [text for text in (str(part).strip() for part in parts) if text]
