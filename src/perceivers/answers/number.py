"""A number, or quantiles of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from perceivers.answers.base import Answer
from perceivers.answers.drawing import draw_words
from perceivers.answers.one_class import MOST_NUMBERED_CLASSES
from perceivers.answers.ranking import wide_array
from perceivers.answers.said import Said
from perceivers.data.evenly import evenly_spread
from perceivers.data.numbers import Decimal, NotationError, has_commas, is_missing_word, looks_like_number
from perceivers.data.unit_forms import UnitForm
from perceivers.errors import DataError
from perceivers.kinds.base import MOSTLY
from perceivers.kinds.date.reading import NO_DATES, is_date
from perceivers.kinds.number.forms import Form, form_of_column, written
from perceivers.kinds.number.reading import are_names, number_of

if TYPE_CHECKING:
    from torch import Tensor

# Positive numbers that are more skewed than this are learned by their logarithms.
MOST_SKEWED = 2.0


@dataclass(frozen=True)
class Number(Answer):
    """A number in the units of the data. The model learns standard deviations from the mean, of the logarithm if skewed.

    Of durations the numbers are seconds. What is said of them, and of numbers with a unit, is written as the column writes
    it.

    Args:
        quantiles: shares in (0, 1), ascending, of which the number is answered; empty for its mean.
        may_be_logarithm: learn the logarithms of numbers that are skewed.
        logarithm_of: what is added to a number before its logarithm is taken; None: no logarithm is taken.
        mean: of the training numbers, or of their logarithms.
        scale: their standard deviation.
        smallest: of the training numbers.
        largest: of the training numbers.
        decimal: how numbers are written, see `perceivers.data.numbers.number_of`.
        widened: what the outer quantiles are moved outwards by, in standard deviations.
        form: how the column writes its numbers, see `perceivers.kinds.number.forms.form_of_column`; "" where they stand
            alone.
    """

    quantiles: tuple[float, ...] = ()
    may_be_logarithm: bool = True
    logarithm_of: float | None = None
    mean: float = 0.0
    scale: float = 1.0
    smallest: float = -math.inf
    largest: float = math.inf
    decimal: Decimal = "point"
    widened: float = 0.0
    form: Form = ""

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
        if len(numbers) < MOSTLY * max(len(known), 1):
            form = form_of_column(evenly_spread(known))
            if not form:
                return 0.0
            try:
                found = [_number_or_none(cell, form) for cell in known]
            except NotationError:
                return 0.9
            distinct = {number for number in found if number is not None and math.isfinite(number)}
        elif are_names(known):
            return 0.0
        elif any(has_commas(cell) for cell in numbers):
            return 0.9
        else:
            distinct = {number for cell in numbers if math.isfinite(number := float(cell))}
        is_counted = all(number.is_integer() for number in distinct)
        return 0.5 if is_counted and len(distinct) <= MOST_NUMBERED_CLASSES else 0.9

    def settle(self, cells: Sequence[Any], source: str) -> Self:
        """Find mean, deviation, and whether logarithms are learned better."""
        known = [cell for cell in cells if not is_missing_word(cell)]
        form = form_of_column(evenly_spread(known), self.decimal) if known else ""
        return replace(self, form=form).learned_from(cells, source)

    def learned_from(self, cells: Sequence[Any], source: str) -> Self:
        """See Answer."""
        numbers = np.array(self._readable(cells), dtype=np.float64)
        numbers = numbers[np.isfinite(numbers)]
        if not len(numbers):
            raise DataError(f"`{source}` must hold numbers in the column {self.column!r}, received none")
        added = _logarithm_of(numbers) if self.may_be_logarithm else None
        learned = numbers if added is None else np.log(numbers + added)
        mean, deviation = _moments(learned)
        return replace(
            self,
            logarithm_of=added,
            mean=mean,
            scale=deviation if deviation > 0.0 else 1.0,
            smallest=float(numbers.min()),
            largest=float(numbers.max()),
        )

    def on_scale_of(self, other: Answer) -> Self:
        """See Answer; a logarithm is learned on where all numbers have one."""
        if not isinstance(other, Number):
            return self
        if other.logarithm_of is not None and self.smallest + other.logarithm_of <= 0.0:
            return self
        return replace(self, logarithm_of=other.logarithm_of, mean=other.mean, scale=other.scale)

    def in_notation(self, decimal: Decimal) -> Self:
        """See Answer."""
        return replace(self, decimal=decimal)

    @property
    def stray(self) -> str:
        """See Answer."""
        return "duration" if self.form and isinstance(self.form, str) else "number"

    def read(self, cell: Any) -> float | None:
        """See Answer; it may be infinite."""
        otherwise = NO_DATES if is_date(cell) else f"answer classes: --target {self.column}:class"
        number = number_of(cell, self.column, self.decimal, self.form, otherwise=otherwise)
        return None if math.isnan(number) else number

    def target(self, cell: Any) -> float | None:
        """The number in its own units; an infinite one cannot be learned, and is None."""
        number = self.read(cell)
        return None if number is None or math.isinf(number) else number

    def stack(self, targets: Sequence[float | None]) -> Tensor:
        """Numbers as the model learns them, float32 [batch]."""
        return self._learned(_wide(targets)).float()

    def exact(self, targets: Sequence[float | None]) -> Tensor:
        """See Answer; the numbers in their own units, int64 [batch].

        Beside others of 1e50, two of 1e-3 are one number to the model, and are not to whoever measures it.
        """
        import torch

        # Apple's GPU has no float64.
        return _wide(targets).view(torch.int64)

    def head(self) -> dict[str, Any]:
        """See Answer."""
        return {**super().head(), **({"quantiles": list(self.quantiles)} if self.quantiles else {})}

    def measured(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Numbers [batch], or their quantiles [batch, num_quantiles], and truth [batch], in the units of the data."""
        return self.in_own_units(self._within(self._widened(scores))), self.in_own_units(targets)

    def truth(self, exact: Tensor) -> Tensor:
        """Numbers [batch] in the units of the data, float64."""
        import torch

        return exact.cpu().view(torch.float64)

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
        return self.in_own_units(self._within(self._widened(scores.cpu())))

    def describe(self, scores: Tensor) -> list[dict[str, Any]]:
        """`number`, and of several quantiles `low` and `high`, the outer ones."""
        learned = wide_array(scores)
        if self.widened and len(self.quantiles) > 1:
            learned = learned.copy()
            learned[..., 0], learned[..., -1] = self._outer_quantiles(learned)
        values = self._unscaled(np.clip(learned, *self._bounds)).tolist()
        if not self.quantiles:
            return [{"number": self._written(value)} for value in values]
        middle = min(range(len(self.quantiles)), key=lambda index: abs(self.quantiles[index] - 0.5))
        places = {"number": middle, **({"low": 0, "high": -1} if len(self.quantiles) > 1 else {})}
        return [{name: self._written(row[place]) for name, place in places.items()} for row in values]

    def compare(self, said: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
        """See Answer."""
        first, second = said["number"], other["number"]
        if not self.form:
            return {"answer": first, "without": second, "change": second - first}
        before, after = (_number_or_none(each, self.form, self.decimal) or 0.0 for each in (first, second))
        return {"answer": first, "without": second, "change": self._written(after - before)}

    def note(self) -> str:
        """Its range, and whether its logarithm is learned; or that there is nothing to learn."""
        learned = "" if self.logarithm_of is None else "; skewed, so its logarithm is learned"
        said = ""
        if self.form:
            what = (
                "numbers with a unit" if isinstance(self.form, UnitForm) else "durations, measured in seconds"
            )
            said = f"{what}, answered as they are written: "
        if self.smallest == self.largest:
            return f"{said}{self._words(self._written(self.smallest))} in every row, which leaves nothing to learn"
        return f"{said}{self._words(self._written(self.smallest))} to {self._words(self._written(self.largest))}{learned}"

    def draw(self, axes: Any, said: Mapping[str, Any]) -> None:
        """See Answer; the interval stands below."""
        interval = self._interval(said)
        draw_words(axes, "\n".join(filter(None, [self._words(said["number"], 4), interval])))

    def html(self, said: Mapping[str, Any]) -> str:
        """See Answer; with its interval."""
        interval = f" ({self._interval(said)})" if "low" in said else ""
        return f'<span class="answer">{escape(self._words(said["number"], 4))}</span>{escape(interval)}'

    def in_words(self, said: Mapping[str, Any]) -> Said:
        """See Answer; with its interval."""
        return Said(self.title, self._words(said["number"], 4), note=self._interval(said))

    def in_own_units(self, learned: Tensor) -> Tensor:
        """What the model says, float64, in the units of the data; on the processor where the device has no float64."""
        wide = learned.detach().cpu().double() * self.scale + self.mean
        own = wide if self.logarithm_of is None else wide.exp() - self.logarithm_of
        return own if learned.device.type == "mps" else own.to(learned.device)

    def _unscaled(self, learned: np.ndarray) -> np.ndarray:
        """What the model says, float64, in the units of the data."""
        wide = learned * self.scale + self.mean
        own: np.ndarray = wide if self.logarithm_of is None else np.exp(wide) - self.logarithm_of
        return own

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Self:
        """See Answer."""
        form = state.get("form", "")
        return super().of_state({**state, "form": form if isinstance(form, str) else UnitForm.of_state(form)})

    def _written(self, number: float) -> float | str:
        """What tables say: the number, or as its column writes it with a unit, or as a duration."""
        return written(number, self.form) if self.form else number

    def _words(self, said: float | str, digits: int = 6) -> str:
        return said if isinstance(said, str) else f"{said:.{digits}g}"

    def _interval(self, said: Mapping[str, Any]) -> str:
        return f"{self._words(said['low'], 4)} to {self._words(said['high'], 4)}" if "low" in said else ""

    def _readable(self, cells: Sequence[Any]) -> list[float | None]:
        """The cells that are numbers: others are reported with the rows that cannot be read. Raises where none is one."""
        found, first = [], None
        for cell in cells:
            try:
                found.append(self.read(cell))
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

    @property
    def _bounds(self) -> tuple[float, float]:
        """What is said at least and at most, as the model learns it.

        Of a logarithm, as far beyond the training numbers as these are from each other: a little too much of a logarithm is
        a number beyond all others.
        """
        if self.logarithm_of is None or not self.smallest + self.logarithm_of > 0.0:
            return -math.inf, math.inf
        low, high = (math.log(number + self.logarithm_of) for number in (self.smallest, self.largest))
        span = high - low
        return (low - span - self.mean) / self.scale, (high + span - self.mean) / self.scale

    def _within(self, scores: Tensor) -> Tensor:
        low, high = self._bounds
        return scores if math.isinf(low) else scores.clamp(low, high)

    def _widened(self, scores: Tensor) -> Tensor:
        if not self.widened or len(self.quantiles) < 2:
            return scores
        moved = scores.clone()
        moved[..., 0], moved[..., -1] = self._outer_quantiles(scores)
        return moved

    def _outer_quantiles(self, scores: Any) -> tuple[Any, Any]:
        """The lowest and the highest quantile, moved outwards by `widened`.

        Args:
            scores: tensor or array [batch, num_quantiles], of two quantiles at least.

        Returns:
            [batch] each, of the same type.
        """
        low, high = scores[..., 0], scores[..., -1]
        first, last = (scores[..., 1], scores[..., -2]) if scores.shape[-1] > 2 else [(low + high) / 2] * 2
        # An interval that is made narrower ends at the quantiles within it, or in its middle.
        return (low - self.widened).clip(max=first), (high + self.widened).clip(min=last)


def _wide(targets: Sequence[float | None]) -> Tensor:
    """Float64 [batch]; NaN where a target is missing."""
    import torch

    return torch.tensor([math.nan if target is None else target for target in targets], dtype=torch.float64)


def _number_or_none(cell: Any, form: Form, decimal: Decimal = "point") -> float | None:
    """A cell as a number; None where it is none. Raises NotationError where it is one in another notation."""
    try:
        return number_of(cell, "", decimal, form)
    except NotationError:
        raise
    except DataError:
        return None


def _logarithm_of(numbers: np.ndarray) -> float | None:
    """What to add before taking logarithms; None where numbers may be negative or logarithms are no less skewed."""
    if numbers.min() < 0.0 or abs(_skewness(numbers)) <= MOST_SKEWED:
        return None
    positive = numbers[numbers > 0.0]
    added = 0.0 if numbers.min() > 0.0 else float(np.median(positive))
    return added if abs(_skewness(np.log(numbers + added))) < abs(_skewness(numbers)) else None


def _skewness(numbers: np.ndarray) -> float:
    """Third standardised moment; 0 of numbers that are all alike."""
    mean, deviation = _moments(numbers)
    # In deviations first: the third powers of large numbers are infinite, those of small ones are nothing.
    return float(((numbers / deviation - mean / deviation) ** 3).mean()) if deviation > 0.0 else 0.0


def _moments(numbers: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of finite numbers, whose squares may be infinite, or nothing."""
    # In parts of a power of two, which changes no digit.
    size = math.ldexp(1.0, math.frexp(float(np.abs(numbers).max()))[1] - 1)
    parts = numbers / size
    return float(parts.mean() * size), float(parts.std() * size)
