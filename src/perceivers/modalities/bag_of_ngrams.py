"""Texts as bags: a token is the weighted sum of the vectors of all n-grams of a text, in no order."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from perceivers.configuration import PerceiverConfig
from perceivers.configuration_rules import require_count, require_positive
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.base import AbstractPreprocessor, Preprocessed, require_tensor
from perceivers.modalities.ids import NOTHING, NUM_RESERVED, WEIGHT_UNIT
from perceivers.modalities.linear_tokens import LinearTokens
from perceivers.modalities.structure import InputStructure, tokens_as_features
from perceivers.nn.initialization import start_at_zero
from perceivers.nn.learning_rates import learn_at
from perceivers.nn.turns import is_traced


class PerceiverBagOfNgramsPreprocessor(AbstractPreprocessor, LinearTokens):
    """A token a bag, from the vectors of the ids of its n-grams.

        token = sum of weight x vector + the bag's own vector

    Where there is no id, a learned vector is in the place of the sum. All bags share the table, whose vectors start at zero:
    n-grams that training never met say nothing. Fits texts that are too few to learn reading from (fastText, Joulin and
    others 2016, here with weights that are given).

    Ids of a text: 0 is none, and fills up rows; 1 stands for a text of which nothing is known; from 2 on the n-grams' rows.

    Args:
        config: says what is None below.
        num_bags: of a sample: the words of a text and its letters, of each column.
        num_rows: n-grams that are told apart.
        out_channels: channels of a token; None: `d_model`.
        learning_rate_factor: the table learns at this part of the run's learning rate.
        dropout: share in [0, 1) of the n-grams that are left out while training; the others count the more.
    """

    def __init__(
        self,
        config: PerceiverConfig,
        num_bags: int,
        num_rows: int,
        out_channels: int | None = None,
        learning_rate_factor: float = 1.0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        require_count("num_bags", num_bags)
        require_count("num_rows", num_rows)
        require_positive("learning_rate_factor", learning_rate_factor)
        if not 0.0 <= dropout < 1.0:
            raise ConfigurationError(f"`dropout` must be at least 0 and below 1, received {dropout!r}")
        channels = config.d_model if out_channels is None else out_channels
        require_count("out_channels", channels)
        self.config = config
        self.num_bags, self.dropout = num_bags, dropout
        self.table = nn.EmbeddingBag(num_rows + NUM_RESERVED, channels, mode="sum", padding_idx=NOTHING)
        start_at_zero(self.table)
        learn_at(self.table, learning_rate_factor)
        self.missing = nn.Parameter(torch.randn(num_bags, channels) * config.initializer_range)
        self.bags = nn.Parameter(torch.randn(num_bags, channels) * config.initializer_range)

    @property
    def num_channels(self) -> int:
        """Channels of the tokens."""
        return self.bags.shape[1]

    def index_dims(self, inputs: Tensor) -> tuple[int, ...]:
        """(number of bags,)."""
        return (self.num_bags,)

    def forward(
        self,
        inputs: Tensor,
        pos: Any = None,
        network_input_is_1d: bool = True,
        interpolate_pos_encoding: bool = False,
    ) -> Preprocessed:
        """Tokens of texts.

        Args:
            inputs: whole numbers [batch, num_bags, num_ids, 2], in any order: ids in [0, num_rows + 1], and the weight of
                each in parts of WEIGHT_UNIT.
            pos: must be None: a bag is where it is.
            network_input_is_1d: bags are a row of tokens either way.
            interpolate_pos_encoding: there is nothing to interpolate.

        Returns:
            Tokens [batch, num_bags, num_channels], None, and the tokens without the bags' vectors.
        """
        self._validate(inputs)
        if pos is not None:
            raise ShapeError("`pos` must be None for bags, which have learned vectors instead of positions")
        ids = inputs[..., 0]
        weights = inputs[..., 1].to(self.bags.dtype) / WEIGHT_UNIT
        # Drawn as dropout draws, so that what is left sums to the same in the mean.
        weights = F.dropout(weights, self.dropout, self.training)
        summed = self._summed(ids, weights)
        is_absent = (ids == NOTHING).all(dim=-1, keepdim=True)
        features = torch.where(is_absent, self.missing, summed)
        return features + self.bags, None, features

    def _summed(self, ids: Tensor, weights: Tensor) -> Tensor:
        """Weighted sums of rows of the table, [batch, num_bags, num_channels]."""
        if is_traced():
            # In a file, bags of a table become a loop over ids, which few programs compute in half precision.
            counted = torch.where(ids == NOTHING, torch.zeros_like(weights), weights)
            return (counted[..., None, :] @ F.embedding(ids, self.table.weight)).squeeze(-2)
        summed: Tensor = self.table(ids.flatten(0, 1), per_sample_weights=weights.flatten(0, 1))
        return summed.unflatten(0, (-1, self.num_bags))

    def structure(self) -> InputStructure:
        """See AbstractPreprocessor."""
        return tokens_as_features(self, "a token is a sum of any number of table rows")

    @property
    def is_linear(self) -> bool:
        """See LinearTokens."""
        return True

    @property
    def is_sparse(self) -> bool:
        """See LinearTokens."""
        return True

    def linear_features(self, inputs: Tensor) -> Tensor:
        """See LinearTokens: the weight of each row of the table in all bags together, and which bags are absent; sparse."""
        ids, weights = inputs[..., 0], inputs[..., 1].double() / WEIGHT_UNIT
        samples = torch.arange(len(ids), device=ids.device)
        is_there = ids != NOTHING
        absent = ~is_there.any(dim=-1)
        rows = torch.cat([samples[:, None, None].expand_as(ids)[is_there], absent.nonzero()[:, 0]])
        places = torch.cat([ids[is_there], self.table.num_embeddings + absent.nonzero()[:, 1]])
        values = torch.cat([weights[is_there], weights.new_ones(int(absent.sum()))])
        shape = (len(ids), self.table.num_embeddings + self.num_bags)
        found = torch.sparse_coo_tensor(torch.stack([rows, places]), values, shape, check_invariants=True)
        return found.coalesce()

    @torch.no_grad()
    def start_linear(self, weights: Tensor, inputs: Tensor | None) -> None:
        """See LinearTokens; n-grams that no input has say nothing."""
        count = weights.shape[1]
        of_ngrams, of_absent = weights.to(self.table.weight).split([self.table.num_embeddings, self.num_bags])
        self.table.weight[:, :count] = of_ngrams
        self.missing[:, :count] = of_absent
        self.bags[:, :count] = 0.0

    def _validate(self, inputs: Tensor) -> None:
        require_tensor("inputs", inputs)
        is_whole = inputs.dtype in (torch.int64, torch.int32)
        if inputs.ndim != 4 or inputs.shape[1::2] != (self.num_bags, 2) or not is_whole:
            raise ShapeError(
                f"`inputs` must be ids and weights [batch, {self.num_bags}, num_ids, 2] of dtype int64, "
                f"received {list(inputs.shape)} of {inputs.dtype}"
            )
        if inputs.shape[0] == 0 or inputs.shape[2] == 0:
            raise ShapeError(f"`inputs` must not be empty, received {list(inputs.shape)}")
        if torch.compiler.is_compiling() or inputs.is_meta:
            return
        low, high = (int(bound) for bound in inputs[..., 0].aminmax())
        if low < 0 or high >= self.table.num_embeddings:
            raise ShapeError(
                f"`inputs` must hold ids in [0, {self.table.num_embeddings - 1}], received ids from {low} to {high}"
            )
