"""The contract of an answer: from a cell of the target's column to what is learned, and from scores to what tables say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from perceivers.answers.drawing import draw_words
from perceivers.answers.ranking import mean_of_arrays
from perceivers.answers.said import Said
from perceivers.configuration_answers import AnswerDescription, read_answer
from perceivers.kinds.base import is_empty

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from perceivers.data.numbers import Decimal
    from perceivers.metrics.running import Metric


@dataclass(frozen=True)
class Answer(ABC):
    """One thing that is asked for. It is frozen: `settle` gives another one that has seen the training cells.

    Args:
        column: of the table that holds it.
        weight: of its loss among the others'.
        num_queries: learned queries that the model has for it, whose answers are averaged.
        token_rate: see `perceivers.configuration_answers.AnswerDescription`.
        mlp_layers: layers with tanh between what a query is answered and the scores.
        where: (column, value): only rows with this value there are asked; empty: all rows.
        chosen_measures: what is reported; empty: the usual ones.
    """

    column: str
    weight: float = 1.0
    num_queries: int = 1
    token_rate: float = 0.0
    mlp_layers: int = 0
    where: tuple[str, str] | tuple[()] = ()
    chosen_measures: tuple[str, ...] = ()

    name: ClassVar[str]
    """As the command line writes it."""
    head_type: ClassVar[str]
    """Type of its entry in `config.answers`: what the model learns, however it is said."""
    usual_score: ClassVar[str]
    """The measure that is averaged with other answers' where nobody chose; never more than 1, and higher is better."""
    is_quantity: ClassVar[bool] = False
    """Whether it is an amount: noise in the inputs costs amounts more than classes."""
    divides_rows: ClassVar[bool] = False
    """Whether every part of the data gets the same share of each of its values."""
    selects: ClassVar[bool] = False
    """Whether it selects entities of a set in another column, which `among` names."""
    drawn: ClassVar[str] = "answer"
    """What `draw` shows, for the picture's heading."""

    @classmethod
    def chosen(cls, column: str, options: Mapping[str, Any]) -> Self:
        """This answer for a column, with those of a user's options that it has.

        Args:
            column: of the table that holds it.
            options: what users may choose of any answer, by the names of the answers' fields.
        """
        own = {entry.name for entry in fields(cls)}
        return cls(column, **{name: value for name, value in options.items() if name in own})

    @property
    def names(self) -> tuple[str, ...]:
        """Of its classes or labels, by id; none where it has none."""
        return ()

    @property
    def title(self) -> str:
        """What results call it: its column, or the value that rows must have to be asked."""
        return self.where[1] if self.where else self.column

    def asks(self, row: Mapping[str, Any]) -> bool:
        """Whether it is asked of a row; a row that does not say is asked everything."""
        return not self.where or self.where[0] not in row or str(row[self.where[0]]) == self.where[1]

    @classmethod
    @abstractmethod
    def guess(cls, cells: Sequence[Any]) -> float:
        """How sure it is, in [0, 1], that this is what a column of targets holds.

        Args:
            cells: those of the training rows that are not empty, at least one.
        """

    @abstractmethod
    def settle(self, cells: Sequence[Any], source: str) -> Self:
        """This answer with what must be known of the training cells: classes, scale.

        Args:
            cells: those that are not empty, at least one.
            source: what errors call the table.

        Raises:
            DataError: nothing can be learned from them.
        """

    def learned_from(self, cells: Sequence[Any], source: str) -> Self:
        """This answer with scale and balance of the training rows alone; classes, which are more than theirs, stay.

        Args:
            cells: those of the training rows that are not empty, at least one.
            source: what errors call the table.
        """
        return self

    def on_scale_of(self, other: Answer) -> Self:
        """This answer on the scale of another one's, whose model is learned on; as it is where that has none, or not for it.

        Args:
            other: the answer of the run that is started from, to the same column.
        """
        return self

    def in_notation(self, decimal: Decimal) -> Self:
        """This answer for cells that write numbers so, see `perceivers.data.numbers.number_of`; said as it was trained."""
        return self

    def selecting(self, inputs: Mapping[str, tuple[str, Any]], source: str) -> Self:
        """This answer with what must be known of the inputs that it selects of.

        Args:
            inputs: column -> the model's name for the only modality of what it holds, and the kind.
            source: what errors call the table.

        Raises:
            DataError: it cannot be told of which it selects.
        """
        return self

    @property
    def members_of(self) -> str:
        """The modality whose members it selects; "" of all other answers."""
        return ""

    def require_among(self, target: Any, value: Any) -> None:
        """Raise DataError where a target is none of the members of a row's value.

        Args:
            target: what `target` gave.
            value: of the input that has the modality `members_of`; None where it is missing.
        """
        return

    @property
    def stray(self) -> str:
        """What a cell is none of that `read` refuses, where a few of them are taken for missing: "number".

        "" where such a cell is an error always.
        """
        return ""

    def read(self, cell: Any) -> Any:
        """What a cell says, before it is made a target; None for an empty cell.

        Raises:
            DataError: the cell holds something else.
        """
        return None if is_empty(cell) else cell

    @abstractmethod
    def target(self, cell: Any) -> Any:
        """What is to be answered; None for an empty cell.

        Raises:
            DataError: the cell holds something else.
        """

    @abstractmethod
    def stack(self, targets: Sequence[Any]) -> Tensor:
        """Targets of a batch as `perceivers.models.answers.losses.answer_losses` takes them; None is marked as missing."""

    def exact(self, targets: Sequence[Any]) -> Tensor | None:
        """Targets of a batch for `truth`, where `stack` rounds them: bits that every device can hold; None elsewhere."""
        return None

    def truth(self, exact: Tensor) -> Tensor:
        """What `exact` gave as `measured` gives its second, on the processor."""
        return exact.cpu()

    def plain(self, target: Any) -> Any:
        """A target as methods take it that know nothing of tensors: the id of a class, labels by name, a number in its units.

        Args:
            target: what `target` gave; not None.
        """
        return target

    def head(self) -> dict[str, Any]:
        """Its entry in `config.answers`."""
        return {
            "type": self.head_type,
            "weight": self.weight,
            "num_queries": self.num_queries,
            **({"token_rate": self.token_rate} if self.token_rate else {}),
            **({"mlp_layers": self.mlp_layers} if self.mlp_layers else {}),
        }

    def losses(self, said: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Loss of each sample [batch], not weighted; 0 where the target is missing.

        Args:
            said: what each query says of a sample.
            targets: see `stack`.
            label_smoothing: share of the target probability that is spread over all classes or labels, where there are any.
        """
        from perceivers.models.answers.losses import answer_losses

        asked = self.description
        return answer_losses(said, targets, asked, label_smoothing=label_smoothing if asked.id2label else 0.0)

    def mean_of_views(self, scores: Any) -> Any:
        """What several views of a sample, [batch, views, ...], say together: probabilities, or numbers, averaged."""
        if isinstance(scores, np.ndarray):
            return mean_of_arrays(scores, self.head_type)
        from perceivers.models.answers.heads import average

        return average(scores, self.head_type)

    @cached_property
    def description(self) -> AnswerDescription:
        """The head's description, checked; once, since every loss asks for it."""
        return read_answer(self.column, self.head())

    @property
    def measures(self) -> tuple[str, ...]:
        """Names of what is measured, the headline first; what is no single number is drawn by `draw_measures`."""
        from perceivers.metrics.answers import measures_of

        asked = self.description
        return self.chosen_measures or measures_of(asked.type, asked.num_outputs, asked.quantiles)

    @property
    def score(self) -> str:
        """The measure that is averaged with other answers': the first chosen one that is better where it is higher."""
        higher = (name for name in self.chosen_measures if self.better(name) == "higher")
        return next(higher, self.usual_score)

    def metric(self, name: str) -> Metric:
        """A fresh metric, updated with `measured`."""
        from perceivers.metrics.answers import measure

        asked = self.description
        return measure(name, asked.type, asked.num_outputs, asked.quantiles)

    def better(self, name: str) -> Literal["higher", "lower"]:
        """Which way a measure improves."""
        from perceivers.metrics.answers import is_better

        return is_better(name)

    def measured(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """`preds` and `target` of the metrics: scores, and truth, in the data's own units."""
        return scores, targets

    @abstractmethod
    def values(self, scores: Tensor) -> Tensor:
        """What scores say, float64: probabilities [batch, outputs], or numbers in the data's own units, [batch, ...]."""

    @abstractmethod
    def describe(self, scores: Tensor) -> list[dict[str, Any]]:
        """What tables say of each row of scores, by column; the first one is the answer itself."""

    @abstractmethod
    def compare(self, said: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
        """Two descriptions of one sample: `answer`, `without` (the other answer) and the `change` from the first to it."""

    def note(self) -> str:
        """What people are told of it before training: its classes, its range."""
        more = f" and {len(self.names) - 6} more" if len(self.names) > 6 else ""
        return f"{', '.join(self.names[:6])}{more}"

    def draw(self, axes: Any, said: Mapping[str, Any]) -> None:
        """Draw what `describe` said of one sample beside it.

        Args:
            axes: of matplotlib.
            said: by column.
        """
        draw_words(axes, str(next(iter(said.values()))))

    def html(self, said: Mapping[str, Any]) -> str:
        """What `describe` said of one sample, as HTML; the page shows the class `answer` as what was answered."""
        return f'<span class="answer">{escape(str(next(iter(said.values()))))}</span>'

    def in_words(self, said: Mapping[str, Any]) -> Said:
        """What `describe` said of one sample, for people."""
        return Said(self.title, str(next(iter(said.values()))))

    def draw_measures(self, values: Mapping[str, Tensor], folder: Path, prefix: str) -> list[Path]:
        """Draw what was measured and is no single number; the files written.

        Args:
            values: by the names of `measures`.
            folder: that receives the pictures.
            prefix: of their names.
        """
        return []

    def calibrated(self, preds: Tensor, truth: Tensor) -> Self:
        """This answer, corrected by what was measured of held-out samples: how sure it is, how wide its intervals are.

        Args:
            preds: see `measured`, of all samples.
            truth: the same.
        """
        return self

    def state(self) -> dict[str, Any]:
        """Everything that is known of it, for a JSON file."""
        return asdict(self)

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Self:
        """The answer that `state` described."""
        values: dict[str, Any] = {
            name: tuple(each) if isinstance(each, list) else each for name, each in state.items()
        }
        return cls(**values)
