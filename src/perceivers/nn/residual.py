"""A residual is added in place where nobody else can hold what it is added to."""

from __future__ import annotations

import torch
from torch import Tensor


def add_residual(result: Tensor, residual: Tensor, in_place: bool) -> Tensor:
    """`residual + result`, both [..., channels].

    A third array would stand between arrays that are kept for the gradient, and leave a hole when it is given back, which
    the C library seldom fills again.

    Args:
        result: of a map.
        residual: what it was made of.
        in_place: `result` was just made, and nobody else has seen it: the sum may take its memory.
    """
    if (
        in_place
        and result.shape == residual.shape
        and result.dtype == residual.dtype
        and not torch.compiler.is_compiling()
        and not torch._C._are_functorch_transforms_active()
    ):
        return result.add_(residual)
    return residual + result
