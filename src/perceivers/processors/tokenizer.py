"""The byte tokenizer: text in, ids of its UTF-8 bytes out, drop-in for the published one."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from perceivers.errors import ConfigurationError, DataError
from perceivers.processors import padding as pads
from perceivers.processors.added_tokens import AddedToken, as_added_token
from perceivers.processors.batch_encoding import BatchEncoding
from perceivers.processors.byte_codec import Ids, byte_tokens, decode_ids
from perceivers.processors.byte_rows import arrange, ids_of_texts
from perceivers.processors.byte_vocabulary import NUMBERED_ROLES, ByteVocabulary
from perceivers.processors.encoding_options import (
    NO_LIMIT,
    EncodingOptions,
    settle,
    settle_lengths,
    target_width,
)
from perceivers.processors.text_inputs import as_texts
from perceivers.processors.tokenizer_files import (
    ADDED_TOKENS,
    TOKENIZER_CONFIG,
    read_tokenizer,
    upload_folder,
    write_json,
)
from perceivers.processors.truncation import keep, kept_lengths, overflow
from perceivers.processors.truncation import truncation_strategy as strategy_of

logger = logging.getLogger(__name__)

_CLEAN_UP = (
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)
_PAD_FILLS = {"attention_mask": 0, "token_type_ids": 0, "special_tokens_mask": 1}


class PerceiverTokenizer(ByteVocabulary):
    """Turns texts into ids: byte b is id b + 6, `[CLS] text [SEP]`, or `[CLS] text [SEP] pair [SEP]`.

    Args:
        pad_token: id 0; a string or an AddedToken, None for no token in that role. So are the others.
        bos_token: id 1.
        eos_token: id 2.
        mask_token: id 3.
        cls_token: id 4.
        sep_token: id 5.
        model_max_length: ids that the model takes; None for no limit.
        padding_side: "right" or "left".
        truncation_side: "right" or "left", the side that is cut.
        model_input_names: results of a call that are given unasked.
        clean_up_tokenization_spaces: the default for decode.
        split_special_tokens: treats special tokens inside a text as plain text.
        extra_special_tokens: a list of further special tokens, or a mapping from attribute names to tokens.
        additional_special_tokens: the older name of that list.
        added_tokens_decoder: tokens by id, as `tokenizer_config.json` holds them.
        name_or_path: where the tokenizer came from.
        kwargs: more roles (`unk_token`, any `..._token`); anything else is kept and saved.
    """

    vocab_files_names: Mapping[str, str] = {}
    is_fast = False

    def __init__(
        self,
        pad_token: str | AddedToken | None = "[PAD]",
        bos_token: str | AddedToken | None = "[BOS]",
        eos_token: str | AddedToken | None = "[EOS]",
        mask_token: str | AddedToken | None = "[MASK]",
        cls_token: str | AddedToken | None = "[CLS]",
        sep_token: str | AddedToken | None = "[SEP]",
        model_max_length: int | None = 2048,
        *,
        padding_side: str = "right",
        truncation_side: str = "right",
        model_input_names: Sequence[str] = ("input_ids", "attention_mask"),
        clean_up_tokenization_spaces: bool = False,
        split_special_tokens: bool = False,
        extra_special_tokens: Sequence[str | AddedToken] | Mapping[str, str | AddedToken] | None = None,
        additional_special_tokens: Sequence[str | AddedToken] | None = None,
        added_tokens_decoder: Mapping[int | str, object] | None = None,
        name_or_path: str = "",
        **kwargs: Any,
    ) -> None:
        tokens = (pad_token, bos_token, eos_token, mask_token, cls_token, sep_token)
        roles: dict[str, Any] = dict(zip(NUMBERED_ROLES, tokens, strict=True))
        roles |= {name: value for name, value in kwargs.items() if name.endswith("_token")}
        extra = extra_special_tokens if extra_special_tokens else additional_special_tokens or ()
        if isinstance(extra, Mapping):
            roles |= extra
            extra = ()
        if not isinstance(extra, list | tuple):
            raise ConfigurationError(
                f"`extra_special_tokens` must be a list of tokens or a mapping from names to tokens, received {extra!r}"
            )
        placed = {
            int(token_id): as_added_token(token) for token_id, token in (added_tokens_decoder or {}).items()
        }
        super().__init__(roles, extra, placed)
        self.padding_side = pads.require_side("padding_side", padding_side)
        self.truncation_side = pads.require_side("truncation_side", truncation_side)
        self.model_max_length = NO_LIMIT if model_max_length is None else model_max_length
        self.model_input_names = list(model_input_names)
        self.clean_up_tokenization_spaces = clean_up_tokenization_spaces
        self.split_special_tokens = split_special_tokens
        self.name_or_path = name_or_path
        self.init_kwargs = {name: value for name, value in kwargs.items() if not name.endswith("_token")}
        self._warned_of_length = False

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(name_or_path={self.name_or_path!r}, vocab_size={self.vocab_size}, "
            f"model_max_length={self.model_max_length}, padding_side={self.padding_side!r}, "
            f"truncation_side={self.truncation_side!r}, special_tokens={self.special_tokens_map})"
        )

    @property
    def max_len_single_sentence(self) -> int:
        """Bytes of one text that fit into `model_max_length`."""
        return self.model_max_length - self.num_special_tokens_to_add()

    @property
    def max_len_sentences_pair(self) -> int:
        """Bytes of two texts that fit into `model_max_length` together."""
        return self.model_max_length - self.num_special_tokens_to_add(pair=True)

    def __call__(
        self,
        text: Any = None,
        text_pair: Any = None,
        text_target: Any = None,
        text_pair_target: Any = None,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = None,
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_length: bool = False,
        verbose: bool = True,
        split_special_tokens: bool | None = None,
    ) -> BatchEncoding:
        """Encode one text, or a list of texts.

        Args:
            text: a string, a list of strings, a list of ids, or a list of these; inside a list, two texts are a pair.
            text_pair: second texts, one for each text.
            text_target: texts whose ids are given as `labels`, or as `input_ids` if there is no `text`.
            text_pair_target: second texts of the targets.
            add_special_tokens: puts [CLS] and [SEP] around the texts.
            padding: True or "longest", "max_length", or False.
            truncation: True or "longest_first", "only_first", "only_second", or False.
            max_length: ids a row, special tokens included; None takes `model_max_length` where one is needed.
            stride: kept ids that are repeated at the start of the overflowing ones.
            is_split_into_words: a list of strings is one text, of which each string is encoded alone.
            pad_to_multiple_of: rounds padded widths up.
            padding_side: "right" or "left"; None takes the tokenizer's.
            return_tensors: "pt", "np", or None for lists.
            return_token_type_ids: 0 for the first text and its special tokens, 1 for the second.
            return_attention_mask: 1 for ids, 0 for padding.
            return_overflowing_tokens: also the ids that were cut off, as lists.
            return_special_tokens_mask: 1 for added special tokens and padding, 0 for text.
            return_length: the number of ids a row.
            verbose: warns, once, of rows longer than `model_max_length`.
            split_special_tokens: treats special tokens inside the text as plain text.

        Returns:
            `input_ids` and what was asked for: [num_ids] lists for one text, [batch, num_ids] for several; tensors
            are [batch, num_ids] int64 always.
        """
        if text is None and text_target is None:
            raise DataError("`text` or `text_target` must be given, received None for both")
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
        split = self.split_special_tokens if split_special_tokens is None else split_special_tokens
        if text is None:
            return self._encode(text_target, text_pair_target, options, is_split_into_words, split)
        encoding = self._encode(text, text_pair, options, is_split_into_words, split)
        if text_target is not None:
            target = self._encode(text_target, text_pair_target, options, is_split_into_words, split)
            encoding["labels"] = target["input_ids"]
        return encoding

    def encode(self, text: Any, text_pair: Any = None, add_special_tokens: bool = True, **kwargs: Any) -> Any:
        """The `input_ids` that a call with the same arguments gives.

        Args:
            text: as in a call.
            text_pair: as in a call.
            add_special_tokens: as in a call.
            kwargs: as in a call.
        """
        return self(text, text_pair, add_special_tokens=add_special_tokens, **kwargs)["input_ids"]

    def tokenize(self, text: str, *, split_special_tokens: bool | None = None) -> list[str]:
        """The tokens of a text: one character a byte, and whole special or added tokens.

        Args:
            text: one text.
            split_special_tokens: as in a call.
        """
        split = self.split_special_tokens if split_special_tokens is None else split_special_tokens
        if split:
            return byte_tokens(text)
        tokens: list[str] = []
        for piece in self._finder.split(text):
            tokens += [piece] if piece in self._ids else byte_tokens(piece)
        return tokens

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
        columns = pads.as_columns(encoded_inputs)
        tensors = return_tensors or pads.tensor_type_of(columns["input_ids"])
        columns = {name: pads.as_lists(values) for name, values in columns.items()}
        strategy, _, length = settle_lengths(
            padding, False, max_length, pad_to_multiple_of, self.model_max_length, verbose=verbose
        )
        side = pads.require_side("padding_side", padding_side or self.padding_side)
        with_mask = (
            "attention_mask" in self.model_input_names
            if return_attention_mask is None
            else return_attention_mask
        )
        is_single = not columns["input_ids"] or not isinstance(columns["input_ids"][0], list)
        if is_single:
            columns = {name: [values] for name, values in columns.items()}
        rows = pads.require_rows(columns)
        lengths = [len(row) for row in rows]
        if with_mask and "attention_mask" not in columns:
            columns["attention_mask"] = [[1] * length for length in lengths]
        width = target_width(max(lengths), strategy, length, pad_to_multiple_of)
        fills = dict(_PAD_FILLS)
        if width > min(lengths):
            fills["input_ids"] = self.require_id("pad_token", "padding")
            for name in fills.keys() & columns.keys():
                columns[name] = [pads.extended(row, width, fills[name], side) for row in columns[name]]
        if is_single:
            columns = {name: values[0] for name, values in columns.items()}
        return BatchEncoding(columns, tensors)

    def decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
    ) -> Any:
        """The text of ids, or the texts of several rows of ids; bytes that are not UTF-8 become U+FFFD.

        Args:
            token_ids: an id, [num_ids], or [batch, num_ids]; lists, arrays or tensors.
            skip_special_tokens: leaves special tokens out.
            clean_up_tokenization_spaces: removes the space before English punctuation; None takes the tokenizer's.

        Raises:
            DataError: an id that stands for nothing, or values that are no ids.
        """
        if isinstance(token_ids, list | tuple) and len(token_ids) and not _is_id(token_ids[0]):
            return [self.decode(row, skip_special_tokens, clean_up_tokenization_spaces) for row in token_ids]
        ids = _as_ids(token_ids)
        if ids.ndim > 1:
            return [self.decode(row, skip_special_tokens, clean_up_tokenization_spaces) for row in ids]
        if skip_special_tokens:
            skipped = [token_id for token_id in self.all_special_ids if token_id is not None]
            ids = ids[~np.isin(ids, skipped)]
        text = decode_ids(ids, self._contents)
        clean = (
            self.clean_up_tokenization_spaces
            if clean_up_tokenization_spaces is None
            else clean_up_tokenization_spaces
        )
        return self.clean_up_tokenization(text) if clean else text

    def batch_decode(
        self,
        sequences: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
    ) -> list[str]:
        """The texts of rows of ids; always a list.

        Args:
            sequences: rows of ids.
            skip_special_tokens: as in decode.
            clean_up_tokenization_spaces: as in decode.
        """
        texts = self.decode(sequences, skip_special_tokens, clean_up_tokenization_spaces)
        return [texts] if isinstance(texts, str) else texts

    @staticmethod
    def clean_up_tokenization(text: str) -> str:
        """Remove the space before English punctuation and contracted endings."""
        for spaced, joined in _CLEAN_UP:
            text = text.replace(spaced, joined)
        return text

    def convert_tokens_to_string(self, tokens: Iterable[str]) -> str:
        """The text of tokens as `tokenize` gives them.

        Raises:
            DataError: a string that is no token.
        """
        ids: list[int] = []
        for token in tokens:
            token_id = self._id_of(token)
            if token_id is None:
                raise DataError(f"`tokens` must be tokens of this tokenizer, received {token!r}")
            ids.append(token_id)
        return decode_ids(np.asarray(ids, dtype=np.int64), self._contents)

    def build_inputs_with_special_tokens(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """[CLS] ids [SEP], or [CLS] ids [SEP] pair [SEP]."""
        start, separator = self._frame()
        row = [start, *token_ids_0, separator]
        return row if token_ids_1 is None else [*row, *token_ids_1, separator]

    def get_special_tokens_mask(
        self,
        token_ids_0: list[int],
        token_ids_1: list[int] | None = None,
        already_has_special_tokens: bool = False,
    ) -> list[int]:
        """1 for special tokens, 0 for text.

        Args:
            token_ids_0: ids of a text, or of a whole row.
            token_ids_1: ids of a second text.
            already_has_special_tokens: `token_ids_0` is a whole row; else the mask is of the row built from the texts.
        """
        if already_has_special_tokens:
            if token_ids_1 is not None:
                raise DataError(
                    "`token_ids_1` must be None where `already_has_special_tokens` is True, received a list"
                )
            special = set(self.all_special_ids)
            return [int(token_id in special) for token_id in token_ids_0]
        row = [1, *(0 for _ in token_ids_0), 1]
        return row if token_ids_1 is None else [*row, *(0 for _ in token_ids_1), 1]

    def create_token_type_ids_from_sequences(
        self, token_ids_0: list[int], token_ids_1: list[int] | None = None
    ) -> list[int]:
        """0 for the first text and its special tokens, 1 for the second."""
        return [0] * (len(token_ids_0) + 2) + ([] if token_ids_1 is None else [1] * (len(token_ids_1) + 1))

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """How many special tokens surround one text, 2, or a pair, 3."""
        return 3 if pair else 2

    def save_pretrained(
        self,
        save_directory: str | os.PathLike[str],
        *,
        filename_prefix: str | None = None,
        push_to_hub: bool = False,
        repo_id: str | None = None,
        **hub_arguments: Any,
    ) -> tuple[str, ...]:
        """Write the files that from_pretrained, here and in Transformers, reads; gives their paths.

        Args:
            save_directory: made if absent.
            filename_prefix: put before the file names, with a dash.
            push_to_hub: uploads the folder's files afterwards.
            repo_id: where to; the folder's name if None.
            hub_arguments: as in push_to_hub.
        """
        prefix = f"{filename_prefix}-" if filename_prefix else ""
        paths = [write_json(save_directory, prefix + TOKENIZER_CONFIG, self._settings())]
        added = {token: token_id for token, token_id in self._ids.items() if token_id >= len(NUMBERED_ROLES)}
        if added:
            paths.append(write_json(save_directory, prefix + ADDED_TOKENS, added))
        if push_to_hub:
            upload_folder(save_directory, repo_id or Path(save_directory).resolve().name, hub_arguments)
        return tuple(map(str, paths))

    def push_to_hub(self, repo_id: str, **hub_arguments: Any) -> str:
        """Upload the tokenizer's files; gives the commit's address.

        Args:
            repo_id: the repository's name on the model hub, made if absent.
            hub_arguments: `private`, `token`, `revision`, `commit_message`, `commit_description`, `create_pr`.
        """
        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(folder)
            return upload_folder(folder, repo_id, {"commit_message": "Upload tokenizer", **hub_arguments})

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        cache_dir: str | os.PathLike[str] | None = None,
        token: str | bool | None = None,
        local_files_only: bool = False,
        force_download: bool = False,
        **kwargs: Any,
    ) -> Self:
        """The tokenizer that was saved in a folder or on the model hub; the default one if there are no files of it.

        Args:
            pretrained_model_name_or_path: a folder, or a name such as "deepmind/language-perceiver".
            revision: branch, tag or commit.
            cache_dir: where downloads are kept.
            token: access token.
            local_files_only: never asks the network.
            force_download: downloads again what is there.
            kwargs: constructor arguments that win over the saved ones.

        Raises:
            CheckpointError: the name or a file's content is at fault.
        """
        hub_options = {
            "revision": revision,
            "cache_dir": cache_dir,
            "token": token,
            "local_files_only": local_files_only,
            "force_download": force_download,
        }
        saved = read_tokenizer(pretrained_model_name_or_path, hub_options)
        return cls(**(saved | {"name_or_path": os.fspath(pretrained_model_name_or_path)} | kwargs))

    def _settle(self, *, padding_side: str | None, **arguments: Any) -> EncodingOptions:
        return settle(
            padding_side=self.padding_side if padding_side is None else padding_side,
            model_max_length=self.model_max_length,
            model_input_names=self.model_input_names,
            **arguments,
        )

    def _encode(
        self,
        text: Any,
        text_pair: Any,
        options: EncodingOptions,
        is_split_into_words: bool,
        split_special_tokens: bool,
    ) -> BatchEncoding:
        first, second, is_batch = as_texts(text, text_pair, is_split_into_words)
        finder = None if split_special_tokens else self._finder
        first_ids = ids_of_texts(first, finder, self._ids)
        present = iter(ids_of_texts([pair for pair in second if pair is not None], finder, self._ids))
        second_ids = [None if pair is None else next(present) for pair in second]
        return self._finish(first_ids, second_ids, options, axis=is_batch, tensor_axis=True)

    def _finish(
        self,
        first: Sequence[Ids],
        second: Sequence[Ids | None],
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

    def _frame(self) -> tuple[int, int]:
        purpose = "`add_special_tokens=True`"
        return self.require_id("cls_token", purpose), self.require_id("sep_token", purpose)

    def _warn_of_length(self, longest: int, options: EncodingOptions) -> None:
        if options.warn_above is None or longest <= options.warn_above or self._warned_of_length:
            return
        self._warned_of_length = True
        logger.warning(
            "a text has %d ids, `model_max_length` is %d: the model will refuse it; give `truncation=True` to cut it",
            longest,
            options.warn_above,
        )

    def _settings(self) -> dict[str, Any]:
        """What `tokenizer_config.json` holds."""
        roles = dict.fromkeys(NUMBERED_ROLES) | self.special_tokens_map
        settings: dict[str, Any] = {
            **self.init_kwargs,
            **roles,
            "added_tokens_decoder": {str(number): token.to_dict() for number, token in self._added.items()},
            "backend": "custom",
            "clean_up_tokenization_spaces": self.clean_up_tokenization_spaces,
            "model_input_names": self.model_input_names,
            "model_max_length": self.model_max_length,
            "padding_side": self.padding_side,
            "split_special_tokens": self.split_special_tokens,
            "tokenizer_class": "PerceiverTokenizer",
            "truncation_side": self.truncation_side,
        }
        return settings | ({"extra_special_tokens": self._extra} if self._extra else {})


def _is_id(value: Any) -> bool:
    return isinstance(value, int | np.integer) or getattr(value, "ndim", 1) == 0


def _as_ids(token_ids: Any) -> Ids:
    """Ids of any kind as an integer array, of one axis at least.

    Raises:
        DataError: they are no integers.
    """
    array = np.atleast_1d(
        token_ids.numpy(force=True) if hasattr(token_ids, "detach") else np.asarray(token_ids)
    )
    if array.size == 0:
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise DataError(
            f"`token_ids` must be integers, received {array.dtype} values such as {array.ravel()[0]!r}"
        )
    return array
