"""Ids that are already there: their text, the special tokens around them, and masks over them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from perceivers.errors import DataError
from perceivers.processors.tokenizer.byte_codec import Ids, decode_ids
from perceivers.processors.tokenizer.vocabulary import ByteVocabulary

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


class ByteDecoder(ByteVocabulary):
    """A vocabulary that reads ids.

    Attributes:
        clean_up_tokenization_spaces: the default for decode.
    """

    clean_up_tokenization_spaces: bool = False

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
        """The texts of rows of ids; always a list, and an empty one of no rows.

        Args:
            sequences: rows of ids.
            skip_special_tokens: as in decode.
            clean_up_tokenization_spaces: as in decode.
        """
        if hasattr(sequences, "__len__") and getattr(sequences, "ndim", None) != 0 and len(sequences) == 0:
            return []
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

    def _frame(self) -> tuple[int, int]:
        purpose = "`add_special_tokens=True`"
        return self.require_id("cls_token", purpose), self.require_id("sep_token", purpose)


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
