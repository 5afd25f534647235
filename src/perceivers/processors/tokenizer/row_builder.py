"""Ids to rows that a model takes: cut, framed by special tokens, padded, as lists or tensors."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perceivers.processors.tokenizer.arrangement import arrange
from perceivers.processors.tokenizer.batch_encoding import BatchEncoding
from perceivers.processors.tokenizer.byte_codec import Piece
from perceivers.processors.tokenizer.decoding import ByteDecoder
from perceivers.processors.tokenizer.options import EncodingOptions, settle, settle_lengths, target_width
from perceivers.processors.tokenizer.padding import (
    as_columns,
    as_lists,
    pad_columns,
    require_rows,
    require_side,
    tensor_type_of,
)
from perceivers.processors.tokenizer.truncation import keep, kept_lengths, overflow
from perceivers.processors.tokenizer.truncation import truncation_strategy as strategy_of

logger = logging.getLogger(__name__)


class RowBuilder(ByteDecoder):
    """A vocabulary that makes rows of ids.

    Attributes:
        model_max_length: ids that the model takes.
        padding_side: "right" or "left".
        truncation_side: "right" or "left", the side that is cut.
        model_input_names: results that are given unasked.
    """

    model_max_length: int
    padding_side: str
    truncation_side: str
    model_input_names: list[str]
    _warned_of_length: bool = False

    @property
    def max_len_single_sentence(self) -> int:
        """Bytes of one text that fit into `model_max_length`."""
        return self.model_max_length - self.num_special_tokens_to_add()

    @property
    def max_len_sentences_pair(self) -> int:
        """Bytes of two texts that fit into `model_max_length` together."""
        return self.model_max_length - self.num_special_tokens_to_add(pair=True)

    def prepare_for_model(
        self,
        ids: list[int],
        pair_ids: list[int] | None = None,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = False,
        max_length: int | None = None,
        stride: int = 0,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_length: bool = False,
        verbose: bool = True,
        prepend_batch_axis: bool = False,
    ) -> BatchEncoding:
        """Truncate, surround and pad ids that were made before; tensors are [num_ids].

        Args:
            ids: ids of a text, without special tokens around it.
            pair_ids: ids of a second text.
            add_special_tokens: as in a call, like the rest.
            padding: as in a call.
            truncation: as in a call.
            max_length: as in a call.
            stride: as in a call.
            pad_to_multiple_of: as in a call.
            padding_side: as in a call.
            return_tensors: as in a call.
            return_token_type_ids: as in a call.
            return_attention_mask: as in a call.
            return_overflowing_tokens: as in a call.
            return_special_tokens_mask: as in a call.
            return_length: as in a call.
            verbose: as in a call.
            prepend_batch_axis: gives [1, num_ids].
        """
        options = self._settle(
            padding=padding,
            truncation=truncation,
            max_length=max_length,
            stride=stride,
            pad_to_multiple_of=pad_to_multiple_of,
            padding_side=padding_side,
            return_tensors=return_tensors,
            return_token_type_ids=return_token_type_ids,
            return_attention_mask=return_attention_mask,
            verbose=verbose,
            add_special_tokens=add_special_tokens,
            return_overflowing_tokens=return_overflowing_tokens,
            return_special_tokens_mask=return_special_tokens_mask,
            return_length=return_length,
        )
        second = None if pair_ids is None else np.asarray(pair_ids, dtype=np.int64)
        return self._finish(
            [np.asarray(ids, dtype=np.int64)], [second], options, axis=False, tensor_axis=prepend_batch_axis
        )

    def truncate_sequences(
        self,
        ids: list[int],
        pair_ids: list[int] | None = None,
        num_tokens_to_remove: int = 0,
        truncation_strategy: str = "longest_first",
        stride: int = 0,
    ) -> tuple[list[int], list[int] | None, list[int]]:
        """Remove ids from a text or a pair; the third result is what was cut off, empty where both may be cut.

        Args:
            ids: ids of a text.
            pair_ids: ids of a second text.
            num_tokens_to_remove: how many ids are too many.
            truncation_strategy: "longest_first", "only_first", "only_second" or "do_not_truncate".
            stride: kept ids that are repeated next to the removed ones.
        """
        strategy = strategy_of(truncation_strategy)
        num_pair = None if pair_ids is None else len(pair_ids)
        num_first, num_second = kept_lengths(len(ids), num_pair, num_tokens_to_remove, strategy)
        kept = keep(ids, num_first, self.truncation_side)
        kept_pair = (
            None
            if pair_ids is None or num_second is None
            else keep(pair_ids, num_second, self.truncation_side)
        )
        if pair_ids is not None and strategy == "longest_first":
            return kept, kept_pair, []
        cut = ids if num_first < len(ids) else pair_ids if num_second != num_pair else None
        removed = [] if cut is None else overflow(cut, num_tokens_to_remove, stride, self.truncation_side)
        return kept, kept_pair, removed

    def pad(
        self,
        encoded_inputs: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        padding: bool | str = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
        verbose: bool = True,
    ) -> BatchEncoding:
        """Bring encodings to one width: ids, masks and token types; other results are passed on as they are.

        Args:
            encoded_inputs: one encoding, of one text or of several, or a list of encodings of one text each.
            padding: as in a call.
            max_length: as in a call.
            pad_to_multiple_of: as in a call.
            padding_side: as in a call.
            return_attention_mask: as in a call.
            return_tensors: as in a call; None gives what was received, lists or tensors.
            verbose: warns of arguments that have no effect.
        """
        columns = as_columns(encoded_inputs)
        tensors = return_tensors or tensor_type_of(columns["input_ids"])
        columns = {name: as_lists(values) for name, values in columns.items()}
        strategy, _, length = settle_lengths(
            padding, False, max_length, pad_to_multiple_of, self.model_max_length, verbose=verbose
        )
        side = require_side("padding_side", padding_side or self.padding_side)
        if return_attention_mask is None:
            return_attention_mask = "attention_mask" in self.model_input_names
        is_single = not columns["input_ids"] or not isinstance(columns["input_ids"][0], list)
        if is_single:
            columns = {name: [values] for name, values in columns.items()}
        rows = require_rows(columns)
        if return_attention_mask and "attention_mask" not in columns:
            columns["attention_mask"] = [[1] * len(row) for row in rows]
        width = target_width(max(map(len, rows)), strategy, length, pad_to_multiple_of)
        if any(len(row) < width for row in rows):
            columns = pad_columns(columns, width, self.require_id("pad_token", "padding"), side)
        if is_single:
            columns = {name: values[0] for name, values in columns.items()}
        return BatchEncoding(columns, tensors)

    def _settle(self, *, padding_side: str | None, **arguments: Any) -> EncodingOptions:
        return settle(
            padding_side=self.padding_side if padding_side is None else padding_side,
            model_max_length=self.model_max_length,
            model_input_names=self.model_input_names,
            **arguments,
        )

    def _finish(
        self,
        first: Sequence[Piece],
        second: Sequence[Piece | None],
        options: EncodingOptions,
        *,
        axis: bool,
        tensor_axis: bool,
    ) -> BatchEncoding:
        """Rows as lists, or as tensors; the two flags say whether each has an axis for the batch."""
        start, separator = self._frame() if options.add_special_tokens else (0, 0)
        rows, cut_off, num_ids = arrange(
            first,
            second,
            options,
            start_id=start,
            separator_id=separator,
            pad_id=self.pad_token_id,
            truncation_side=self.truncation_side,
        )
        self._warn_of_length(int(num_ids.max(initial=0)), options)
        if options.return_tensors is not None:
            results: dict[str, Any] = {name: row.to_array() for name, row in rows.items()}
            if options.return_length:
                results["length"] = num_ids if axis else rows["input_ids"].lengths
            if not tensor_axis:
                results = {name: values[0] for name, values in results.items()}
            return BatchEncoding(results, options.return_tensors)
        results = {name: row.to_lists() for name, row in rows.items()} | cut_off
        if options.return_length:
            results["length"] = (num_ids if axis else rows["input_ids"].lengths).tolist()
        if not axis:
            results = {name: values[0] for name, values in results.items()}
        return BatchEncoding(results)

    def _warn_of_length(self, longest: int, options: EncodingOptions) -> None:
        if options.warn_above is None or longest <= options.warn_above or self._warned_of_length:
            return
        self._warned_of_length = True
        logger.warning(
            "a text has %d ids, `model_max_length` is %d: the model will refuse it; give `truncation=True` to cut it",
            longest,
            options.warn_above,
        )
