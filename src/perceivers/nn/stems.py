"""A stem of 3 x 3 convolutions in stages, each half as large as the one before: an image into a grid of features."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from perceivers.errors import ConfigurationError

Pools = tuple[int, int]


class NormalizedConvolution(nn.Module):
    """3 x 3 convolution with a border of zeros, and batch normalisation; rows and columns stay as many.

    Args:
        in_channels: of the input.
        out_channels: of the output.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, inputs: Tensor) -> Tensor:
        """[batch, in_channels, rows, columns] to [batch, out_channels, rows, columns]."""
        normalized: Tensor = self.norm(self.convolution(inputs))
        return normalized


class ResidualBlock(nn.Module):
    """Two convolutions beside a short cut: relu(x + second(relu(first(x)))) (He et al. 2016, arXiv 1512.03385).

    Args:
        channels: of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = NormalizedConvolution(channels, channels)
        self.second = NormalizedConvolution(channels, channels)

    def forward(self, inputs: Tensor, num_rows: Tensor | None = None) -> Tensor:
        """[batch, channels, rows, columns], the same shape; `num_rows` as in ConvolutionalStem."""
        hidden = up_to(F.relu(self.first(inputs)), num_rows)
        return up_to(F.relu(inputs + self.second(hidden)), num_rows)


class StemStage(nn.Module):
    """A convolution with ReLU and a max pool, then residual blocks.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        num_blocks: residual blocks.
        pools: rows and columns that the largest value is taken of; 2 halves them, rounded up.
    """

    def __init__(self, in_channels: int, out_channels: int, num_blocks: int, pools: Pools) -> None:
        super().__init__()
        self.pools = pools
        self.entry = NormalizedConvolution(in_channels, out_channels)
        self.blocks = nn.ModuleList(ResidualBlock(out_channels) for _ in range(num_blocks))

    def forward(self, inputs: Tensor, num_rows: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Features of an image, and how many of their rows count; arguments as in ConvolutionalStem.

        Returns:
            [batch, out_channels, ceil(rows / pool), ceil(columns / pool)] and int64 [batch], or None.
        """
        # The pool goes first, which costs less: the largest of some values above 0 is the same either way. Where the zeros of
        # rows that do not count are the largest, ReLU would have made zeros of the others.
        hidden = up_to(self.entry(inputs), num_rows)
        if self.pools != (1, 1):
            hidden = F.max_pool2d(hidden, self.pools, ceil_mode=True)
        hidden = F.relu(hidden)
        if num_rows is not None:
            num_rows = -(-num_rows // self.pools[0])
        for block in self.blocks:
            hidden = block(hidden, num_rows)
        return hidden, num_rows


class ConvolutionalStem(nn.Module):
    """Stages one after the other; all but the first halve rows and columns.

    Args:
        in_channels: of an image.
        widths: channels of each stage.
        first_pools: of the first stage, over rows and columns; 2 halves them there too.
        num_blocks: residual blocks of every stage but the first, which has the largest grid.

    Attributes:
        training_dtype: number format of the convolutions while training, float32 or bfloat16; all else, and answers, are in
            that of the weights.
    """

    def __init__(
        self, in_channels: int, widths: Sequence[int], first_pools: Pools = (1, 1), num_blocks: int = 0
    ) -> None:
        super().__init__()
        if not widths or min(widths) < 1:
            raise ConfigurationError(
                f"`stem_widths` must be the channels of one stage or more, each at least 1, received {list(widths)}"
            )
        if num_blocks < 0:
            raise ConfigurationError(f"`stem_blocks` must be at least 0, received {num_blocks}")
        self.training_dtype = torch.float32
        first, *others = widths
        self.stages = nn.ModuleList([StemStage(in_channels, first, 0, first_pools)])
        for before, width in zip(widths, others, strict=False):
            self.stages.append(StemStage(before, width, num_blocks, (2, 2)))

    def forward(self, inputs: Tensor, num_rows: Tensor | None = None) -> Tensor:
        """Features of images.

        Args:
            inputs: [batch, in_channels, rows, columns].
            num_rows: rows of each image that count, int64 [batch]; the others must be zeros. An image then gives the same
                features, as far as it goes, however many rows of zeros stand behind it. None: all rows count.

        Returns:
            [batch, widths[-1], ceil(rows / factor), ceil(columns / factor)]; the factor of an axis is its first pool times 2
            for each further stage.
        """
        # Convolutions of channels that lie together are half as long again as fast on processors.
        hidden = inputs.contiguous(memory_format=torch.channels_last)
        with self._training_precision(inputs.device):
            for stage in self.stages:
                hidden, num_rows = stage(hidden, num_rows)
        return hidden.to(inputs.dtype)

    def _training_precision(self, device: torch.device) -> AbstractContextManager[object]:
        """Where the convolutions are in bfloat16; elsewhere what surrounds the stem says."""
        if self.training and self.training_dtype == torch.bfloat16:
            return torch.autocast(device.type, torch.bfloat16)
        return nullcontext()


def learn_in_bfloat16(model: nn.Module) -> None:
    """Let the convolutions of all stems of a model compute in bfloat16 while training."""
    for module in model.modules():
        if isinstance(module, ConvolutionalStem):
            module.training_dtype = torch.bfloat16


def up_to(features: Tensor, num_rows: Tensor | None) -> Tensor:
    """Features [batch, channels, rows, columns] with zeros behind the first `num_rows` [batch] rows of each; None: all."""
    if num_rows is None:
        return features
    places = torch.arange(features.shape[2], device=features.device)
    return features * (places < num_rows[:, None])[:, None, :, None].to(features.dtype)


def first_pool(name: str, factor: int, num_stages: int) -> int:
    """Pool of the first stage with which a stem divides an axis by `factor`: 1 or 2.

    Args:
        name: of the argument that says the factor; for messages.
        factor: what the axis is divided by.
        num_stages: of the stem.
    """
    by_others = 2 ** (num_stages - 1)
    if factor not in (by_others, 2 * by_others):
        raise ConfigurationError(
            f"`{name}` must be {by_others} or {2 * by_others} for a stem of {num_stages} stages, received {factor}"
        )
    return factor // by_others


def num_multiplications(
    size: tuple[int, int],
    in_channels: int,
    widths: Sequence[int],
    first_pools: Pools = (1, 1),
    num_blocks: int = 0,
) -> int:
    """Multiplications, each with an addition, that a stem takes for one image; other arguments as in ConvolutionalStem.

    Args:
        size: rows and columns of the image.
        in_channels: of the image.
        widths: channels of each stage.
        first_pools: of the first stage.
        num_blocks: residual blocks of every stage but the first.
    """
    (rows, columns), total = size, 0
    for stage, (before, width) in enumerate(zip([in_channels, *widths], widths, strict=False)):
        total += rows * columns * 9 * before * width
        by_rows, by_columns = (2, 2) if stage else first_pools
        rows, columns = -(-rows // by_rows), -(-columns // by_columns)
        blocks = num_blocks if stage else 0
        total += rows * columns * 9 * width * 2 * blocks * width
    return total
