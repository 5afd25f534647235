"""What a task tells the loop: its data, its model, one forward pass, its metrics, how a prediction is shown."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from perceivers.arguments import DataArguments, RunArguments
from perceivers.arguments.advice import Advice
from perceivers.configuration import PerceiverConfig
from perceivers.data.splits import Splits
from perceivers.errors import DataError
from perceivers.tasks.sizes import begun
from perceivers.tasks.telling import samples_in_words

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor, nn

    from perceivers.metrics.running import NamedMetrics
    from perceivers.models.base import PerceiverPreTrainedModel

TaskArguments = TypeVar("TaskArguments")
Item = TypeVar("Item")
Batch = dict[str, Any]
# What messages about rows and files begin with: `file`, `file, row 3` or `file`, row 3.
NAMED = re.compile(r"`(?P<file>.+?)(?:, row (?P<row>\d+)`|`, row (?P<outside>\d+)\b|`)", re.DOTALL)
# In `Prediction.shown` of tasks that draw nothing: name of a file that belongs to the answer -> its content, or what has its
# `path`.
FILES = "files"


@dataclass(frozen=True)
class Step:
    """What one forward pass gives the loop.

    Args:
        loss: scalar to be minimised.
        measured: tensors [batch, ...] by the argument names of the metrics' `update`; gathered over processes.
    """

    loss: Tensor
    measured: Mapping[str, Tensor]


@dataclass(frozen=True)
class Parts:
    """A model and what turns raw input into its tensors, as they lie together in a folder.

    Args:
        model: the network.
        processor: raw data to tensors; `save_pretrained(folder)` writes its settings.
        prepared: the network's exact fast form, where somebody has made it already.
    """

    model: PerceiverPreTrainedModel
    processor: Any
    prepared: Any = None

    def fast_form(self) -> Any:
        """The network's exact fast form: the one at hand, or a new one."""
        return self.model.prepare() if self.prepared is None else self.prepared


@dataclass(frozen=True)
class Prediction:
    """One input's answer.

    Args:
        source: file the input came from, or the input itself.
        values: what is written to the tables, by column.
        shown: what only the picture needs.
        answers: what each answer says, by its name in the model; of tasks that answer columns.
        notes: what the user should know of how the input's table was read; with its first row alone.
    """

    source: str
    values: Mapping[str, Any]
    shown: Mapping[str, Any]
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unreadable:
    """An input, or a row of one, that could not be answered.

    Args:
        file: or what else was given.
        row: of a table, from 1; None where it is a file, or the whole input.
        reason: why.
    """

    file: str
    row: int | None
    reason: str


def located(line: str) -> Unreadable:
    """A line about a row or file that was left out, which begins with its name in backticks, taken apart."""
    found = NAMED.match(line)
    if found is None:
        return Unreadable("", None, line)
    row = found["row"] or found["outside"]
    return Unreadable(found["file"], int(row) if row else None, line)


def guarded(
    file: str, items: Iterable[Item], left_out: list[Unreadable] | None, row: int | None = None
) -> Iterator[Item]:
    """Give `items` until one cannot be read: this is noted in `left_out`, or an error where that is None.

    Args:
        file: see Unreadable.
        items: whose making may raise DataError.
        left_out: receives what cannot be read.
        row: see Unreadable.
    """
    try:
        yield from items
    except DataError as error:
        if left_out is None:
            raise
        left_out.append(Unreadable(file, row, str(error)))


def text_or_path(value: Any, number: int) -> str:
    """One of the values that Python gives, as an input of `Task.predict`.

    Args:
        value: a text or a path.
        number: of it among the values, from 1.

    Raises:
        DataError: it is something else.
    """
    if not isinstance(value, str | PathLike):
        raise DataError(
            f"`values, row {number}` must be a text or a path, received {value!r:.80} ({type(value).__name__}): leave it "
            f"out, or make it a text with str(value)"
        )
    return os.fsdecode(value)


class Task(ABC, Generic[TaskArguments]):
    """One job that a Perceiver is trained for. The loop knows nothing else of it.

    Args:
        arguments: the task's own choices (columns, size of the model, augmentation).
    """

    name: ClassVar[str]
    """As the command line writes it."""
    headline: ClassVar[str]
    """The metric that one looks at first."""
    headline_is_better: ClassVar[Literal["higher", "lower"]] = "higher"
    """Which way the headline improves."""
    arguments_class: ClassVar[type[Any]]
    """Dataclass of `arguments`."""
    chooses: ClassVar[bool] = False
    """Whether arguments that are left open are chosen when the data are known; otherwise they have the usual values."""

    def __init__(self, arguments: TaskArguments | None = None) -> None:
        chosen: TaskArguments = self.arguments_class() if arguments is None else arguments
        #: What the user gave; `arguments` become complete.
        self.asked = chosen
        self.arguments: TaskArguments = begun(self.name, chosen, chooses=self.chooses)
        #: Checkpoint that the run starts from, which says how inputs are read; None: no run, or one from scratch.
        self.start: str | None = None

    @property
    def best_by(self) -> tuple[str, Literal["higher", "lower"]]:
        """The validation metric that the best weights are chosen by, and which way it improves."""
        return self.headline, self.headline_is_better

    def prepare(self, run: RunArguments) -> None:
        """Hear what the run is to be, before any data are opened."""
        self.start = run.start.start

    @abstractmethod
    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Open and divide the samples; `parts` of a trained model fix the classes."""

    def folds(self, splits: Splits, count: int, arguments: DataArguments) -> list[Splits]:
        """Divide the training and validation samples several times; none where they cannot be divided.

        Args:
            splits: what `load_data` gave.
            count: how many divisions; see TrainingArguments.
            arguments: of the data.
        """
        return []

    @abstractmethod
    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """Build an untrained model and its processor for these samples.

        Args:
            splits: the samples.
            start: configuration of the checkpoint that the run starts from; its sizes then go before the arguments'.
        """

    @abstractmethod
    def restore(self, folder: Path) -> Parts:
        """Load model and processor of a training run."""

    def advise(self, splits: Splits, run: RunArguments) -> Advice:
        """What is advised for these samples where the user left the loop or the optimiser open.

        A task may choose its own open arguments here too: the model is built, and the arguments are recorded, afterwards.

        Args:
            splits: the samples.
            run: what the user chose.
        """
        return Advice()

    def plan(self, splits: Splits) -> list[Any]:
        """What is printed before training: what the run understood of the data (texts, or what rich renders)."""
        return list(splits.notes)

    def plan_of_samples(self, splits: Splits) -> dict[str, str]:
        """What is printed of the samples before training, by heading: how many there are, and of what."""
        return {"samples": samples_in_words(splits)}

    def sees(self) -> list[str]:
        """What the model is given of a sample, in a few words an input; known once the model is built."""
        return []

    def finish(self, parts: Parts, measure: Callable[[], Mapping[str, Tensor]]) -> Parts:
        """Correct what is saved by what the final weights say of the validation samples, where that is wanted.

        Args:
            parts: as they were built.
            measure: gives what `step` measures of all validation samples; nothing where there are none.
        """
        return parts

    def begin_pass(self, epoch: int, epochs: int) -> None:
        """Hear that a pass over the training samples begins: `epoch`, from 0, of `epochs`; for what grows while training."""

    @property
    def varies(self) -> bool:
        """Whether `vary` may change a sample."""
        return True

    def vary(self, sample: Any, generator: np.random.Generator) -> Any:
        """Change one training sample at random; the sample itself if not wanted.

        Args:
            sample: what the data part holds.
            generator: the only source of chance. It depends on seed, epoch and sample, so that neither worker processes nor a
                resumed run change what is drawn.
        """
        return sample

    @abstractmethod
    def collate(self, processor: Any, samples: Sequence[Any]) -> Batch:
        """Turn samples into one batch of tensors, without chance."""

    def lesser(self, samples: Sequence[Any]) -> list[list[Any]]:
        """Batches of samples of which something is absent, or shorter, as of some that users ask about.

        Files of a model are proved with these as well: what never differs, or never lacks, they would take for fixed.

        Args:
            samples: a few; at least one.
        """
        return []

    def augment(self, batch: Batch) -> Batch:
        """Change a training batch at random (torch's generator, seeded at every step); the batch itself if not wanted."""
        return batch

    @abstractmethod
    def step(self, model: nn.Module, batch: Batch) -> Step:
        """Run the model once and compute loss and what the metrics need."""

    @abstractmethod
    def metrics(self, parts: Parts) -> NamedMetrics:
        """Fresh metrics, updated with `Step.measured` by argument name; only scalar ones go into tables."""

    def summarize(self, scores: Mapping[str, float]) -> dict[str, float]:
        """The scalar metrics of an evaluation, with what is made of several of them."""
        return dict(scores)

    def show_evaluation(self, parts: Parts, values: Mapping[str, Tensor], folder: Path) -> list[Path]:
        """Draw the metrics that are no scalars into `folder` and give the files written."""
        return []

    def stand_beside(self, parts: Parts, train: Any, asked: Any) -> dict[str, Any] | None:
        """Measure a simple method and a trivial answer on the samples `asked`: within seconds, for tasks without columns.

        Args:
            parts: the trained model's.
            train: the run's training part; a stream, which has no length, is no error.
            asked: the samples to measure on.

        Returns:
            `method`: title of the method; `trivial`: title of the trivial answer, such as "no motion", where it is not
            "majority"; by either title, measures by the task's names; `samples`: how many were measured; `asked_samples`:
            where that may be fewer, how many there are; `training_samples`: how many the methods were fitted to, where
            they learn. None where there is no such method, or nothing that it can read.

        Raises:
            MissingExtraError: the method needs a package that is not installed.
        """
        return None

    def show_model(self, parts: Parts, folder: Path) -> list[Path]:
        """Draw what the trained weights themselves say into `folder` and give the files written."""
        return []

    def save_for_export(self, parts: Parts, folder: Path) -> None:
        """Write what an exported model is asked with beside the run's own files; usually nothing."""

    @abstractmethod
    def predict(
        self, parts: Parts, inputs: Sequence[str], left_out: list[Unreadable] | None = None
    ) -> list[Prediction]:
        """Answer for each input (a file, a folder, or what else the task reads), in order.

        Args:
            parts: of a trained model.
            inputs: what is asked about.
            left_out: receives what cannot be read; None: the first such input is an error.

        Raises:
            DataError: an input cannot be read, and `left_out` is None.
        """

    def predicting(
        self, parts: Parts
    ) -> Callable[[Sequence[str], list[Unreadable] | None], list[Prediction]]:
        """`predict` of these parts, with what all calls share made once."""
        return partial(self.predict, parts)

    def answer_values(self, parts: Parts, values: Sequence[Any]) -> list[Prediction | DataError]:
        """Answer for values that Python has, in order: the answer of each, or the error that says why it cannot be read.

        A value that stands for several inputs, such as a folder, gives the answers of all, then the errors of the others.

        Args:
            parts: of a trained model.
            values: texts and paths, and what else the task reads.
        """
        predict = self.predicting(parts)
        found: list[Prediction | DataError] = []
        for number, value in enumerate(values, start=1):
            left_out: list[Unreadable] = []
            try:
                found += predict([text_or_path(value, number)], left_out)
            except DataError as error:
                found.append(error)
            found += (DataError(each.reason) for each in left_out)
        return found

    @abstractmethod
    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Draw what people look at into `folder` and give the files written."""
