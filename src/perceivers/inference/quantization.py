"""Linear layers with 8-bit weights and inputs, for processors: faster, and not equal."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from perceivers.errors import ConfigurationError
from perceivers.nn.activations import Activation, identity
from perceivers.nn.token_structure import AffineMap

_LARGEST = 127


class Int8Linear(nn.Module):
    """activation(W x + b) with W and x rounded to whole numbers in [-127, 127].

    Each row of W has its own scale, max |w| / 127, fixed; each row of x its own, max |x| / 127, taken as it comes
    (symmetric, "dynamic" quantisation). The products are summed exactly, in 32-bit whole numbers:
    y[i, o] = (sum over c of xq[i, c] wq[o, c]) scale_x[i] scale_w[o] + b[o].

    Args:
        linear: the layer, or the map, to be rounded; its weight must be float32 on the processor.
        activation: applied to the outputs.
    """

    weight: Tensor
    scale: Tensor
    bias: Tensor

    def __init__(self, linear: nn.Linear | AffineMap, activation: Activation = identity) -> None:
        super().__init__()
        weight = linear.weight.detach()
        if weight.device.type != "cpu" or weight.dtype != torch.float32:
            raise ConfigurationError(
                f'`quantize="int8"` needs float32 weights on the processor, received {weight.dtype} on {weight.device}'
            )
        rounded, scale = round_rows(weight)
        self.register_buffer("weight", rounded)
        self.register_buffer("scale", scale[:, 0])
        bias = torch.zeros_like(self.scale) if linear.bias is None else linear.bias.detach().clone()
        self.register_buffer("bias", bias)
        self._activation = activation

    def forward(self, inputs: Tensor, added: Tensor | None = None) -> Tensor:
        """[..., in_channels] to [..., out_channels], float32; `added` is added to the outputs where it is given."""
        rounded, scale = round_rows(inputs.reshape(-1, inputs.shape[-1]))
        sums = torch._int_mm(rounded, self.weight.T)
        outputs = torch.addcmul(self.bias, sums.to(inputs.dtype).mul_(scale), self.scale)
        outputs = outputs.view(*inputs.shape[:-1], -1)
        return self._activation(outputs) if added is None else outputs.add_(added)


def round_rows(values: Tensor) -> tuple[Tensor, Tensor]:
    """Rows [num_rows, channels] as int8 and their scales [num_rows, 1]: `values` is about their product."""
    scale = torch.linalg.vector_norm(values, torch.inf, dim=1, keepdim=True).div_(_LARGEST)
    # A row of zeros has scale zero; its quotients are made zero instead of NaN.
    quotients = values / scale.clamp(min=torch.finfo(values.dtype).tiny)
    return quotients.round_().to(torch.int8), scale


def replace_linears(module: nn.Module, make: Callable[[nn.Linear], nn.Module]) -> None:
    """Replace every linear layer inside `module` by what `make` makes of it, in place."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, make(child))
        else:
            replace_linears(child, make)
