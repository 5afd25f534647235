"""Convolutional stem (downsampling) and head (upsampling) of images, as in the original code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.nn.ceil_division import ceil_division
from perceivers.nn.patches import same_padding

_KERNEL, _POOL, _STRIDE = 7, 3, 2
# Without SAME padding the pool needs three rows of the convolution, which makes one of every two.
_SMALLEST = 5


class StemLayer(nn.Module):
    """7 x 7 convolution of stride 2, batch norm, ReLU, 3 x 3 max pool of stride 2: a quarter of each side.

    Args:
        in_channels: channels of the picture.
        out_channels: channels afterwards.
        use_batchnorm: normalise after the convolution.
        padding: "same" (the JAX original: ceil(n / 2) windows, twice) or "transformers" (three pixels on every side
            of the convolution, an unpadded pool).
    """

    def __init__(self, in_channels: int, out_channels: int, use_batchnorm: bool, padding: str) -> None:
        super().__init__()
        if padding not in ("same", "transformers"):
            raise ConfigurationError(f"`stem_padding` must be 'same' or 'transformers', received {padding!r}")
        self.conv = nn.Conv2d(in_channels, out_channels, _KERNEL, _STRIDE, bias=False)
        self.batchnorm = nn.BatchNorm2d(out_channels) if use_batchnorm else nn.Identity()
        self.padding = padding

    def forward(self, inputs: Tensor) -> Tensor:
        """[batch, in_channels, height, width] to [batch, out_channels, about height / 4, about width / 4]."""
        same = self.padding == "same"
        if not same and min(inputs.shape[-2:]) < _SMALLEST:
            raise ShapeError(
                f"`inputs` must have at least {_SMALLEST} rows and columns for each layer of the convolutional stem, "
                f"received {list(inputs.shape)}"
            )
        around = _same(inputs, _KERNEL) if same else (3, 3, 3, 3)
        hidden = F.relu(self.batchnorm(self.conv(F.pad(inputs, around))))
        if same:
            hidden = F.pad(hidden, _same(hidden, _POOL), value=-torch.inf)
        return F.max_pool2d(hidden, _POOL, _STRIDE)


class Conv2DDownsample(StemLayer):
    """Stem layers one after the other; published checkpoints hold one, whose keys carry no number.

    Args:
        num_layers: each divides height and width by 4.
        in_channels: see StemLayer.
        out_channels: see StemLayer.
        use_batchnorm: see StemLayer.
        padding: see StemLayer.
    """

    def __init__(
        self,
        num_layers: int = 1,
        in_channels: int = 3,
        out_channels: int = 64,
        use_batchnorm: bool = True,
        padding: str = "transformers",
    ) -> None:
        super().__init__(in_channels, out_channels, use_batchnorm, padding)
        if num_layers < 1:
            raise ConfigurationError(f"`num_layers` must be at least 1, received {num_layers}")
        if num_layers > 1:
            self.further_layers = nn.Sequential(
                *(
                    StemLayer(out_channels, out_channels, use_batchnorm, padding)
                    for _ in range(num_layers - 1)
                )
            )

    def forward(self, inputs: Tensor) -> Tensor:
        """[batch, in_channels, height, width] to [batch, out_channels, about height / 4^n, about width / 4^n]."""
        hidden = super().forward(inputs)
        return self.further_layers(hidden) if hasattr(self, "further_layers") else hidden


class ConvUpsample(nn.Module):
    """Transposed convolutions that double a picture's or a video's sides, ReLU between them.

    The last layer gives `out_channels`, the one before it twice as many, and so on (DeepMind's Conv2DUpsample and
    Conv3DUpsample). Kernels are 4 wide along a doubled axis and 1 along the others.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        num_space_doublings: how often height and width are doubled.
        num_time_doublings: how often the number of frames is doubled; None for pictures.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_space_doublings: int = 2,
        num_time_doublings: int | None = None,
    ) -> None:
        super().__init__()
        steps = max(num_space_doublings, num_time_doublings or 0)
        if steps < 1:
            raise ConfigurationError(
                "`num_space_doublings` or `num_time_doublings` must be at least 1 (`spatial_upsample` or "
                "`temporal_upsample` at least 2 for 'conv'), "
                f"received {num_space_doublings} and {num_time_doublings}"
            )
        layers: list[nn.Module] = []
        for step in range(steps):
            channels = out_channels * 2 ** (steps - 1 - step)
            if num_time_doublings is None:
                layers.append(nn.ConvTranspose2d(in_channels, channels, *_doubling((True, True))))
            else:
                space, time = step < num_space_doublings, step < num_time_doublings
                layers.append(nn.ConvTranspose3d(in_channels, channels, *_doubling((time, space, space))))
            if step < steps - 1:
                layers.append(nn.ReLU())
            in_channels = channels
        self.layers = nn.Sequential(*layers)

    def forward(self, inputs: Tensor) -> Tensor:
        """[batch, (frames,) height, width, in_channels] to the upsampled array, channels last."""
        return self.layers(inputs.movedim(-1, 1)).movedim(1, -1)


def stem_size(size: int, num_layers: int, padding: str) -> int:
    """Rows (or columns) that `num_layers` stem layers leave of `size`."""
    for _ in range(num_layers):
        convolved = ceil_division(size, _STRIDE)
        size = ceil_division(convolved, _STRIDE) if padding == "same" else (convolved - _POOL) // _STRIDE + 1
    return size


def _same(pictures: Tensor, kernel: int) -> tuple[int, int, int, int]:
    """F.pad's (left, right, top, bottom) for JAX's SAME rule."""
    height, width = pictures.shape[-2:]
    return (*same_padding(width, kernel, _STRIDE), *same_padding(height, kernel, _STRIDE))


def _doubling(axes: Sequence[bool]) -> tuple[Any, Any, Any]:
    """Kernel, stride and padding that double the axes marked True and keep the others."""
    return (
        tuple(4 if doubled else 1 for doubled in axes),
        tuple(2 if doubled else 1 for doubled in axes),
        tuple(1 if doubled else 0 for doubled in axes),
    )
