"""Categories of a table: a token a column, out of one table of vectors for all columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.configuration_rules import require_count
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.base import AbstractPreprocessor, Preprocessed, require_tensor
from perceivers.modalities.ids import NUM_RESERVED
from perceivers.modalities.linear_tokens import LinearTokens
from perceivers.modalities.structure import InputStructure, tokens_as_features

# Features of more categories than these are sparse.
MOST_DENSE = 2_000


class PerceiverCategoryPreprocessor(AbstractPreprocessor, LinearTokens):
    """A token a column: the vector of the category, plus the column's own vector.

    Ids of a column: 0 where the value is missing, 1 where it is unknown, from 2 on the known categories.

    Args:
        config: says what is None below.
        cardinalities: number of known categories of each column, which may be 0.
        out_channels: channels of a token; None: `d_model`.
    """

    def __init__(
        self, config: PerceiverConfig, cardinalities: Sequence[int], out_channels: int | None = None
    ) -> None:
        super().__init__()
        if not isinstance(cardinalities, (list, tuple)) or not cardinalities:
            raise ConfigurationError(
                f"`cardinalities` must give the number of known categories of each column, received {cardinalities!r}"
            )
        for count in cardinalities:
            require_count("cardinalities", count, minimum=0)
        channels = config.d_model if out_channels is None else out_channels
        require_count("out_channels", channels)
        self.config = config
        self.cardinalities = tuple(cardinalities)
        sizes = [count + NUM_RESERVED for count in cardinalities]
        # Not buffers: they follow from the configuration. On the processor, wherever models are built.
        self._sizes = torch.tensor(sizes, device="cpu")
        self._offsets = torch.tensor([0, *accumulate(sizes[:-1])], device="cpu")
        self.embeddings = nn.Embedding(sum(sizes), channels)
        self.columns = nn.Parameter(torch.randn(len(sizes), channels) * config.initializer_range)

    @property
    def num_channels(self) -> int:
        """Channels of the tokens."""
        return self.columns.shape[1]

    def index_dims(self, inputs: Tensor) -> tuple[int, ...]:
        """(number of columns,)."""
        return (len(self.cardinalities),)

    def forward(
        self,
        inputs: Tensor,
        pos: Any = None,
        network_input_is_1d: bool = True,
        interpolate_pos_encoding: bool = False,
    ) -> Preprocessed:
        """Tokens of categories.

        Args:
            inputs: whole numbers [batch, num_columns], in [0, cardinality of the column + 1].
            pos: must be None: a column is where it is.
            network_input_is_1d: columns are a row of tokens either way.
            interpolate_pos_encoding: there is nothing to interpolate.

        Returns:
            Tokens [batch, num_columns, num_channels], None, and the tokens without the columns' vectors.
        """
        self._validate(inputs)
        if pos is not None:
            raise ShapeError(
                "`pos` must be None for columns, which have learned vectors instead of positions"
            )
        features = self.embeddings(inputs + self._offsets.to(inputs.device))
        return features + self.columns, None, features

    def structure(self) -> InputStructure:
        """See AbstractPreprocessor."""
        return tokens_as_features(self, "every column has rows of its own in the table")

    @property
    def is_linear(self) -> bool:
        """See LinearTokens."""
        return True

    @property
    def is_sparse(self) -> bool:
        """See LinearTokens."""
        return self.embeddings.num_embeddings > MOST_DENSE

    def linear_features(self, inputs: Tensor) -> Tensor:
        """See LinearTokens: 1 at each column's id, 0 elsewhere."""
        places = inputs.long() + self._offsets.to(inputs.device)
        shape = (len(inputs), self.embeddings.num_embeddings)
        if not self.is_sparse:
            return torch.zeros(shape, dtype=torch.float64, device=inputs.device).scatter_(1, places, 1.0)
        rows = torch.arange(len(inputs), device=inputs.device)[:, None].expand_as(places)
        ones = torch.ones(places.numel(), dtype=torch.float64, device=inputs.device)
        where = torch.stack([rows.flatten(), places.flatten()])
        return torch.sparse_coo_tensor(where, ones, shape, check_invariants=True).coalesce()

    @torch.no_grad()
    def start_linear(self, weights: Tensor, inputs: Tensor | None) -> None:
        """See LinearTokens; ids that no input has say nothing."""
        count = weights.shape[1]
        self.embeddings.weight[:, :count] = weights.to(self.embeddings.weight)
        self.columns[:, :count] = 0.0

    def _validate(self, inputs: Tensor) -> None:
        require_tensor("inputs", inputs)
        count = len(self.cardinalities)
        if inputs.ndim != 2 or inputs.shape[1] != count or inputs.dtype not in (torch.int64, torch.int32):
            raise ShapeError(
                f"`inputs` must be ids [batch, {count}] of dtype int64, received {list(inputs.shape)} of {inputs.dtype}"
            )
        if inputs.shape[0] == 0:
            raise ShapeError(f"`inputs` must not be empty, received {list(inputs.shape)}")
        if torch.compiler.is_compiling() or inputs.is_meta:
            return
        outside = (inputs < 0) | (inputs >= self._sizes.to(inputs.device))
        if bool(outside.any()):
            row, column = (int(place) for place in outside.nonzero()[0])
            raise ShapeError(
                f"`inputs` must hold ids in [0, {self.cardinalities[column] + NUM_RESERVED - 1}] in column {column}, "
                f"received {int(inputs[row, column])}"
            )
