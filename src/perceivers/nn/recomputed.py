"""Results that are cheap to compute are computed again for the gradient instead of being kept until then."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

# Says more than its stubs do; these names are in every release since 2.8, which `_pack_around` looks for.
_torch: Any = torch._C

# Values of arrays for which this takes more time than their memory is worth: on small models all of it is Python's.
_SMALL = 2**18


class recomputed:  # noqa: N801 - read as a verb: `with recomputed(norm, values) as normed:`
    """`function(values)`, which what is called inside the block keeps for its gradient as a way to compute it again.

    A linear map keeps what goes into it. Behind a norm or an activation that is one array more than the norm or the
    activation keeps itself. The results, and so all gradients, are the same to the last bit. Blocks may lie in each other.
    Everything is kept as usual where it is small, where no gradient is wanted, where a compiler chooses by itself what it
    computes twice, and where somebody else has a say in what is kept: gradient checkpointing, `save_on_cpu`, the transforms
    of `torch.func`.

    Args:
        function: gives the same each time, and keeps `values` for its own gradient; else this saves nothing.
        values: [..., channels].
    """

    def __init__(self, function: Callable[[Tensor], Tensor], values: Tensor) -> None:
        self._function, self._values = function, values
        self._packing: _Packing | None = None

    def __enter__(self) -> Tensor:
        result = self._function(self._values)
        if (
            torch.is_grad_enabled()
            and not torch.compiler.is_compiling()
            and result.numel() > _SMALL
            and _may_choose(result)
        ):
            self._packing = _Packing(result, _Recipe(self._function, self._values), _pack_around())
            self._hooks = saved_tensors_hooks(self._packing, _unpack)
            self._hooks.__enter__()
        return result

    def __exit__(self, *failure: object) -> None:
        if self._packing is not None:
            self._hooks.__exit__(*failure)
            self._packing.close()


class _Unchanged:
    """A tensor that must not be written to until it is read.

    Args:
        values: as they are now.
    """

    def __init__(self, values: Tensor) -> None:
        # Shares memory and the count of changes, and holds nothing of the graph.
        self._values, self._version = values.detach(), values._version

    def get(self) -> Tensor:
        """The tensor.

        Raises:
            RuntimeError: it was written to (torch looks itself only where it keeps tensors as usual).
        """
        if self._values._version != self._version:
            raise RuntimeError(
                "one of the variables needed for gradient computation has been modified by an inplace operation between "
                f"the forward and the backward pass: {list(self._values.shape)}"
            )
        return self._values


class _Recipe:
    """How a result comes about.

    Args:
        function: makes it.
        values: of what.
    """

    def __init__(self, function: Callable[[Tensor], Tensor], values: Tensor) -> None:
        self._function, self._values = function, _Unchanged(values)
        parameters = function.parameters() if isinstance(function, nn.Module) else ()
        self._parameters = [_Unchanged(parameter) for parameter in parameters]
        self._precision = _autocast_as_now(values.device.type)

    def follow(self) -> Tensor:
        """The result, as it was."""
        for parameter in self._parameters:
            parameter.get()
        with torch.no_grad(), self._precision:
            return self._function(self._values.get())


class _Part:
    """A part of a result: which view of its memory.

    Args:
        recipe: of the result.
        part: as it is now.
    """

    def __init__(self, recipe: _Recipe, part: Tensor) -> None:
        self._recipe = recipe
        self._view = (part.size(), part.stride(), part.storage_offset())

    def get(self) -> Tensor:
        """The part, computed again."""
        return self._recipe.follow().as_strided(*self._view)


class _Packing:
    """How tensors are kept inside a block.

    Args:
        result: not kept.
        recipe: kept in its place.
        around: how they are kept inside the block around this one.
    """

    def __init__(self, result: Tensor, recipe: _Recipe, around: _Packing | None) -> None:
        self._result: Tensor | None = result
        self._recipe, self._around = recipe, around

    def __call__(self, kept: Tensor) -> _Unchanged | _Part:
        """What is kept of a tensor."""
        if self._result is not None and kept.dtype == self._result.dtype and _share(kept, self._result):
            return _Part(self._recipe, kept)
        return _Unchanged(kept) if self._around is None else self._around(kept)

    def close(self) -> None:
        """Let go of the result: the graph keeps this object for as long as it lives."""
        self._result = None


def _autocast_as_now(device_type: str) -> AbstractContextManager[Any]:
    if not torch.amp.is_autocast_available(device_type):
        return nullcontext()
    enabled, dtype = torch.is_autocast_enabled(device_type), torch.get_autocast_dtype(device_type)
    return torch.autocast(device_type, dtype=dtype, enabled=enabled)


def _unpack(kept: _Unchanged | _Part) -> Tensor:
    return kept.get()


def _share(one: Tensor, other: Tensor) -> bool:
    """Whether both are views of the same memory."""
    return bool(_torch._is_alias_of(one, other))


def _pack_around() -> Any:
    """How tensors are kept now; None where as usual. Before 2.8 torch does not tell."""
    hooks = getattr(_torch._autograd, "_top_saved_tensors_default_hooks", lambda _: ("unknown", None))(True)
    return None if hooks is None else hooks[0]


def _may_choose(result: Tensor) -> bool:
    """Whether there is an array to leave out, and nobody else says how arrays are kept."""
    around = _pack_around()
    return (
        (around is None or isinstance(around, _Packing))
        and _torch._autograd._saved_tensors_hooks_is_enabled()
        and not _torch._are_functorch_transforms_active()
        and result.is_contiguous()
    )
