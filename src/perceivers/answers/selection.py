"""Answers that select entities of a set: what selecting one and selecting several have in common."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from perceivers.answers.base import Answer
from perceivers.answers.drawing import draw_ranking, ranking_as_html
from perceivers.answers.ranking import HIDDEN, NUM_ALTERNATIVES, compare_rankings, wide_array
from perceivers.answers.said import Said
from perceivers.errors import DataError
from perceivers.kinds.base import Kind, counted

if TYPE_CHECKING:
    from torch import Tensor

# What a score of none becomes, where there is no such entity.
LOWEST = 2 * HIDDEN
NOTHING = "none of them"


@dataclass(frozen=True)
class Selection(Answer):
    """Entities of the set in another column, by their places in it, counted from 0.

    Args:
        among: the column that holds the sets; empty for the only one.
        of: the modality that the model has for it; empty before `selecting`.
        most: entities of a set that are seen.
    """

    among: str = ""
    of: str = ""
    most: int = 0

    selects: ClassVar[bool] = True

    @classmethod
    def guess(cls, cells: Sequence[Any]) -> float:
        """0: nothing in a column of whole numbers says that they are places in a set."""
        return 0.0

    @property
    def members_of(self) -> str:
        """See Answer."""
        return self.of

    def settle(self, cells: Sequence[Any], source: str) -> Self:
        """Read all cells once."""
        for cell in cells:
            try:
                self.target(cell)
            except DataError as error:
                raise DataError(f"`{source}` {error}") from error
        return self

    def selecting(self, inputs: Mapping[str, tuple[str, Kind]], source: str) -> Self:
        """See Answer."""
        sets = {column: each for column, each in inputs.items() if each[1].name == "entities"}
        named = f"--target {self.column}:{self.name}"
        if self.among and self.among not in sets:
            raise DataError(
                f"`{named}={self.among}` must name a column of entities of `{source}`, received {self.among!r}; "
                f"such are {', '.join(sets) or 'none'}"
            )
        if not self.among and len(sets) != 1:
            raise DataError(
                f"`{named}` needs one column of entities, and `{source}` has {', '.join(sets) or 'none'}: "
                + (f"{named}=COLUMN says which" if sets else "--column NAME=entities names one")
            )
        among = self.among or next(iter(sets))
        modality, kind = sets[among]
        return dataclasses.replace(self, among=among, of=modality, most=kind.num_tokens or 0)

    def require_among(self, target: Any, value: Any) -> None:
        """See Answer."""
        chosen = self.places(target)
        if not chosen or max(chosen) < len(value or ()):
            return
        there = len(value or ())
        seen = " that are seen" if there == self.most else ""
        raise DataError(
            f"must select among {counted(there, 'entity', 'entities')}{seen} in the column {self.among!r}, counted from 0, "
            f"received {max(chosen)} in the column {self.column!r}"
        )

    @abstractmethod
    def places(self, target: Any) -> list[int]:
        """The entities that a target selects."""

    def head(self) -> dict[str, Any]:
        """See Answer."""
        return {**super().head(), "of": self.of}

    def losses(self, said: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """See Answer; 0, too, where the one that is to be selected is not there."""
        from perceivers.models.answers.losses import member_losses

        return member_losses(said, targets, several=targets.is_floating_point())

    def measured(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Scores [batch, most], for all batches alike, and the truth."""
        from torch.nn.functional import pad

        return pad(scores, (0, self.most - scores.shape[-1]), value=LOWEST), targets

    def compare(self, said: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
        """See Answer; the change is that of the probability of what was likeliest."""
        first, second = _ranked(said), _ranked(other)
        if not first["probabilities"]:
            return {"answer": first["label"], "without": second["label"], "change": 0.0}
        return compare_rankings(first, second)

    def note(self) -> str:
        """Of which column."""
        return f"selects of {self.among}"

    def draw(self, axes: Any, said: Mapping[str, Any]) -> None:
        """See Answer."""
        if said["probabilities"]:
            draw_ranking(axes, _ranked(said))
        else:
            super().draw(axes, {self.name: NOTHING})

    def html(self, said: Mapping[str, Any]) -> str:
        """See Answer; places with their probabilities."""
        return ranking_as_html(_ranked(said)) if said["probabilities"] else super().html({self.name: NOTHING})

    def in_words(self, said: Mapping[str, Any]) -> Said:
        """See Answer; with the likeliest places."""
        words = _ranked(said)["label"]
        return Said(
            self.title, words or NOTHING, said["probabilities"], frozenset(filter(None, words.split(", ")))
        )


def place_in_set(cell: Any, column: str) -> int:
    """A place, counted from 0; a DataError for anything else.

    Args:
        cell: a whole number, or its text; 2.0 is 2, because a missing value among whole numbers makes many programs write so.
        column: for messages.
    """
    try:
        number = float("nan") if isinstance(cell, bool | np.bool_) else float(cell)
    except (TypeError, ValueError):
        number = float("nan")
    if not number >= 0 or number != np.floor(number) or number == np.inf:
        raise DataError(
            f"must have places of entities, 0, 1, 2, ..., in the column {column!r}, received {cell!r:.60}"
        )
    return int(number)


def likeliest(probabilities: np.ndarray) -> dict[str, float]:
    """Place -> probability of the likeliest entities, falling; of equals the first. Those that are not there are NaN.

    Args:
        probabilities: of one set, [members].
    """
    there = np.flatnonzero(~np.isnan(probabilities))
    order = there[np.argsort(-probabilities[there], kind="stable")][:NUM_ALTERNATIVES]
    return {str(place): float(probabilities[place]) for place in order.tolist()}


def scores_and_absent(scores: Any) -> tuple[np.ndarray, np.ndarray]:
    """Scores float64 [batch, members], 0 where there is no entity, and bool alike, True there."""
    wide = wide_array(scores)
    absent = wide <= HIDDEN
    return np.where(absent, 0.0, wide), absent


def _ranked(said: Mapping[str, Any]) -> dict[str, Any]:
    """What was said as rankings of names say it."""
    (_, chosen), *_ = said.items()
    return {"label": "" if chosen is None else str(chosen), "probabilities": said["probabilities"]}
