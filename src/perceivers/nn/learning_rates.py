"""Modules whose own parameters learn faster or slower than the others."""

from __future__ import annotations

from torch import nn

_MARK = "learning_rate_factor"


def learn_at(module: nn.Module, factor: float) -> None:
    """Mark a module whose own parameters learn at `factor` times the run's learning rate."""
    # setattr, because nn.Module's own annotations admit parameters and modules only.
    setattr(module, _MARK, factor)


def learning_rate_factors(root: nn.Module) -> dict[int, float]:
    """`id` of a parameter -> its factor, for all parameters of modules that are marked."""
    return {
        id(parameter): float(getattr(module, _MARK))
        for module in root.modules()
        if hasattr(module, _MARK)
        for parameter in module.parameters(recurse=False)
    }
