"""Texts as rows of ids of one width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from perceivers.errors import DataError
from perceivers.processors.tokenizer.byte_codec import FIRST_BYTE_ID
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer

if TYPE_CHECKING:
    from torch import Tensor

Ids = NDArray[np.int64]


def row_of_texts(tokenizer: PerceiverTokenizer, *texts: bytes) -> Ids:
    """Ids of `[CLS] text [SEP]`, or of `[CLS] text [SEP] text [SEP]`; special tokens in a text are read as plain text."""
    parts = [[tokenizer.cls_token_id]]
    for text in texts:
        parts += [byte_ids(text).tolist(), [tokenizer.sep_token_id]]
    return np.concatenate([np.asarray(part, dtype=np.int64) for part in parts])


def byte_ids(text: bytes) -> Ids:
    """Ids of a text's bytes alone."""
    return np.frombuffer(text, dtype=np.uint8).astype(np.int64) + FIRST_BYTE_ID


def padded_rows(
    tokenizer: PerceiverTokenizer, rows: Sequence[Ids], offsets: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """What `padded_arrays` gives, as tensors."""
    import torch

    ids, mask = padded_arrays(tokenizer, rows, offsets)
    return torch.from_numpy(ids), torch.from_numpy(mask)


def padded_arrays(
    tokenizer: PerceiverTokenizer, rows: Sequence[Ids], offsets: Sequence[int]
) -> tuple[Ids, NDArray[np.bool_]]:
    """Rows of one width, as wide as the widest.

    Args:
        tokenizer: gives the padding's id.
        rows: ids of each text; none where a text is absent.
        offsets: padding before each.

    Returns:
        Ids [batch, length] and a bool mask [batch, length], True where there is text.
    """
    width = max(1, *(offset + len(row) for offset, row in zip(offsets, rows, strict=True)))
    ids = np.full((len(rows), width), tokenizer.pad_token_id, dtype=np.int64)
    mask = np.zeros((len(rows), width), dtype=bool)
    for index, (offset, row) in enumerate(zip(offsets, rows, strict=True)):
        ids[index, offset : offset + len(row)] = row
        mask[index, offset : offset + len(row)] = True
    return ids, mask


def shortened(texts: Sequence[bytes], room: int) -> list[bytes]:
    """Cut bytes off the end of one or two texts until both together have at most `room`, the longer one first.

    A character that would be cut through goes, too.
    """
    if len(texts) == 1:
        lengths = [room]
    else:
        half = room // 2
        first, second = len(texts[0]), len(texts[1])
        lengths = [max(room - second, room - half), max(room - first, half)]
    return [_whole_characters(text, length) for text, length in zip(texts, lengths, strict=True)]


def require_room(texts: Sequence[bytes], room: int, max_length: int) -> None:
    """Raise DataError where texts have more bytes than the model takes."""
    total = sum(map(len, texts))
    if total > room:
        raise DataError(
            f"has a text of {total:,} bytes, more than the {room:,} that `max_length` {max_length:,} leaves for text; raise "
            "it (`--max-length NUMBER`), or cut long texts (`--truncate`)"
        )


def _whole_characters(text: bytes, length: int) -> bytes:
    if length >= len(text):
        return text
    return text[:length].decode("utf-8", errors="ignore").encode("utf-8")
