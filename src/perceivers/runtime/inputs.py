"""Inputs of runs that answer no columns (texts with gaps, frames, films, prompts), answered as by `perceivers predict`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from perceivers.errors import ConfigurationError
from perceivers.runtime.model import RuntimeModel

if TYPE_CHECKING:
    from perceivers.tasks.base import Prediction, Unreadable


@dataclass(frozen=True)
class InputPredictor:
    """What `answer_with` asks of such a run, see `perceivers.predictor.Predictor`.

    Args:
        task: name of the task.
        answers: see `perceivers.tasks.registry.TaskEntry.exported`.
        arguments: of the task, as the run had them.
        model: the run's files.
    """

    task: str
    answers: Callable[..., list[Prediction]]
    arguments: Any
    model: RuntimeModel

    def predictions(
        self, inputs: Sequence[str], left_out: list[Unreadable] | None = None
    ) -> list[Prediction]:
        """Answer for files, folders, tables and texts, as the command line names them."""
        return self.answers(self.model, self.arguments, inputs, left_out)

    def predictions_of_values(self, values: Any, left_out: list[Unreadable] | None = None) -> NoReturn:
        """Refuse what is neither a path nor a text."""
        kinds = ", ".join(dict.fromkeys(type(each).__name__ for each in values))
        raise ConfigurationError(f"`inputs` of {self.task} must be paths or texts, received {kinds}")
