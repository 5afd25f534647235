"""Linear layers with 8-bit weights and inputs, for processors: faster, and not equal."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from perceivers.errors import ConfigurationError

_LARGEST = 127


class Int8Linear(nn.Module):
    """y = W x + b with W and x rounded to whole numbers in [-127, 127].

    Each row of W has its own scale, max |w| / 127, fixed; each row of x its own, max |x| / 127, taken as it comes
    (symmetric, "dynamic" quantisation). The products are summed exactly, in 32-bit whole numbers:
    y[i, o] = (sum over c of xq[i, c] wq[o, c]) scale_x[i] scale_w[o] + b[o].

    Args:
        linear: the layer to be rounded; its weight must be float32 on the processor.
    """

    weight: Tensor
    scale: Tensor
    bias: Tensor | None

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach()
        if weight.device.type != "cpu" or weight.dtype != torch.float32:
            raise ConfigurationError(
                f'`quantize="int8"` needs float32 weights on the processor, received {weight.dtype} on {weight.device}'
            )
        rounded, scale = round_rows(weight)
        self.register_buffer("weight", rounded)
        self.register_buffer("scale", scale[:, 0])
        self.register_buffer("bias", None if linear.bias is None else linear.bias.detach().clone())

    def forward(self, inputs: Tensor) -> Tensor:
        """[..., in_channels] to [..., out_channels], float32."""
        rounded, scale = round_rows(inputs.reshape(-1, inputs.shape[-1]))
        sums = torch._int_mm(rounded, self.weight.T)
        outputs = sums.to(inputs.dtype).mul_(scale).mul_(self.scale)
        if self.bias is not None:
            outputs.add_(self.bias)
        return outputs.view(*inputs.shape[:-1], -1)


def round_rows(values: Tensor) -> tuple[Tensor, Tensor]:
    """Rows [num_rows, channels] as int8 and their scales [num_rows, 1]: `values` is about their product."""
    scale = values.abs().amax(dim=1, keepdim=True).div_(_LARGEST)
    # A row of zeros has scale zero; its quotients are made zero instead of NaN.
    quotients = values / scale.clamp(min=torch.finfo(values.dtype).tiny)
    return quotients.round_().to(torch.int8), scale


def quantize_linears(module: nn.Module) -> None:
    """Replace every linear layer inside `module`, in place."""
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, Int8Linear(child))
        else:
            quantize_linears(child)
