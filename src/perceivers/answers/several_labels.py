"""Any number of several labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor

from perceivers.answers.base import Answer
from perceivers.answers.ranking import compare_rankings, ranked_answers
from perceivers.data.rows import class_id
from perceivers.errors import DataError
from perceivers.metrics.answers import is_better, measure, measures_of

if TYPE_CHECKING:
    from torchmetrics import Metric

ANSWER = "labels"


@dataclass(frozen=True)
class SeveralLabels(Answer):
    """Any number of the labels that the training cells name. An empty cell has none of them.

    Args:
        separator: what divides the labels of a cell; lists need none.
        names: of the labels, by id; empty before `settle`.
    """

    separator: str = ","
    names: tuple[str, ...] = ()

    name: ClassVar[str] = ANSWER
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
        missing = np.full(len(self.names), np.nan, dtype=np.float32)
        return torch.from_numpy(np.stack([missing if target is None else target for target in targets]))

    def head(self) -> dict[str, Any]:
        """See Answer."""
        return {**super().head(), "id2label": dict(enumerate(self.names))}

    @property
    def measures(self) -> tuple[str, ...]:
        """See Answer."""
        return self.chosen_measures or measures_of(ANSWER, len(self.names))

    def metric(self, name: str) -> Metric:
        """See Answer."""
        return measure(name, ANSWER, len(self.names))

    def better(self, name: str) -> Literal["higher", "lower"]:
        """See Answer."""
        return is_better(name)

    def measured(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and labels, both [batch, num_labels]."""
        return scores, targets

    def values(self, scores: Tensor) -> Tensor:
        """Probabilities of the labels, [batch, labels]."""
        return scores.cpu().double().sigmoid()

    def describe(self, scores: Tensor) -> list[dict[str, Any]]:
        """`label` joins the labels above one half, then `probability` of the likeliest one, and `probabilities`."""
        return ranked_answers(scores, self.names, multi_label=True)

    def compare(self, said: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
        """See Answer; the change is that of the probability of what was likeliest."""
        return compare_rankings(said, other)

    def state(self) -> dict[str, Any]:
        """See Answer."""
        return asdict(self)


def split_labels(cell: Any, separator: str) -> list[str]:
    """The labels of a cell: a list of them, or a text that `separator` divides; none for None and an empty text."""
    if cell is None:
        return []
    parts = cell if isinstance(cell, list | tuple) else str(cell).split(separator)
    return [text for text in (str(part).strip() for part in parts) if text]
