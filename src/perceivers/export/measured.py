"""What rounding costs: the run's own measures on its test part, of a file and of the file it was rounded from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from perceivers.export.proof import as_arrays, difference
from perceivers.runtime.ports import flattened, taken
from perceivers.runtime.session import Session
from perceivers.tasks.answering import AnsweringTask
from perceivers.tasks.base import Parts, Task

# Samples at a time, and at most.
_BATCH, MOST_MEASURED = 16, 512
# Ends of the names of what is measured before and after rounding.
BEFORE, AFTER = "_before", "_after"


class FileModel:
    """A whole model's file, called as the model is.

    Args:
        session: of the file.
        model: whose configuration it has.
    """

    training = False

    def __init__(self, session: Session, model: Any) -> None:
        self._session = session
        self.config = model.config
        self.device = torch.device("cpu")
        self.said: list[dict[str, np.ndarray]] = []

    def __call__(self, **given: Any) -> Any:
        """See the model's `forward`."""
        outputs = self._session.run(as_arrays(flattened(given)))
        self.said.append(outputs)
        return _Output(taken("logits", {name: torch.from_numpy(value) for name, value in outputs.items()}))


@dataclass(frozen=True)
class _Output:
    logits: Any


@dataclass(frozen=True)
class Measured:
    """What a file says of the test part.

    Attributes:
        scores: the run's measures that are single numbers.
        said: outputs of every batch.
        samples: how many.
    """

    scores: Mapping[str, float]
    said: list[dict[str, np.ndarray]]
    samples: int

    def beside(self, other: Measured) -> dict[str, float]:
        """This one's measures, the other's, and the largest difference of any output, as a share of the largest."""
        off = max(difference(mine, its) for mine, its in zip(self.said, other.said, strict=True))
        return {
            "samples": float(self.samples),
            "largest_difference": off,
            **{f"{name}{BEFORE}": value for name, value in self.scores.items()},
            **{f"{name}{AFTER}": value for name, value in other.scores.items()},
        }


def measured(
    task: Task[Any],
    parts: Parts,
    samples: Any,
    session: Session,
    batches: Sequence[Mapping[str, Tensor]],
) -> Measured:
    """Run a file over samples and compute the task's measures; of tasks that ask a model in parts, outputs alone.

    Args:
        task: of the run.
        parts: its model, which is not asked, and its processor.
        samples: the test part.
        session: of a whole model's file.
        batches: what the model is given of some of them, by name.
    """
    if not isinstance(task, AnsweringTask):
        said = [session.run(as_arrays(batch)) for batch in batches]
        return Measured({}, said, sum(len(next(iter(batch.values()))) for batch in batches))
    model: Any = FileModel(session, parts.model)
    count = min(len(samples), MOST_MEASURED)
    metrics = task.metrics(parts)
    with torch.no_grad():
        for first in range(0, count, _BATCH):
            batch = task.collate(
                parts.processor, [samples[index] for index in range(first, min(first + _BATCH, count))]
            )
            metrics.update(**dict(task.step(model, batch).measured))
    computed = {name: torch.as_tensor(value) for name, value in metrics.compute().items()}
    scalars = {name: float(value) for name, value in computed.items() if value.ndim == 0}
    return Measured(task.summarize(scalars), model.said, count)
