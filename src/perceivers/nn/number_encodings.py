"""Numbers as several channels, so that a linear layer can tell ranges apart: by bins, or by waves."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from perceivers.errors import ConfigurationError
from perceivers.nn.initialization import start_with_std


def piecewise_linear(
    values: Tensor, starts: Tensor, slopes: Tensor, lowest: Tensor, highest: Tensor
) -> Tensor:
    """How far a number has passed through each bin: 0 before it, 1 behind it, linear within.

    Gorishniy and others 2022, "On Embeddings for Numerical Features in Tabular Deep Learning", section 3.2.

    Args:
        values: [batch, num_columns].
        starts: lower edge of each bin, [num_columns, num_bins].
        slopes: 1 / width of each bin, or 0 where a column has no such bin, [num_columns, num_bins].
        lowest: of a result, [num_columns, num_bins]: 0, and -inf for the first bin of a column, which has no start.
        highest: of a result, [num_columns, num_bins]: 1, and inf for the last bin of a column, which has no end.

    Returns:
        [batch, num_columns, num_bins].
    """
    passed = (values[..., None] - starts) * slopes
    return torch.minimum(torch.maximum(passed, lowest), highest)


class PiecewiseLinearEncoding(nn.Module):
    """`piecewise_linear` with bins that are settled before training; nothing here is learned.

    Args:
        bin_edges: the edges of each column's bins, ascending, two or more; columns may have different numbers of them.
    """

    def __init__(self, bin_edges: Sequence[Sequence[float]]) -> None:
        super().__init__()
        for column, edges in enumerate(bin_edges):
            _require_edges(column, edges)
        self.num_channels = max(len(edges) for edges in bin_edges) - 1
        # Not a buffer: the configuration holds the edges, a checkpoint does not. On the processor, wherever models are built.
        shape = (4, len(bin_edges), self.num_channels)
        self._bins = torch.zeros(shape, dtype=torch.float64, device="cpu")
        self._bins[3] = 1.0
        for column, edges in enumerate(bin_edges):
            ends = torch.tensor(edges, dtype=torch.float64, device="cpu")
            count = len(edges) - 1
            self._bins[0, column, :count] = ends[:-1]
            self._bins[1, column, :count] = 1 / ends.diff()
            self._bins[2, column, 0] = -math.inf
            self._bins[3, column, count - 1] = math.inf

    def widths(self) -> Tensor:
        """Sizes of the bins, float64 [num_columns, num_channels]; 0 where a column has no such bin.

        Times what `forward` gives, they sum to the number itself, less the first edge.
        """
        slopes = self._bins[1]
        return torch.where(slopes > 0.0, 1.0 / slopes.clamp(min=1e-300), 0.0)

    def forward(self, values: Tensor) -> Tensor:
        """[batch, num_columns] to [batch, num_columns, num_channels]."""
        # In float32 at least: a narrow bin's slope is beyond the numbers of half precision.
        wide = values.to(torch.promote_types(values.dtype, torch.float32))
        return piecewise_linear(wide, *self._bins.to(wide)).to(values.dtype)


class PeriodicEncoding(nn.Module):
    """Sines and cosines of learned frequencies times the number (the same paper, section 3.3).

    Trained from scratch, a column's frequencies start normal: `sigma` says how fine the differences are that count.

    Args:
        num_columns: each has frequencies of its own.
        num_frequencies: of a column.
        sigma: standard deviation of the frequencies at the start, in periods for each unit of the number.
    """

    def __init__(self, num_columns: int, num_frequencies: int, sigma: float) -> None:
        super().__init__()
        self.num_channels = 2 * num_frequencies
        self.frequencies = nn.Parameter(torch.randn(num_columns, num_frequencies) * sigma)
        start_with_std(self, sigma)

    def forward(self, values: Tensor) -> Tensor:
        """[batch, num_columns] to [batch, num_columns, num_channels]."""
        # In float32 at least: in half precision, an angle of several turns is known to a fraction of a turn only.
        wide = torch.promote_types(values.dtype, torch.float32)
        angles = 2 * math.pi * values[..., None].to(wide) * self.frequencies.to(wide)
        return torch.cat([angles.sin(), angles.cos()], dim=-1).to(values.dtype)


class CombinedEncoding(nn.Module):
    """Bins, waves, and the number itself: bins tell ranges apart, waves small differences, the number its order.

    Args:
        bins: see PiecewiseLinearEncoding.
        waves: see PeriodicEncoding; of as many columns.
    """

    def __init__(self, bins: PiecewiseLinearEncoding, waves: PeriodicEncoding) -> None:
        super().__init__()
        self.bins, self.waves = bins, waves
        self.num_channels = bins.num_channels + waves.num_channels + 1

    def forward(self, values: Tensor) -> Tensor:
        """[batch, num_columns] to [batch, num_columns, num_channels]."""
        return torch.cat([self.bins(values), self.waves(values), values[..., None]], dim=-1)


def _require_edges(column: int, edges: object) -> None:
    """ConfigurationError unless these are two or more ascending numbers, apart in float32 too."""
    numbers = isinstance(edges, (list, tuple)) and all(
        isinstance(edge, (int, float)) and not isinstance(edge, bool) and math.isfinite(edge)
        for edge in edges
    )
    if not numbers or len(edges) < 2 or not _ascend(edges):  # type: ignore[arg-type]
        raise ConfigurationError(
            f"`bin_edges` must hold two or more ascending numbers for each column, received {edges!r} for column {column}"
        )


def _ascend(edges: object) -> bool:
    return bool((torch.tensor(edges, dtype=torch.float32, device="cpu").diff() > 0).all())
