"""What a task tells the loop: its data, its model, one forward pass, its metrics, how a prediction is shown."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from torch import Tensor, nn

from perceivers.arguments import DataArguments
from perceivers.data.splits import Splits

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

    from perceivers.models.base import PerceiverPreTrainedModel

TaskArguments = TypeVar("TaskArguments")
Batch = dict[str, Tensor]


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
    """

    model: PerceiverPreTrainedModel
    processor: Any


@dataclass(frozen=True)
class Prediction:
    """One input's answer.

    Args:
        source: file the input came from.
        values: what is written to the tables, by column.
        shown: what only the picture needs.
    """

    source: str
    values: Mapping[str, Any]
    shown: Mapping[str, Any]


class Task(ABC, Generic[TaskArguments]):
    """One job that a Perceiver is trained for. The loop knows nothing else of it.

    Args:
        arguments: the task's own choices (size of the model, augmentation).
    """

    name: ClassVar[str]
    """As the command line writes it."""
    headline: ClassVar[str]
    """The metric that one looks at first."""
    arguments_class: ClassVar[type[Any]]
    """Dataclass of `arguments`."""

    def __init__(self, arguments: TaskArguments | None = None) -> None:
        self.arguments: TaskArguments = self.arguments_class() if arguments is None else arguments

    @abstractmethod
    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Load and divide the samples; `parts` of a trained model fix the classes."""

    @abstractmethod
    def build(self, splits: Splits) -> Parts:
        """Build an untrained model and its processor for these samples."""

    @abstractmethod
    def restore(self, folder: Path) -> Parts:
        """Load model and processor of a training run."""

    @abstractmethod
    def collate(self, processor: Any, samples: Sequence[Any]) -> Batch:
        """Turn samples into one batch of tensors."""

    @abstractmethod
    def augment(self, batch: Batch) -> Batch:
        """Vary a training batch at random (torch's generator, on the batch's device); the batch itself if not wanted."""

    @abstractmethod
    def step(self, model: nn.Module, batch: Batch) -> Step:
        """Run the model once and compute loss and what the metrics need."""

    @abstractmethod
    def metrics(self, parts: Parts) -> MetricCollection:
        """Fresh metrics, updated with `Step.measured` by argument name."""

    @abstractmethod
    def predict(self, parts: Parts, inputs: Sequence[Path]) -> list[Prediction]:
        """Answer for each input file, in order."""

    @abstractmethod
    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Draw what people look at into `folder` and give the files written."""
