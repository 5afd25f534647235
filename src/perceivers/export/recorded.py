"""What a task gives its model of real samples: heard by running the task's own step, so that no task need say it twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from perceivers.errors import DataError
from perceivers.models.optical_flow import PerceiverForOpticalFlow
from perceivers.runtime.ports import MASK, ROLES, flattened
from perceivers.tasks.base import Parts, Task

# Other names of a model's first argument.
_ALIASES = ("input_ids", "pixel_values")
# Samples that files are proved with.
MOST_SAMPLES = 16
# Of the batch that a model is traced with: a graph takes an axis of one for a constant.
TRACED_BATCH = 3


class Listener:
    """Stands for a model and notes what it is given.

    Args:
        model: whose calls are answered by itself.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self.heard: list[dict[str, Any]] = []

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """The model's `forward`."""
        self._note(type(self._model).forward, inputs, options)
        return self._model(*inputs, **options)

    def __getattr__(self, name: str) -> Any:
        answer = getattr(self._model, name)
        if name not in ("encode", "reconstruct"):
            return answer

        def noted(*inputs: Any, **options: Any) -> Any:
            self._note(getattr(type(self._model), name), inputs, options)
            return answer(*inputs, **options)

        return noted

    def _note(self, method: Any, inputs: Sequence[Any], options: Mapping[str, Any]) -> None:
        given = dict(signature(method).bind_partial(self._model, *inputs, **options).arguments)
        given |= given.pop("others", {}) | given.pop("options", {})
        first = next((given[name] for name in _ALIASES if given.get(name) is not None), None)
        heard = {name: given[name] for name in ROLES if given.get(name) is not None}
        if first is not None:
            heard.setdefault("inputs", first)
        self.heard.append(heard)


def inputs_of(task: Task[Any], parts: Parts, samples: Any) -> list[dict[str, Tensor]]:
    """What the model is given of some samples, by name, in batches of several sizes; the first is the one to trace with.

    Args:
        task: of the run.
        parts: its model, plain, and its processor.
        samples: of any part of the data; at least one.

    Raises:
        DataError: there is no sample.
    """
    count = min(len(samples), MOST_SAMPLES)
    if not count:
        raise DataError("`data` must hold a sample that the files are proved with, received none")
    chosen = [samples[index * len(samples) // count] for index in range(count)]
    if len(chosen) < TRACED_BATCH:
        chosen = [chosen[index % len(chosen)] for index in range(TRACED_BATCH)]
    batches = [
        chosen[:TRACED_BATCH],
        chosen[:1],
        chosen[-2:],
        *_batches(chosen),
        *task.lesser(chosen[:TRACED_BATCH]),
    ]
    listener = Listener(parts.model)
    model: Any = listener
    task_batches = [task.collate(parts.processor, batch) for batch in batches]
    with torch.no_grad():
        for batch in task_batches:
            task.step(model, batch)
    heard = [_one_grid(parts.model, each) for each in listener.heard]
    return _alike([flattened(each) for each in heard])


def _batches(chosen: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for first in range(0, len(chosen), 4):
        yield chosen[first : first + 4]


def _alike(batches: Sequence[dict[str, Tensor]]) -> list[dict[str, Tensor]]:
    """The batches that have all inputs of any, in one order; a mask that one lacks hides nothing in it."""
    examples: dict[str, tuple[Tensor, Tensor]] = {}
    names = list(dict.fromkeys(name for batch in batches for name in batch))
    for batch in batches:
        for name in names:
            if name.startswith(MASK) and name in batch:
                examples.setdefault(name, (batch[name], batch[_masked(name)]))
    found = []
    for batch in batches:
        complete = dict(batch)
        for name, (mask, values) in examples.items():
            if name not in complete:
                complete[name] = _open_mask(mask, values, complete[_masked(name)])
        if all(name in complete for name in names):
            found.append({name: complete[name] for name in names})
    return found or [dict(batches[0])]


def _open_mask(mask: Tensor, values: Tensor, own: Tensor) -> Tensor:
    """A mask of ones for `own`, as `mask` is one for `values`."""
    if mask.ndim == 1:
        return torch.ones(len(own), dtype=torch.bool)
    axis = next((axis for axis in range(1, values.ndim) if values.shape[axis] == mask.shape[1]), None)
    return torch.ones(len(own), mask.shape[1] if axis is None else own.shape[axis], dtype=torch.bool)


def _masked(name: str) -> str:
    return name.replace(MASK, "inputs", 1)


def _one_grid(model: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Frames cut to the grid of a model that takes larger ones in tiles: a file takes one."""
    if not isinstance(model, PerceiverForOpticalFlow):
        return given
    height, width = model.config.train_size
    return {"inputs": given["inputs"][..., :height, :width]}
