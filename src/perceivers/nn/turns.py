"""Steps that follow one another: a loop here, and a loop of the graph in a file, where copies of a step would fill it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

#: What is carried, and what a step is told, to what is carried on, and what the step gives.
Step = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def is_traced() -> bool:
    """Whether a graph is being captured that is to run elsewhere: nothing may be decided by the data then."""
    asked = getattr(torch.compiler, "is_exporting", torch.compiler.is_compiling)
    return bool(asked())


def in_turn(step: Step, start: Tensor, told: Tensor) -> Tensor:
    """Take the steps one after the other; what each gave.

    Args:
        step: changes nothing in its place.
        start: what the first step is carried.
        told: for each step what it is told, [num_steps, ...].

    Returns:
        [num_steps, ...].
    """
    if is_traced():
        from torch._higher_order_ops.scan import scan

        _, given = scan(step, start, told)
        taken: Tensor = given
        return taken
    carried, parts = start, []
    for each in told:
        carried, part = step(carried, each)
        parts.append(part)
    return torch.stack(parts)
