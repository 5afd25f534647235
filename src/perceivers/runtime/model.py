"""An exported file, called as a model is: arrays by argument and modality in, scores by answer out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perceivers.runtime.ports import flattened, taken
from perceivers.runtime.session import Session


@dataclass(frozen=True)
class Scores:
    """What a model says.

    Args:
        logits: an array, or arrays by answer.
    """

    logits: Any


@dataclass(frozen=True)
class RuntimeModel:
    """A whole model's file.

    Args:
        session: of `model.onnx`.

    Attributes:
        reads_arrays: True: tasks give it arrays, and draw nothing.
    """

    session: Session
    reads_arrays: bool = True

    def prepare(self) -> RuntimeModel:
        """This object: the file holds the fast form already."""
        return self

    def __call__(self, **given: Any) -> Scores:
        """See a model's `forward`: `inputs`, `attention_mask`, `pos`."""
        return Scores(taken("logits", self.session.run(flattened(given))))
