"""What the tokenizer gives: a mapping of lists or tensors that are also attributes."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from perceivers.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    import torch

TENSOR_TYPES = ("pt", "np")


class BatchEncoding(UserDict[str, Any]):
    """Named results of a tokenizer: `encoding["input_ids"]` is `encoding.input_ids`, and `model(**encoding)` works.

    Args:
        data: the results.
        tensor_type: converts them, see convert_to_tensors.
        prepend_batch_axis: see convert_to_tensors.
    """

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        tensor_type: str | None = None,
        prepend_batch_axis: bool = False,
    ) -> None:
        super().__init__(data)
        self.convert_to_tensors(tensor_type, prepend_batch_axis)

    is_fast = False

    def __getattr__(self, name: str) -> Any:
        """Give the result of that name.

        Raises:
            AttributeError: there is none.
        """
        if name != "data" and name in self.data:
            return self.data[name]
        raise AttributeError(f"the encoding has no `{name}`")

    def __getitem__(self, key: Any) -> Any:
        """Give one result by its name, or all results cut to a slice of rows."""
        if isinstance(key, str):
            return self.data[key]
        if isinstance(key, slice):
            return {name: values[key] for name, values in self.data.items()}
        raise KeyError(f"an encoding is asked by name or by slice, received {key!r}")

    def to(self, device: str | int | torch.device, *, non_blocking: bool = False) -> BatchEncoding:
        """Move every tensor, in place; results that are no tensors stay as they are.

        Args:
            device: where to.
            non_blocking: as in `torch.Tensor.to`.

        Raises:
            ConfigurationError: a dtype was given; ids have none but int64.
        """
        import torch

        if not isinstance(device, str | int | torch.device):
            raise ConfigurationError(f"`device` must be a device or its name, received {device!r}")
        for name, values in self.data.items():
            if isinstance(values, torch.Tensor):
                self.data[name] = values.to(device=device, non_blocking=non_blocking)
        return self

    def convert_to_tensors(
        self, tensor_type: str | None = None, prepend_batch_axis: bool = False
    ) -> BatchEncoding:
        """Turn the results into tensors, in place.

        Args:
            tensor_type: "pt" for PyTorch, "np" for NumPy, None for no change.
            prepend_batch_axis: adds the axis of a batch of one.

        Raises:
            ConfigurationError: an unknown `tensor_type`.
            DataError: the rows have different lengths, so no tensor can hold them.
        """
        kind = require_tensor_type(tensor_type)
        if kind is None:
            return self
        for name, values in self.data.items():
            self.data[name] = _as_tensor(name, [values] if prepend_batch_axis else values, kind)
        return self


def require_tensor_type(tensor_type: object) -> str | None:
    """The name of a tensor type, as callers write it.

    Raises:
        ConfigurationError: an unknown one.
    """
    name = getattr(tensor_type, "value", tensor_type)
    if name is not None and name not in TENSOR_TYPES:
        raise ConfigurationError(f"`return_tensors` must be 'pt', 'np' or None, received {tensor_type!r}")
    return name


def _as_tensor(name: str, values: Any, kind: str) -> Any:
    if kind == "np":
        return values if isinstance(values, np.ndarray) else _as_array(values)
    # Not needed, and seconds to import, for those who ask for arrays.
    import torch

    if isinstance(values, torch.Tensor):
        return values
    array = values if isinstance(values, np.ndarray) else _as_array(values)
    if array.dtype == object:
        raise DataError(
            f"`{name}` holds rows of different lengths, which no tensor can hold: give `padding=True`, "
            "`truncation=True`, or both"
        )
    return torch.from_numpy(array)


def _as_array(values: Any) -> np.ndarray[Any, Any]:
    rows = [_integers_if_empty(row) for row in values] if isinstance(values, list | tuple) else []
    if len({row.shape for row in rows}) > 1:
        ragged = np.empty(len(rows), dtype=object)
        ragged[:] = rows
        return ragged
    return _integers_if_empty(values)


def _integers_if_empty(values: Any) -> np.ndarray[Any, Any]:
    """The values as an array; NumPy takes an empty list for floats, here it is a row without ids."""
    array = np.asarray(values)
    return array if array.size else array.astype(np.int64)
