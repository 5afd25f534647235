"""Whether a module does its own arithmetic and nothing else, so that a shorter way to the same result goes unnoticed."""

from __future__ import annotations

from torch import nn
from torch.nn.modules import module as hooks_of_all


def is_bare(module: nn.Module, kind: type[nn.Module]) -> bool:
    """Whether a module is of this class itself, with no adapter, parametrisation or hook.

    Args:
        module: any.
        kind: its class; one that inherits from it may do something else.
    """
    hooks = (
        module._forward_hooks,
        module._forward_pre_hooks,
        module._backward_hooks,
        module._backward_pre_hooks,
        hooks_of_all._global_forward_hooks,
        hooks_of_all._global_forward_pre_hooks,
        hooks_of_all._global_backward_hooks,
        hooks_of_all._global_backward_pre_hooks,
    )
    return type(module) is kind and not any(hooks)
