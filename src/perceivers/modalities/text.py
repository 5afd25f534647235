"""Text as bytes: ids into embeddings with learned positions, and hidden states back into scores for every byte."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ShapeError
from perceivers.modalities.base import AbstractPreprocessor, Preprocessed, require_rows, require_tensor
from perceivers.modalities.structure import InputStructure, TokensOfTables, WholeTokens
from perceivers.nn.ngrams import HashedNgrams
from perceivers.nn.position_encoding import resize_table


class PerceiverTextPreprocessor(AbstractPreprocessor):
    """Byte embedding plus learned position and, where wanted, the vectors of the n-grams that end at the byte.

    Args:
        config: gives `vocab_size`, `max_position_embeddings` and `d_model`, the channels of a token; `ngram_sizes` and
            `ngram_rows`, see HashedNgrams, or None and None, as in the paper.
    """

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = nn.Embedding(config.vocab_size, config.d_model)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.d_model)
        self.ngrams: HashedNgrams | None = None
        if config.ngram_sizes is not None and config.ngram_rows is not None:
            self.ngrams = HashedNgrams(config.ngram_sizes, config.ngram_rows, config.d_model)

    @property
    def num_channels(self) -> int:
        """Channels of the tokens."""
        return self.config.d_model

    def index_dims(self, inputs: Tensor) -> tuple[int, ...]:
        """(length,)."""
        return (inputs.shape[1],)

    def forward(
        self,
        inputs: Tensor,
        pos: Any = None,
        network_input_is_1d: bool = True,
        interpolate_pos_encoding: bool = False,
    ) -> Preprocessed:
        """Tokens of byte ids.

        Args:
            inputs: whole numbers [batch, length], in [0, vocab_size).
            pos: whole numbers [batch, length] or [length]: the row of the position table for each byte; None counts from 0.
            network_input_is_1d: text is a row of tokens already; must be True.
            interpolate_pos_encoding: stretch the position table linearly to a text longer than it.

        Returns:
            Tokens [batch, length, d_model], None, and the embeddings without positions.

        Raises:
            ShapeError: wrong rank or dtype, ids out of range, or a text longer than the position table.
        """
        self._validate(inputs, network_input_is_1d)
        embedded = self.embeddings(inputs)
        if self.ngrams is not None:
            embedded = embedded + self.ngrams(inputs)
        return embedded + self._positions(inputs, pos, interpolate_pos_encoding), None, embedded

    def structure(self) -> InputStructure:
        """See AbstractPreprocessor."""
        if self.ngrams is not None:
            return WholeTokens("n-grams make more different tokens than tables could hold")
        return TokensOfTables(self.embeddings.weight, self.position_embeddings.weight, self._lookup)

    def _lookup(self, inputs: Tensor, pos: Tensor | None, interpolate_pos_encoding: bool) -> Tensor | None:
        self._validate(inputs, True)
        if pos is None and inputs.shape[1] <= self.position_embeddings.num_embeddings:
            return None
        return self._positions(inputs, pos, interpolate_pos_encoding)

    def resize(self, num_ids: int, std: float) -> None:
        """Keep the first `num_ids` rows of the embedding table, or add rows drawn with standard deviation `std`."""
        self.embeddings = _resized(self.embeddings, num_ids, std)

    def _positions(self, inputs: Tensor, pos: Tensor | None, interpolate_pos_encoding: bool) -> Tensor:
        table = self.position_embeddings.weight
        if pos is not None:
            shapes = (tuple(inputs.shape), tuple(inputs.shape[1:]))
            if pos.is_floating_point() or tuple(pos.shape) not in shapes:
                raise ShapeError(
                    f"`pos` must be whole numbers {list(inputs.shape)}, received {list(pos.shape)} of {pos.dtype}"
                )
            require_rows("pos", pos, table.shape[0], "positions")
            return self.position_embeddings(pos)
        length = inputs.shape[1]
        if length <= table.shape[0]:
            return table[:length]
        if not interpolate_pos_encoding:
            raise ShapeError(
                f"`inputs` must be at most {table.shape[0]} bytes long (`max_position_embeddings`), received {length}: "
                "truncate it, or pass interpolate_pos_encoding=True"
            )
        return resize_table(table, (table.shape[0],), (length,))

    def _validate(self, inputs: Tensor, network_input_is_1d: bool) -> None:
        if not network_input_is_1d:
            raise ShapeError("`network_input_is_1d` must be True for text, received False")
        require_tensor("inputs", inputs)
        if inputs.ndim != 2 or inputs.dtype not in (torch.int64, torch.int32):
            raise ShapeError(
                f"`inputs` must be ids [batch, length] of dtype int64, received {list(inputs.shape)} of {inputs.dtype}"
            )
        if inputs.shape[0] == 0 or inputs.shape[1] == 0:
            raise ShapeError(f"`inputs` must not be empty, received {list(inputs.shape)}")
        require_rows("inputs", inputs, self.embeddings.num_embeddings, "ids")


class PerceiverEmbeddingDecoder(nn.Module):
    """Scores of every byte by the product with the input embedding table, plus a bias.

    Args:
        config: gives `vocab_size`.
    """

    def __init__(self, config: PerceiverConfig) -> None:
        super().__init__()
        self.vocab_size = config.vocab_size
        self.bias = nn.Parameter(torch.zeros(config.vocab_size))

    def resize(self, num_ids: int) -> None:
        """Keep the first `num_ids` biases, or add zeros."""
        kept = self.bias.detach()[:num_ids]
        self.bias = nn.Parameter(F.pad(kept, (0, num_ids - kept.shape[0])))
        self.vocab_size = num_ids

    def forward(self, hidden_states: Tensor, embedding_layer: nn.Embedding) -> Tensor:
        """[batch, length, d_model] to [batch, length, vocab_size], with the weights of `embedding_layer`."""
        return F.linear(hidden_states, embedding_layer.weight, self.bias)


def _resized(table: nn.Embedding, num_ids: int, std: float) -> nn.Embedding:
    if num_ids < 1:
        raise ShapeError(f"`new_num_tokens` must be at least 1, received {num_ids}")
    resized = nn.Embedding(num_ids, table.embedding_dim, device=table.weight.device, dtype=table.weight.dtype)
    nn.init.trunc_normal_(resized.weight, std=std, a=-2 * std, b=2 * std)
    with torch.no_grad():
        resized.weight[: table.num_embeddings] = table.weight[:num_ids]
    return resized
