"""One of several classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from perceivers.answers.confusions import draw_confusions
from perceivers.answers.ranked import RankedAnswer
from perceivers.answers.ranking import ranked_answers
from perceivers.data.evenly import evenly_spread
from perceivers.data.numbers import is_missing_word, looks_like_number
from perceivers.data.rows import class_id, in_natural_order
from perceivers.errors import DataError
from perceivers.kinds.base import MOSTLY, is_empty
from perceivers.kinds.date.reading import NO_DATES, is_date
from perceivers.kinds.number.forms import form_of_column

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor


# Whole numbers of more different values are numbers.
MOST_NUMBERED_CLASSES = 20
# Up to so many classes may have one row each, which training changes; more values of their own are names of rows.
MOST_SINGLE_ROWS = 50
# Of scores that a margin of 1 is enough for, until validation samples say better: of two classes, 1 and -1 are 0.98 and 0.02.
MARGIN_TEMPERATURE = 0.5


@dataclass(frozen=True)
class OneClass(RankedAnswer):
    """Exactly one of the classes that the training cells name.

    Args:
        names: of the classes, by id; empty before `settle`.
        balance: count every class alike in the loss, however many rows it has.
        class_weights: factors of the classes' losses; empty: all 1.
        temperature: scores are divided by it before they become probabilities.
        loss: "cross_entropy", or "margin", the squared hinge loss of `perceivers.models.answers.losses.margin_losses`, whose
            scores are no logarithms of probabilities before they are calibrated.
    """

    names: tuple[str, ...] = ()
    balance: bool = False
    class_weights: tuple[float, ...] = ()
    temperature: float = 1.0
    loss: Literal["cross_entropy", "margin"] = "cross_entropy"

    name: ClassVar[str] = "class"
    head_type: ClassVar[str] = "class"
    usual_score: ClassVar[str] = "accuracy"
    divides_rows: ClassVar[bool] = True

    @classmethod
    def guess(cls, cells: Sequence[Any]) -> float:
        """See Answer."""
        if not all(isinstance(cell, str | bool | int | float) for cell in cells):
            return 0.0
        distinct = len({str(cell) for cell in cells})
        return 0.6 if distinct <= MOST_NUMBERED_CLASSES or 4 * distinct <= len(cells) else 0.3

    def settle(self, cells: Sequence[Any], source: str) -> Self:
        """Name the classes: whole numbers by size, all else by letter. Among numbers, NA and the like are no class."""
        names = [_class_name(cell) for cell in cells]
        known = [name for name in names if not is_missing_word(name)]
        if known and all(map(looks_like_number, dict.fromkeys(known))):
            names = known
        counts = Counter(names)
        if len(counts) < 2:
            raise DataError(
                f"`{source}` must hold two classes or more in the column {self.column!r}, received only "
                f"{next(iter(counts), None)!r}"
            )
        is_many = len(counts) > max(MOST_SINGLE_ROWS, len(names) / 2)
        if is_many and sum(map(is_date, cells)) >= MOSTLY * len(cells):
            raise DataError(
                f"`{source}` must hold classes in the column {self.column!r}, received dates, {len(counts):,} different ones "
                f"in {len(names):,} rows, such as {names[0]}; {NO_DATES}"
            )
        if len(counts) == len(names) > MOST_SINGLE_ROWS:
            other = f", or another answer: {self._as_number}" if _are_numbers(cells) else ""
            raise DataError(
                f"`{source}` must hold classes of several rows in the column {self.column!r}, received a value of its own in "
                f"each of {len(names):,} rows; name another column{other}"
            )
        if is_many and _have_fractions(counts):
            raise DataError(
                f"`{source}` must hold classes in the column {self.column!r}, received numbers, {len(counts):,} different "
                f"ones in {len(names):,} rows, such as {names[0]}; numbers are another answer: {self._as_number}"
            )
        return replace(self, names=tuple(in_natural_order(counts))).learned_from(cells, source)

    @property
    def _as_number(self) -> str:
        return f"perceivers train table with --target {self.column}:number"

    def learned_from(self, cells: Sequence[Any], source: str) -> Self:
        """See Answer; a class without rows counts as one of one row."""
        if not self.balance:
            return self
        counts = Counter(_class_name(cell) for cell in cells)
        share = len(cells) / len(self.names)
        return replace(self, class_weights=tuple(share / max(counts[name], 1) for name in self.names))

    def trained_by(self, loss: Literal["cross_entropy", "margin"]) -> Self:
        """The same answer, with a temperature that fits the scores of a loss until validation samples say better."""
        return replace(self, loss=loss, temperature=MARGIN_TEMPERATURE if loss == "margin" else 1.0)

    @property
    def stray(self) -> str:
        """See Answer: none, but among numbers there are words for nothing."""
        return "class" if self.names and all(map(looks_like_number, self.names)) else ""

    def read(self, cell: Any) -> Any:
        """See Answer."""
        return None if is_empty(cell) or (is_missing_word(cell) and self.stray) else cell

    def target(self, cell: Any) -> int | None:
        """Id of the class."""
        known = self.read(cell)
        return None if known is None else class_id(_class_name(known), self.names, self.column)

    def stack(self, targets: Sequence[int | None]) -> Tensor:
        """Int64 [batch]."""
        import torch

        from perceivers.models.losses import IGNORED_LABEL

        return torch.tensor([IGNORED_LABEL if target is None else target for target in targets])

    def losses(self, said: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """See Answer; times the weight of the true class."""
        if self.loss == "margin":
            from perceivers.models.answers.losses import margin_losses

            losses = margin_losses(said, targets, label_smoothing=label_smoothing)
        else:
            losses = super().losses(said, targets, label_smoothing)
        if not self.class_weights:
            return losses
        weights = losses.new_tensor(self.class_weights)
        if targets.is_floating_point():
            return losses * (targets.to(losses.dtype) * weights).sum(dim=-1)
        return losses * weights[targets.clamp(min=0)]

    @property
    def measures(self) -> tuple[str, ...]:
        """See Answer; the confusions are always counted."""
        from perceivers.metrics.answers import CONFUSIONS

        return tuple(dict.fromkeys([*super().measures, CONFUSIONS]))

    def measured(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Scores [batch, classes] at the temperature, ids [batch]."""
        return scores / self.temperature, targets

    def calibrated(self, preds: Tensor, truth: Tensor) -> Self:
        """With the temperature at which log loss is least."""
        from perceivers.metrics.calibration import fit_temperature

        return replace(self, temperature=self.temperature * fit_temperature(preds.cpu(), truth.cpu()))

    def values(self, scores: Tensor) -> Tensor:
        """Probabilities of the classes, [batch, classes]."""
        return (scores.cpu().double() / self.temperature).softmax(dim=-1)

    def describe(self, scores: Tensor) -> list[dict[str, Any]]:
        """`label`, its `probability`, and `probabilities` of the likeliest classes, falling."""
        return ranked_answers(scores / self.temperature, self.names)

    def draw_measures(self, values: Mapping[str, Tensor], folder: Path, prefix: str) -> list[Path]:
        """Draw the confusion matrix."""
        from perceivers.metrics.answers import CONFUSIONS

        if CONFUSIONS not in values or not values[CONFUSIONS].any():
            return []
        path = folder / f"{prefix}{CONFUSIONS}.png"
        draw_confusions(values[CONFUSIONS].cpu().numpy(), self.names, path)
        return [path]


def _are_numbers(cells: Sequence[Any]) -> bool:
    """Whether nearly all cells are numbers, alone, with a unit or as durations."""
    some = evenly_spread(cells)
    return sum(map(looks_like_number, some)) >= MOSTLY * len(some) or bool(form_of_column(some))


def _have_fractions(names: Iterable[str]) -> bool:
    """Whether all are numbers, of which some are not whole."""
    try:
        numbers = [float(name) for name in names]
    except ValueError:
        return False
    return not all(number.is_integer() for number in numbers)


def _class_name(cell: Any) -> str:
    return str(cell).strip() if isinstance(cell, str) else str(cell)
