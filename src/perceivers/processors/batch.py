"""What a processor gives: a mapping of named arrays that are also attributes."""

from __future__ import annotations

from collections import UserDict
from typing import Any

import torch


class ProcessedBatch(UserDict[str, Any]):
    """Named arrays of one batch: `batch["audio"]` is `batch.audio`, and `model(**batch)` works."""

    def __getattr__(self, name: str) -> Any:
        """Give the array of that name.

        Raises:
            AttributeError: there is none.
        """
        if name != "data" and name in self.data:
            return self.data[name]
        raise AttributeError(f"the batch has no `{name}`")

    def to(
        self,
        *targets: torch.device | torch.dtype | str | int,
        device: torch.device | str | int | None = None,
        dtype: torch.dtype | None = None,
        non_blocking: bool = False,
    ) -> ProcessedBatch:
        """Move every tensor, in place; a dtype changes floating-point tensors only.

        Args:
            targets: a device, a dtype, or both, as `torch.Tensor.to` takes them.
            device: where to.
            dtype: which floating-point dtype to.
            non_blocking: as in `torch.Tensor.to`.
        """
        for target in targets:
            if isinstance(target, torch.dtype):
                dtype = target
            else:
                device = target
        for name, values in self.data.items():
            self.data[name] = _moved(values, device, dtype, non_blocking)
        return self


def _moved(
    values: Any, device: torch.device | str | int | None, dtype: torch.dtype | None, non_blocking: bool
) -> Any:
    """The same values elsewhere; lists are gone through, whatever is no tensor stays as it is."""
    if isinstance(values, list):
        return [_moved(value, device, dtype, non_blocking) for value in values]
    if not isinstance(values, torch.Tensor):
        return values
    return values.to(
        device=device, dtype=dtype if values.is_floating_point() else None, non_blocking=non_blocking
    )
