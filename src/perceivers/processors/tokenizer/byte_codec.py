"""Text to ids and back without a loop over characters: byte b of the UTF-8 text is id b + 6."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from perceivers.errors import DataError

Ids: TypeAlias = NDArray[np.integer]

NUM_BYTES = 256
# Ids 0 to 5 are [PAD], [BOS], [EOS], [MASK], [CLS] and [SEP]; the published embeddings fix that order.
FIRST_BYTE_ID = 6
NUM_IDS = FIRST_BYTE_ID + NUM_BYTES

_BYTES = [bytes([byte]) for byte in range(NUM_BYTES)]


def encode_text(text: str) -> Ids:
    """Ids of a text's UTF-8 bytes: [num_bytes], uint16.

    Raises:
        DataError: the text holds half of a surrogate pair, which UTF-8 cannot write.
    """
    return _ids_of_bytes(_utf8(text))


def encode_texts(texts: Sequence[str]) -> list[Ids]:
    """Ids of many texts, converted in one step; each result is a view of one common array.

    Raises:
        DataError: as encode_text.
    """
    encoded = [_utf8(text) for text in texts]
    ids = _ids_of_bytes(b"".join(encoded))
    views = []
    start = 0
    for part in encoded:
        end = start + len(part)
        views.append(ids[start:end])
        start = end
    return views


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
    return list(_utf8(text).decode("latin-1"))


def _ids_of_bytes(encoded: bytes) -> Ids:
    # Two bytes an id until rows are made of them: what a long text costs is the memory that is touched.
    return np.add(np.frombuffer(encoded, dtype=np.uint8), FIRST_BYTE_ID, dtype=np.uint16)


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as problem:
        raise DataError(
            f"`text` must be writable as UTF-8, received the lone surrogate U+{ord(text[problem.start]):04X} at "
            f'character {problem.start}; text.encode("utf-8", "replace").decode() replaces it'
        ) from problem
