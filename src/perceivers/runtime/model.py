"""An exported model, called as a model is: arrays by argument and modality in, scores by answer out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perceivers.records import read_json
from perceivers.runtime.ports import INPUTS, MASK, flattened, taken
from perceivers.runtime.session import Session
from perceivers.runtime.steps import STEP, SteppedFile

if TYPE_CHECKING:
    from perceivers.configuration import PerceiverConfig


@dataclass(frozen=True)
class Scores:
    """What a model says.

    Args:
        logits: an array, or arrays by answer.
    """

    logits: Any


@dataclass(frozen=True)
class RuntimeModel:
    """The files of a model.

    Args:
        session: of `model.onnx`; `encoder.onnx` and `decoder.onnx` lie beside it where outputs are asked for in parts.
        reads_arrays: True: tasks give it arrays, and draw nothing.
    """

    session: Session
    reads_arrays: bool = True

    @property
    def folder(self) -> Path:
        """Where the files are, and what inputs are read with."""
        return self.session.path.parent

    @cached_property
    def config(self) -> PerceiverConfig:
        """The model's configuration, but for the type of its weights, which is one of torch's."""
        from perceivers.configuration import CONFIG_NAME, PerceiverConfig

        values = read_json(self.folder / CONFIG_NAME)
        return PerceiverConfig.from_dict({name: each for name, each in values.items() if name != "dtype"})

    @cached_property
    def encoder(self) -> Session:
        """`encoder.onnx`: inputs to latents."""
        return Session(self.folder / "encoder.onnx")

    @cached_property
    def decoder(self) -> Session:
        """`decoder.onnx`: what the encoder gives, and the points that are asked for, to their outputs."""
        return Session(self.folder / "decoder.onnx")

    def stepped(self) -> SteppedFile:
        """`step.onnx`, of models that write on; with nothing kept yet."""
        return SteppedFile(self._step)

    @cached_property
    def _step(self) -> Session:
        return Session(self.folder / f"{STEP}.onnx")

    def prepare(self) -> RuntimeModel:
        """This object: the file holds the fast form already."""
        return self

    def __call__(self, *, positions: Any = None, **given: Any) -> Scores:
        """See a model's `forward`: `inputs`, `attention_mask`, `pos`; of a model that is asked in parts, `positions`."""
        arrays = flattened(given)
        if positions is None:
            return Scores(taken("logits", self.session.run(_fitted(self.session, arrays))))
        encoded = self.encoder.run(_fitted(self.encoder, arrays))
        return Scores(taken("logits", self.decoder.run({**encoded, "points": positions})))

    def reconstruct(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Every input again, by modality; of a model that makes its inputs again."""
        outputs = self.session.run(flattened({"inputs": inputs}))
        found: dict[str, np.ndarray] = taken("output", outputs)
        return found


def _fitted(session: Session, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays without masks that hide nothing and that the file does not take; what is hidden as a whole at its size.

    Readers give a modality that no sample of a batch has as little as they can, which a model in torch takes.
    """
    found = {}
    for name, array in arrays.items():
        if name not in session.inputs and name.startswith(MASK) and np.all(array):
            continue
        mask = arrays.get(name.replace(INPUTS, MASK, 1)) if name.startswith(INPUTS) else None
        mask = array if name.startswith(MASK) else mask
        found[name] = array if mask is None or np.any(mask) else _at_size(session, name, array)
    return found


def _at_size(session: Session, name: str, array: np.ndarray) -> np.ndarray:
    """Zeros where an array is smaller than the file wants it, of its own sizes where these are free."""
    if name not in session.inputs:
        return array
    expected = session.inputs[name][1]
    if len(expected) != array.ndim:
        return array
    sizes = [
        actual if isinstance(size, str) else size for size, actual in zip(expected, array.shape, strict=True)
    ]
    return array if sizes == list(array.shape) else np.zeros(sizes, array.dtype)
