"""Numbers of a table: a token a column, with a learned vector where a value is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.configuration_rules import require_count, require_positive
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.base import AbstractPreprocessor, Preprocessed, require_finite, require_tensor
from perceivers.modalities.linear_tokens import LinearTokens
from perceivers.modalities.structure import InputStructure, tokens_as_features
from perceivers.nn.grouped_linear import GroupedLinear
from perceivers.nn.number_encodings import CombinedEncoding, PeriodicEncoding, PiecewiseLinearEncoding

_NUM_FREQUENCIES = 32
_SIGMA = 0.1


class PerceiverNumberPreprocessor(AbstractPreprocessor, LinearTokens):
    """A token a column: an encoding of the number through the column's own linear map, plus the column's own vector.

    Args:
        config: says what is None below.
        num_columns: numbers of a sample.
        out_channels: channels of a token; None: `d_model`.
        encoding: what the linear map sees, see `perceivers.nn.number_encodings`. "piecewise": how far the number has passed
            through each of the bins of `bin_edges`. "periodic": sines and cosines of learned frequencies times the number.
        bin_edges: not for "periodic": the edges of each column's bins, ascending, as
            `perceivers.processors.numbers.piecewise_edges` finds them.
        num_frequencies: not for "piecewise": frequencies of a column; None: 32.
        sigma: not for "piecewise": standard deviation of the frequencies at the start; None: 0.1.
        relu: end the linear map with a ReLU; None: after waves alone, not after bins.
    """

    def __init__(
        self,
        config: PerceiverConfig,
        num_columns: int,
        out_channels: int | None = None,
        encoding: str = "periodic",
        bin_edges: Sequence[Sequence[float]] | None = None,
        num_frequencies: int | None = None,
        sigma: float | None = None,
        relu: bool | None = None,
    ) -> None:
        super().__init__()
        require_count("num_columns", num_columns)
        channels = config.d_model if out_channels is None else out_channels
        require_count("out_channels", channels)
        if encoding not in ENCODINGS:
            raise ConfigurationError(f"`encoding` must be one of {sorted(ENCODINGS)}, received {encoding!r}")
        settings = {"bin_edges": bin_edges, "num_frequencies": num_frequencies, "sigma": sigma}
        build, own, is_bent = ENCODINGS[encoding]
        given = {name: value for name, value in settings.items() if value is not None}
        if useless := sorted(set(given) - set(own)):
            raise ConfigurationError(
                f"`{useless[0]}` has no effect where `encoding` is {encoding!r}: leave it out"
            )
        self.config = config
        self.num_columns = num_columns
        self.encoding = build(num_columns, **given)
        self.projection = GroupedLinear(num_columns, self.encoding.num_channels, channels)
        self.activation = nn.ReLU() if (is_bent if relu is None else relu) else nn.Identity()
        self.missing = nn.Parameter(torch.randn(num_columns, channels) * config.initializer_range)
        self.columns = nn.Parameter(torch.randn(num_columns, channels) * config.initializer_range)

    @property
    def num_channels(self) -> int:
        """Channels of the tokens."""
        return self.columns.shape[1]

    def index_dims(self, inputs: Tensor) -> tuple[int, ...]:
        """(number of columns,)."""
        return (self.num_columns,)

    def forward(
        self,
        inputs: Tensor,
        pos: Any = None,
        network_input_is_1d: bool = True,
        interpolate_pos_encoding: bool = False,
    ) -> Preprocessed:
        """Tokens of numbers.

        Args:
            inputs: floating-point values [batch, num_columns], normalised (see `perceivers.processors.numbers`); NaN where a
                value is missing.
            pos: must be None: a column is where it is.
            network_input_is_1d: columns are a row of tokens either way.
            interpolate_pos_encoding: there is nothing to interpolate.

        Returns:
            Tokens [batch, num_columns, num_channels], None, and the tokens without the columns' vectors.
        """
        require_tensor("inputs", inputs)
        if inputs.ndim != 2 or inputs.shape[1] != self.num_columns or not inputs.is_floating_point():
            raise ShapeError(
                f"`inputs` must be floating-point numbers [batch, {self.num_columns}], "
                f"received {list(inputs.shape)} of {inputs.dtype}"
            )
        if inputs.shape[0] == 0:
            raise ShapeError(f"`inputs` must not be empty, received {list(inputs.shape)}")
        if pos is not None:
            raise ShapeError(
                "`pos` must be None for columns, which have learned vectors instead of positions"
            )
        values, is_missing = _without_gaps(inputs)
        require_finite("inputs", values)
        encoded = self.activation(self.projection(self.encoding(values)))
        features = torch.where(is_missing[..., None], self.missing, encoded)
        return features + self.columns, None, features

    def structure(self) -> InputStructure:
        """See AbstractPreprocessor."""
        return tokens_as_features(self, "every column has a linear map of its own")

    @property
    def is_linear(self) -> bool:
        """See LinearTokens."""
        return isinstance(self.activation, nn.Identity)

    def linear_features(self, inputs: Tensor) -> Tensor:
        """See LinearTokens: a column's encoding, the number, the usual ones where it is missing, and whether it is missing.

        Bins alone say a number, too, but by so many weights that a model that is held back by their size would hardly use it.
        """
        encoded, is_missing = self._encoded_wide(inputs)
        filled = torch.where(is_missing[..., None], _mean_of_known(encoded, is_missing), encoded)
        number = torch.einsum("bcf,cfn->bcn", filled, self._bins_of_number())
        return torch.cat([filled, number, is_missing[..., None].to(filled)], dim=-1).flatten(1)

    def is_detail(self, num_features: int) -> Tensor:
        """See LinearTokens: the bins, where the number stands beside them."""
        of_number = self._bins_of_number()
        num_details = of_number.shape[1] if of_number.shape[2] else 0
        each = torch.arange(num_features // self.num_columns) < num_details
        return each.repeat(self.num_columns)

    @torch.no_grad()
    def start_linear(self, weights: Tensor, inputs: Tensor | None) -> None:
        """See LinearTokens; a missing value says what the column says on average, and what is known of missing ones."""
        assert inputs is not None
        count = weights.shape[1]
        own = weights.unflatten(0, (self.num_columns, -1))
        of_number = self._bins_of_number()
        maps, numbers, gaps = own.split([of_number.shape[1], of_number.shape[2], 1], dim=1)
        maps = maps + of_number @ numbers
        usual = _mean_of_known(*self._encoded_wide(inputs))
        self.projection.weight[:, :count] = maps.transpose(1, 2).to(self.projection.weight)
        self.projection.bias[:, :count] = 0.0
        self.columns[:, :count] = 0.0
        self.missing[:, :count] = (torch.einsum("cf,cfk->ck", usual, maps) + gaps[:, 0]).to(self.missing)

    def _bins_of_number(self) -> Tensor:
        """What an encoding is multiplied by to give the number, float64 [num_columns, channels, 1 or, if it has that, 0]."""
        if isinstance(self.encoding, PiecewiseLinearEncoding):
            return self.encoding.widths()[..., None].to(self.columns.device)
        return self.columns.new_zeros(self.num_columns, self.encoding.num_channels, 0, dtype=torch.float64)

    def _encoded_wide(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Encodings of numbers in float64 [batch, num_columns, channels], and which numbers are missing."""
        values, is_missing = _without_gaps(inputs)
        return self.encoding(values).double(), is_missing


def _without_gaps(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Numbers with 0 where one is missing, and where that is."""
    is_missing = torch.isnan(inputs)
    # Replaced before they meet a weight: the gradient of a NaN is NaN even where its result is not used.
    return torch.where(is_missing, torch.zeros_like(inputs), inputs), is_missing


def _mean_of_known(encoded: Tensor, is_missing: Tensor) -> Tensor:
    """Mean encoding of each column [num_columns, channels]; 0 of one without any number."""
    known = (~is_missing)[..., None].to(encoded)
    return (encoded * known).sum(dim=0) / known.sum(dim=0).clamp(min=1)


def _piecewise(
    num_columns: int, bin_edges: Sequence[Sequence[float]] | None = None
) -> PiecewiseLinearEncoding:
    if not isinstance(bin_edges, (list, tuple)) or len(bin_edges) != num_columns:
        received = bin_edges if bin_edges is None else f"those of {len(bin_edges)}"
        raise ConfigurationError(
            f"`bin_edges` must give the edges of {num_columns} columns for `encoding` 'piecewise', received {received}"
        )
    return PiecewiseLinearEncoding(bin_edges)


def _periodic(
    num_columns: int, num_frequencies: int = _NUM_FREQUENCIES, sigma: float = _SIGMA
) -> PeriodicEncoding:
    require_count("num_frequencies", num_frequencies)
    require_positive("sigma", sigma)
    return PeriodicEncoding(num_columns, num_frequencies, sigma)


#: Encoding -> what builds it from the number of columns and its settings, their names, whether a ReLU follows its map.
def _combined(
    num_columns: int,
    bin_edges: Sequence[Sequence[float]] | None = None,
    num_frequencies: int = _NUM_FREQUENCIES,
    sigma: float = _SIGMA,
) -> CombinedEncoding:
    return CombinedEncoding(
        _piecewise(num_columns, bin_edges), _periodic(num_columns, num_frequencies, sigma)
    )


ENCODINGS: dict[str, tuple[Callable[..., Any], tuple[str, ...], bool]] = {
    "piecewise": (_piecewise, ("bin_edges",), False),
    "periodic": (_periodic, ("num_frequencies", "sigma"), True),
    "combined": (_combined, ("bin_edges", "num_frequencies", "sigma"), False),
}
