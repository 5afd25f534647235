"""Linear layers whose products are taken in bfloat16, for processors that have these: faster, and not equal."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from perceivers.errors import ConfigurationError
from perceivers.inference.packed_map import PackedMap, packing_works
from perceivers.nn.activations import Activation, identity
from perceivers.nn.token_structure import AffineMap

HALF = torch.bfloat16


class HalfLinear(nn.Module):
    """activation(W x + b) with W, x and the outputs rounded to bfloat16, and sums in float32.

    Args:
        linear: the layer, or the map; its weight must be float32 on the processor.
        activation: applied to the outputs.

    Raises:
        ConfigurationError: the weight is another one, or the processor has no products of bfloat16.
    """

    def __init__(self, linear: nn.Linear | AffineMap, activation: Activation = identity) -> None:
        super().__init__()
        weight = linear.weight.detach()
        if weight.device.type != "cpu" or weight.dtype != torch.float32:
            raise ConfigurationError(
                f'`dtype="bfloat16"` needs float32 weights on the processor, received {weight.dtype} on {weight.device}; '
                "elsewhere, prepare a model that is bfloat16 itself: `model.to(torch.bfloat16).prepare()`"
            )
        bias = None if linear.bias is None else linear.bias.detach().to(HALF)
        self._map = PackedMap(AffineMap(weight.to(HALF), bias), activation, HALF)

    def forward(self, inputs: Tensor, added: Tensor | None = None) -> Tensor:
        """[..., in_channels] to [..., out_channels], in the type of `inputs`; with `added` added, in the type of that."""
        outputs = self._map(inputs.to(HALF))
        return outputs.to(inputs.dtype) if added is None else added + outputs


@cache
def missing_products() -> str | None:
    """Why this processor should not take products of bfloat16; None where it has instructions for them.

    Without such instructions they are put together from float32 ones, and slower than these.
    """
    if not packing_works():
        return "this build of torch has no oneDNN kernels for packed weights"
    if not _has_instructions():
        return "this processor has neither AVX512-BF16 nor AMX, and would be slower than in float32"
    inputs, weight = torch.linspace(-1, 1, 3 * 32).view(3, 32), torch.linspace(-1, 1, 16 * 32).view(16, 32)
    try:
        received = HalfLinear(AffineMap(weight))(inputs)
    except (RuntimeError, NotImplementedError) as error:
        return f"this build of torch cannot: {error}"
    is_near = torch.allclose(received, F.linear(inputs, weight), atol=0.1)
    return None if is_near else "this build of torch gives wrong products"


def _has_instructions() -> bool:
    asked = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile"))
    return any(ask is not None and ask() for ask in asked)


def require_products() -> None:
    """Raise ConfigurationError where the processor has no products of bfloat16."""
    missing = missing_products()
    if missing is not None:
        raise ConfigurationError(
            f'`dtype` must be None, received "bfloat16": {missing}; `quantize="int8"` may help'
        )
