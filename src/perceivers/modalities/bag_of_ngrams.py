"""Short texts of a table: a token a column, the sum of the vectors of all its words and runs of letters."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from perceivers.configuration import PerceiverConfig
from perceivers.configuration_rules import require_count, require_positive
from perceivers.errors import ShapeError
from perceivers.modalities.base import AbstractPreprocessor, Preprocessed, require_tensor
from perceivers.modalities.structure import InputStructure, tokens_as_features
from perceivers.nn.initialization import start_at_zero
from perceivers.nn.learning_rates import learn_at

NOTHING, UNKNOWN = 0, 1
#: Ids before those of known n-grams.
NUM_RESERVED = 2


class PerceiverBagOfNgramsPreprocessor(AbstractPreprocessor):
    """A token a column, from the vectors of the ids of the column's text.

        token = sum of the vectors / sqrt(number of ids) + the column's own vector

    Where there is no id, a learned vector is in the place of the sum. All columns share the table, whose vectors start at
    zero: n-grams that training never met say nothing. Fits texts that are too few to learn reading from (fastText, Joulin and
    others 2016, with a root for the number: a long text says more than a short one).

    Ids of a text: 0 is none, and fills up rows; 1 stands for a text of which nothing is known; from 2 on the n-grams' rows.

    Args:
        config: says what is None below.
        num_columns: texts of a sample.
        num_rows: n-grams that are told apart, whatever their number in the language: they share rows by their hash.
        out_channels: channels of a token; None: `d_model`.
        learning_rate_factor: the table learns at this part of the run's learning rate. An n-gram is in few texts, and would
            learn these by heart.
    """

    def __init__(
        self,
        config: PerceiverConfig,
        num_columns: int,
        num_rows: int,
        out_channels: int | None = None,
        learning_rate_factor: float = 0.3,
    ) -> None:
        super().__init__()
        require_count("num_columns", num_columns)
        require_count("num_rows", num_rows)
        require_positive("learning_rate_factor", learning_rate_factor)
        channels = config.d_model if out_channels is None else out_channels
        require_count("out_channels", channels)
        self.config = config
        self.num_columns = num_columns
        self.table = nn.EmbeddingBag(num_rows + NUM_RESERVED, channels, mode="sum", padding_idx=NOTHING)
        start_at_zero(self.table)
        learn_at(self.table, learning_rate_factor)
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
        """Tokens of texts.

        Args:
            inputs: whole numbers [batch, num_columns, num_ids], in [0, num_rows + 1], in any order.
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
        counts = (inputs != NOTHING).sum(dim=-1)
        summed = self.table(inputs.flatten(0, 1)).unflatten(0, (-1, self.num_columns))
        features = summed / counts.clamp(min=1).to(summed.dtype).sqrt()[..., None]
        features = torch.where((counts == 0)[..., None], self.missing, features)
        return features + self.columns, None, features

    def structure(self) -> InputStructure:
        """See AbstractPreprocessor."""
        return tokens_as_features(self, "a token is a sum of any number of table rows")

    def _validate(self, inputs: Tensor) -> None:
        require_tensor("inputs", inputs)
        is_whole = inputs.dtype in (torch.int64, torch.int32)
        if inputs.ndim != 3 or inputs.shape[1] != self.num_columns or not is_whole:
            raise ShapeError(
                f"`inputs` must be ids [batch, {self.num_columns}, num_ids] of dtype int64, "
                f"received {list(inputs.shape)} of {inputs.dtype}"
            )
        if inputs.shape[0] == 0 or inputs.shape[2] == 0:
            raise ShapeError(f"`inputs` must not be empty, received {list(inputs.shape)}")
        if torch.compiler.is_compiling() or inputs.is_meta:
            return
        low, high = (int(bound) for bound in inputs.aminmax())
        if low < 0 or high >= self.table.num_embeddings:
            raise ShapeError(
                f"`inputs` must hold ids in [0, {self.table.num_embeddings - 1}], received ids from {low} to {high}"
            )
