"""A residual is added in place where nobody else can hold what it is added to."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from perceivers.nn.bare import is_bare

# Values of arrays for which looking at the makers takes longer than an array.
_SMALL = 2**18


def add_residual(result: Tensor, residual: Tensor, makers: Mapping[nn.Module, type[nn.Module]]) -> Tensor:
    """`residual + result`, both [..., channels].

    A third array would stand between arrays that are kept for the gradient, and leave a hole when it is given back, which
    the C library seldom fills again.

    Args:
        result: of a map.
        residual: what it was made of.
        makers: the modules that `result` came out of, and the classes that make an array of their own. Where nobody has put
            anything around them, nobody has seen it, and the sum takes its memory.
    """
    if (
        # First, because sizes may be unknown there.
        not torch.compiler.is_compiling()
        and result.numel() > _SMALL
        and result.shape == residual.shape
        and result.dtype == residual.dtype
        and not torch._C._are_functorch_transforms_active()
        and all(is_bare(module, kind) for module, kind in makers.items())
    ):
        return result.add_(residual)
    return residual + result
