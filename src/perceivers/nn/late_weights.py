"""Weights that stay in their file until a layer is wanted: a model larger than its fast form need never be there whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor, nn

_LATE = "_late_weights"
_part: ContextVar[str | None] = ContextVar("late_part", default=None)


@contextmanager
def left_in_file(part: str) -> Iterator[None]:
    """Of checkpoints that are loaded inside, parameters with `part` in their keys stay in the file."""
    before = _part.set(part)
    try:
        yield
    finally:
        _part.reset(before)


def is_late(key: str) -> bool:
    """Whether a parameter is to stay in the file."""
    part = _part.get()
    return part is not None and part in key


def leave(module: nn.Module, name: str, read: Callable[[], Tensor]) -> None:
    """Leave a parameter of `module`, on the meta device, to be read by `arrive`.

    Args:
        module: that has the parameter itself.
        name: of the parameter.
        read: gives its values, in the type and on the device that they are wanted.
    """
    vars(module).setdefault(_LATE, {})[name] = read


def arrive(module: nn.Module) -> None:
    """Read what was left of a module and of those inside it; nothing happens where nothing was."""
    for each in module.modules():
        for name, read in vars(each).pop(_LATE, {}).items():
            old: nn.Parameter = getattr(each, name)
            setattr(each, name, nn.Parameter(read(), requires_grad=old.requires_grad))
