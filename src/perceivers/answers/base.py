"""The contract of an answer: from a cell of the target's column to what is learned, and from scores to what tables say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from torch import Tensor

from perceivers.configuration_answers import AnswerDescription, read_answer
from perceivers.models.answers.losses import answer_losses

if TYPE_CHECKING:
    from torchmetrics import Metric


@dataclass(frozen=True)
class Answer(ABC):
    """One thing that is asked for. It is frozen: `settle` gives another one that has seen the training cells.

    Args:
        column: of the table that holds it.
        weight: of its loss among the others'.
        num_queries: learned queries that the model has for it, whose answers are averaged.
        mlp_layers: layers with tanh between what a query is answered and the scores.
        where: (column, value): only rows with this value there are asked; empty: all rows.
        chosen_measures: what is reported; empty: the usual ones.
    """

    column: str
    weight: float = 1.0
    num_queries: int = 1
    mlp_layers: int = 0
    where: tuple[str, str] | tuple[()] = ()
    chosen_measures: tuple[str, ...] = ()

    name: ClassVar[str]
    """As the command line writes it."""
    usual_score: ClassVar[str]
    """The measure that is averaged with other answers' where nobody chose; never more than 1, and higher is better."""

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

    @abstractmethod
    def target(self, cell: Any) -> Any:
        """What is to be answered; None for an empty cell.

        Raises:
            DataError: the cell holds something else.
        """

    @abstractmethod
    def stack(self, targets: Sequence[Any]) -> Tensor:
        """Targets of a batch as `perceivers.models.answers.losses.answer_losses` takes them; None is marked as missing."""

    def head(self) -> dict[str, Any]:
        """Its entry in `config.answers`."""
        return {
            "type": self.name,
            "weight": self.weight,
            "num_queries": self.num_queries,
            **({"mlp_layers": self.mlp_layers} if self.mlp_layers else {}),
        }

    def losses(self, said: Tensor, targets: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Loss of each sample [batch], not weighted; 0 where the target is missing."""
        return answer_losses(said, targets, self.description, label_smoothing=label_smoothing)

    @property
    def description(self) -> AnswerDescription:
        """The head's description, checked."""
        return read_answer(self.column, self.head())

    @property
    @abstractmethod
    def measures(self) -> tuple[str, ...]:
        """Names of what is reported, the headline first."""

    @property
    def score(self) -> str:
        """The measure that is averaged with other answers': the first chosen one that is better where it is higher."""
        higher = (name for name in self.chosen_measures if self.better(name) == "higher")
        return next(higher, self.usual_score)

    @abstractmethod
    def metric(self, name: str) -> Metric:
        """A fresh metric, updated with `measured`."""

    @abstractmethod
    def better(self, name: str) -> Literal["higher", "lower"]:
        """Which way a measure improves."""

    @abstractmethod
    def measured(self, scores: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """`preds` and `target` of the metrics: scores, and truth, in the data's own units."""

    @abstractmethod
    def values(self, scores: Tensor) -> Tensor:
        """What scores say, float64: probabilities [batch, outputs], or numbers in the data's own units, [batch, ...]."""

    @abstractmethod
    def describe(self, scores: Tensor) -> list[dict[str, Any]]:
        """What tables say of each row of scores, by column; the first one is the answer itself."""

    @abstractmethod
    def compare(self, said: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
        """Two descriptions of one sample: `answer`, `without` (the other answer) and the `change` from the first to it."""

    def calibrated(self, preds: Tensor, truth: Tensor) -> Self:
        """This answer, corrected by what was measured of held-out samples: how sure it is, how wide its intervals are.

        Args:
            preds: see `measured`, of all samples.
            truth: the same.
        """
        return self

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Everything that is known of it, for a JSON file."""

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> Self:
        """The answer that `state` described."""
        values: dict[str, Any] = {
            name: tuple(each) if isinstance(each, list) else each for name, each in state.items()
        }
        return cls(**values)
