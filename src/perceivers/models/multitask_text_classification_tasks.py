"""What `config.tasks` says, checked, and the head that reads the answer to a task's query."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from perceivers.configuration_rules import require_count
from perceivers.errors import ConfigurationError

_KEYS = ("id2label", "num_labels", "problem_type")
_PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")


@dataclass(frozen=True)
class TextTask:
    """One task of a text.

    Attributes:
        id2label: class id -> name, or target -> name.
        problem_type: see `perceivers.models.losses.classification_loss`.
    """

    id2label: Mapping[int, str]
    problem_type: str | None = None

    @property
    def num_labels(self) -> int:
        """Number of classes, or of regression targets."""
        return len(self.id2label)

    @property
    def takes_class_ids(self) -> bool:
        """Whether a label that is one number is the number of a class."""
        return self.problem_type == "single_label_classification" or (
            self.problem_type is None and self.num_labels > 1
        )


def read_task(name: str, description: Mapping[str, Any]) -> TextTask:
    """A task from its entry in `config.tasks`.

    Args:
        name: for messages.
        description: "num_labels" or "id2label", and perhaps "problem_type".
    """
    place = f"`tasks[{name!r}]`"
    if unknown := sorted(set(description) - set(_KEYS)):
        raise ConfigurationError(f"{place} must have keys among {list(_KEYS)}, received {unknown}")
    kind = description.get("problem_type")
    if kind is not None and kind not in _PROBLEM_TYPES:
        raise ConfigurationError(f"{place} must have a problem_type of {_PROBLEM_TYPES}, received {kind!r}")
    names, count = description.get("id2label"), description.get("num_labels")
    if names is None:
        require_count(f"tasks[{name!r}]['num_labels']", count)
        return TextTask({index: f"LABEL_{index}" for index in range(count or 0)}, kind)
    # Keys of JSON objects are texts.
    by_id = {int(index): str(label) for index, label in dict(names).items()}
    if sorted(by_id) != list(range(len(by_id))) or not by_id or count not in (None, len(by_id)):
        raise ConfigurationError(
            f"{place} must have an id2label with names for 0, 1, 2, ... (and as many num_labels, if any), "
            f"received {names} and {count}"
        )
    return TextTask({index: by_id[index] for index in sorted(by_id)}, kind)


class TaskHead(nn.Module):
    """Scores of one task: tanh layers, then a linear one (the paper has two tanh layers for GLUE).

    Args:
        num_channels: channels of an answer, and of the tanh layers.
        num_outputs: number of scores.
        num_layers: number of tanh layers.
    """

    def __init__(self, num_channels: int, num_outputs: int, num_layers: int) -> None:
        super().__init__()
        self.hidden = nn.ModuleList(nn.Linear(num_channels, num_channels) for _ in range(num_layers))
        self.classifier = nn.Linear(num_channels, num_outputs)

    def forward(self, answers: Tensor) -> Tensor:
        """[rows, num_channels] to [rows, num_outputs]."""
        for layer in self.hidden:
            answers = layer(answers).tanh()
        return self.classifier(answers)
