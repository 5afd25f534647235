"""A number, or quantiles of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from perceivers.answers.base import Answer
from perceivers.answers.drawing import draw_words
from perceivers.answers.one_class import MOST_NUMBERED_CLASSES
from perceivers.answers.ranking import wide_array
from perceivers.answers.said import Said
from perceivers.data.numbers import has_decimal_comma
from perceivers.errors import DataError
from perceivers.kinds.base import MOSTLY
from perceivers.kinds.number.reading import are_names, is_missing_word, looks_like_number, number_of

if TYPE_CHECKING:
    from torch import Tensor

# Positive numbers that are more skewed than this are learned by their logarithms.
MOST_SKEWED = 2.0


@dataclass(frozen=True)
class Number(Answer):
    """A number in the units of the data. The model learns standard deviations from the mean, of the logarithm if skewed.

    Args:
        quantiles: shares in (0, 1), ascending, of which the number is answered; empty for its mean.
        may_be_logarithm: learn the logarithms of numbers that are skewed.
        logarithm_of: what is added to a number before its logarithm is taken; None: no logarithm is taken.
        mean: of the training numbers, or of their logarithms.
        scale: their standard deviation.
        smallest: of the training numbers.
        largest: of the training numbers.
        decimal: what stands before the fraction of a number in a text: "point" or "comma".
        widened: what the outer quantiles are moved outwards by, in standard deviations.
    """

    quantiles: tuple[float, ...] = ()
    may_be_logarithm: bool = True
    logarithm_of: float | None = None
    mean: float = 0.0
    scale: float = 1.0
    smallest: float = -math.inf
    largest: float = math.inf
    decimal: Literal["point", "comma"] = "point"
    widened: float = 0.0

    name: ClassVar[str] = "number"
    head_type: ClassVar[str] = "number"
    usual_score: ClassVar[str] = "r2"
    is_quantity: ClassVar[bool] = True

    @classmethod
    def guess(cls, cells: Sequence[Any]) -> float:
        """See Answer."""
        known = [cell for cell in cells if not is_missing_word(cell)]
        numbers = [cell for cell in known if looks_like_number(cell)]
        # A few words among many numbers are faults of the table, and are reported as such.
        if len(numbers) < MOSTLY * max(len(known), 1) or are_names(known):
            return 0.0
        if any(has_decimal_comma(cell) for cell in numbers):
            return 0.9
        distinct = {float(cell) for cell in numbers}
        is_counted = all(number == round(number) for number in distinct)
        return 0.5 if is_counted and len(distinct) <= MOST_NUMBERED_CLASSES else 0.9

    def settle(self, cells: Sequence[Any], source: str) -> Self:
        """Find mean, deviation, and whether logarithms are learned better."""
        numbers = np.array(self._readable(cells))
        numbers = numbers[~np.isnan(numbers)]
        if not len(numbers):
            raise DataError(f"`{source}` must hold numbers in the column {self.column!r}, received none")
        added = _logarithm_of(numbers) if self.may_be_logarithm else None
        learned = numbers if added is None else np.log(numbers + added)
        deviation = float(learned.std())
        return replace(
            self,
            logarithm_of=added,
            mean=float(learned.mean()),
            scale=deviation if deviation > 0.0 else 1.0,
            smallest=float(numbers.min()),
            largest=float(numbers.max()),
        )

    def learned_from(self, cells: Sequence[Any], source: str) -> Self:
        """See Answer."""
        return self.settle(cells, source)

    def target(self, cell: Any) -> float | None:
        """The number as the model learns it."""
        number = self._read(cell)
        if math.isnan(number):
            return None
        if self.logarithm_of is not None:
            # What lies below all training numbers may have no logarithm.
            number = math.log(max(number, self.smallest) + self.logarithm_of)
        return (number - self.mean) / self.scale

    def plain(self, target: float) -> float:
        """See Answer."""
        return float(self._unscaled(np.asarray(target, dtype=np.float64)))

    def stack(self, targets: Sequence[float | None]) -> Tensor:
        """Float32 [batch]."""
        import torch

        known = [math.nan if target is None else target for target in targets]
        return torch.tensor(known, dtype=torch.float32)

    def head(self) -> dict[str, Any]:
        """See Answer."""
        return {**super().head(), **({"quantiles": list(self.quantiles)} if self.quantiles else {})}

    def measured(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers [batch], or their quantiles [batch, num_quantiles], and truth [batch], in the units of the data."""
        return self.in_own_units(self._widened(scores)), self.in_own_units(targets)

    def calibrated(self, preds: Tensor, truth: Tensor) -> Self:
        """With outer quantiles that hold as many of the true numbers as they should; as they are where rows are too few."""
        if len(self.quantiles) < 2:
            return self
        from perceivers.metrics.calibration import conformal_shift

        learned, wanted = self._learned(preds), self._learned(truth)
        share = self.quantiles[-1] - self.quantiles[0]
        shift = conformal_shift(learned[:, 0], learned[:, -1], wanted, share)
        # So few rows promise nothing, and an interval without ends tells nothing.
        if not math.isfinite(shift):
            return self
        return replace(self, widened=self.widened + shift)

    def values(self, scores: Tensor) -> Tensor:
        """Numbers [batch], or quantiles of them [batch, num_quantiles]."""
        return self.in_own_units(self._widened(scores.cpu()))

    def describe(self, scores: Tensor) -> list[dict[str, Any]]:
        """`number`, and of several quantiles `low` and `high`, the outer ones."""
        learned = wide_array(scores)
        if self.widened and len(self.quantiles) > 1:
            low, high = learned[..., 0], learned[..., -1]
            lowest, highest = low - self.widened, high + self.widened
            inner = learned[..., 1:-1]
            # An interval that is made narrower ends at the quantiles within it, or in its middle.
            first, last = (inner[..., 0], inner[..., -1]) if inner.shape[-1] else [(low + high) / 2] * 2
            ends = np.minimum(lowest, first)[..., None], np.maximum(highest, last)[..., None]
            learned = np.concatenate([ends[0], inner, ends[1]], axis=-1)
        values = self._unscaled(learned).tolist()
        if not self.quantiles:
            return [{"number": value} for value in values]
        middle = min(range(len(self.quantiles)), key=lambda index: abs(self.quantiles[index] - 0.5))
        outer = len(self.quantiles) > 1
        return [
            {"number": row[middle], **({"low": row[0], "high": row[-1]} if outer else {})} for row in values
        ]

    def compare(self, said: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
        """See Answer."""
        first, second = said["number"], other["number"]
        return {"answer": first, "without": second, "change": second - first}

    def note(self) -> str:
        """Its range, and whether its logarithm is learned."""
        learned = "" if self.logarithm_of is None else "; skewed, so its logarithm is learned"
        return f"{self.smallest:g} to {self.largest:g}{learned}"

    def draw(self, axes: Any, said: Mapping[str, Any]) -> None:
        """See Answer; the interval stands below."""
        interval = f"\n{said['low']:.4g} to {said['high']:.4g}" if "low" in said else ""
        draw_words(axes, f"{said['number']:.4g}{interval}")

    def html(self, said: Mapping[str, Any]) -> str:
        """See Answer; with its interval."""
        interval = f" ({said['low']:.4g} to {said['high']:.4g})" if "low" in said else ""
        return f'<span class="answer">{said["number"]:.4g}</span>{interval}'

    def in_words(self, said: Mapping[str, Any]) -> Said:
        """See Answer; with its interval."""
        interval = f"{said['low']:.4g} to {said['high']:.4g}" if "low" in said else ""
        return Said(self.title, f"{said['number']:.4g}", note=interval)

    def in_own_units(self, learned: Tensor) -> Tensor:
        """What the model says, float64, in the units of the data."""
        import torch

        # On the processor, or wherever there is float64: some accelerators have none.
        wide = learned.detach().cpu().double() * self.scale + self.mean
        own = wide if self.logarithm_of is None else wide.exp() - self.logarithm_of
        return own.to(learned.device, torch.float32 if learned.device.type == "mps" else torch.float64)

    def _unscaled(self, learned: np.ndarray) -> np.ndarray:
        """What the model says, float64, in the units of the data."""
        wide = learned * self.scale + self.mean
        own: np.ndarray = wide if self.logarithm_of is None else np.exp(wide) - self.logarithm_of
        return own

    def _read(self, cell: Any) -> float:
        otherwise = f"answer classes: --target {self.column}:class"
        return number_of(cell, self.column, self.decimal, otherwise=otherwise)

    def _readable(self, cells: Sequence[Any]) -> list[float]:
        """The cells that are numbers: others are reported with the rows that cannot be read. Raises where none is one."""
        found, first = [], None
        for cell in cells:
            try:
                found.append(self._read(cell))
            except DataError as error:
                first = first or error
        if first is not None and not found:
            raise first
        return found

    def _learned(self, own: Tensor) -> Tensor:
        """Numbers in the units of the data as the model learns them, float64."""
        wide = own.cpu().double()
        if self.logarithm_of is not None:
            wide = (wide.clamp(min=self.smallest) + self.logarithm_of).log()
        return (wide - self.mean) / self.scale

    def _widened(self, scores: Tensor) -> Tensor:
        if not self.widened or len(self.quantiles) < 2:
            return scores
        inner = scores[..., 1:-1]
        if not inner.shape[-1]:
            inner = scores.mean(dim=-1, keepdim=True)
        moved = scores.clone()
        # An interval that is made narrower ends at the quantiles within it, or in its middle.
        moved[..., 0] = (scores[..., 0] - self.widened).minimum(inner[..., 0])
        moved[..., -1] = (scores[..., -1] + self.widened).maximum(inner[..., -1])
        return moved


def _logarithm_of(numbers: np.ndarray) -> float | None:
    """What to add before taking logarithms; None where numbers may be negative or logarithms are no less skewed."""
    if numbers.min() < 0.0 or abs(_skewness(numbers)) <= MOST_SKEWED:
        return None
    positive = numbers[numbers > 0.0]
    added = 0.0 if numbers.min() > 0.0 else float(np.median(positive))
    return added if abs(_skewness(np.log(numbers + added))) < abs(_skewness(numbers)) else None


def _skewness(numbers: np.ndarray) -> float:
    """Third standardised moment; 0 of numbers that are all alike."""
    deviation = numbers.std()
    return float(((numbers - numbers.mean()) ** 3).mean() / deviation**3) if deviation > 0.0 else 0.0
