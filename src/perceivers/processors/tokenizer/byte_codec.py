"""Text to ids and back without a loop over characters: byte b of the UTF-8 text is id b + 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from perceivers.errors import DataError

Ids: TypeAlias = NDArray[np.integer]
# UTF-8 bytes of plain text, byte b for id b + 6; or ids. Bytes are joined, cut and counted several times as fast as arrays.
Piece: TypeAlias = bytes | Ids

NUM_BYTES = 256
# Ids 0 to 5 are [PAD], [BOS], [EOS], [MASK], [CLS] and [SEP]; the published embeddings fix that order.
FIRST_BYTE_ID = 6
NUM_IDS = FIRST_BYTE_ID + NUM_BYTES

_BYTES = [bytes([byte]) for byte in range(NUM_BYTES)]


def encode_text(text: str) -> bytes:
    """A text's UTF-8 bytes.

    Raises:
        DataError: the text holds half of a surrogate pair, which UTF-8 cannot write.
    """
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as problem:
        raise DataError(
            f"`text` must be writable as UTF-8, received the lone surrogate U+{ord(text[problem.start]):04X} at "
            f'character {problem.start}; text.encode("utf-8", "replace").decode() replaces it'
        ) from problem


def encode_texts(texts: Sequence[str]) -> list[bytes]:
    """The UTF-8 bytes of many texts.

    Raises:
        DataError: as encode_text.
    """
    try:
        return [text.encode() for text in texts]
    except UnicodeEncodeError:
        return [encode_text(text) for text in texts]


def piece_of_id(token_id: int) -> Piece:
    """One id as a piece: as the byte that becomes it where there is one, so that it can be joined with bytes of text."""
    if 0 <= token_id < NUM_BYTES:
        return bytes([(token_id - FIRST_BYTE_ID) % NUM_BYTES])
    return np.asarray([token_id], dtype=np.int64)


def ids_of_piece(piece: Piece, out: NDArray[np.uint8] | None = None) -> Ids:
    """Ids [num_ids] of a piece: uint8 of bytes (UTF-8 holds none that stands for an id above 250), else what they were.

    Args:
        piece: bytes, or ids.
        out: where the ids of bytes are put; None: new memory.
    """
    if isinstance(piece, bytes):
        # Wraps around for the bytes that stand for ids 0 to 5.
        return np.add(np.frombuffer(piece, dtype=np.uint8), FIRST_BYTE_ID, out=out, dtype=np.uint8)
    return piece


def join_pieces(pieces: Sequence[Piece]) -> Piece:
    """Pieces one after another: bytes where all are bytes, else int64."""
    if set(map(type, pieces)) <= {bytes}:
        return b"".join(pieces)  # type: ignore[arg-type]
    return np.concatenate([ids_of_piece(piece) for piece in pieces], dtype=np.int64)


def decode_ids(ids: Ids, contents: Mapping[int, bytes]) -> str:
    """The text whose bytes the ids stand for; bytes that are not UTF-8 become U+FFFD.

    Args:
        ids: [num_ids].
        contents: what is written for the ids that stand for a whole token; they win over plain bytes.

    Raises:
        DataError: an id stands for neither a byte nor a token.
    """
    byte_ids = (ids >= FIRST_BYTE_ID) & (ids < NUM_IDS)
    if byte_ids.all() and not any(FIRST_BYTE_ID <= token_id < NUM_IDS for token_id in contents):
        return (ids - FIRST_BYTE_ID).astype(np.uint8).tobytes().decode("utf-8", errors="replace")
    table = dict(enumerate(_BYTES, start=FIRST_BYTE_ID)) | dict(contents)
    try:
        return b"".join(map(table.__getitem__, ids.tolist())).decode("utf-8", errors="replace")
    except KeyError as problem:
        raise DataError(
            f"`token_ids` must be ids of this tokenizer, 0 to {max(table)}, received {problem.args[0]}"
        ) from problem


def byte_tokens(text: str) -> list[str]:
    """The text's bytes as tokens: byte b is written as the character with code point b."""
    return list(encode_text(text).decode("latin-1"))
