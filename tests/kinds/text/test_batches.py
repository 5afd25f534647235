"""Rows of ids: their special tokens, their padding, texts cut to what there is room for."""

from __future__ import annotations

import pytest

from perceivers.errors import DataError
from perceivers.kinds.text.batches import byte_ids, padded_rows, require_room, row_of_texts, shortened
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer

TOKENIZER = PerceiverTokenizer()
# Ids of the published vocabulary: [PAD] 0, [BOS] 1, [EOS] 2, [MASK] 3, [CLS] 4, [SEP] 5, then the bytes.
PAD, CLS, SEP = 0, 4, 5


def test_bytes_follow_the_six_special_tokens() -> None:
    assert byte_ids(b"\x00A\xff").tolist() == [6, 71, 261]


def test_one_text_and_two_have_their_marks() -> None:
    assert row_of_texts(TOKENIZER, b"A").tolist() == [CLS, 71, SEP]
    assert row_of_texts(TOKENIZER, b"A", b"BC").tolist() == [CLS, 71, SEP, 72, 73, SEP]
    # A mark in a text is plain text.
    assert row_of_texts(TOKENIZER, b"[SEP]").tolist() == [CLS, *(byte + 6 for byte in b"[SEP]"), SEP]


def test_rows_are_padded_behind_and_by_their_offset_before() -> None:
    rows = [row_of_texts(TOKENIZER, b"A"), row_of_texts(TOKENIZER, b"BCD")]
    ids, mask = padded_rows(TOKENIZER, rows, [3, 0])
    assert ids.tolist() == [[PAD, PAD, PAD, CLS, 71, SEP], [CLS, 72, 73, 74, SEP, PAD]]
    assert mask.tolist() == [[False] * 3 + [True] * 3, [True] * 5 + [False]]


@pytest.mark.parametrize(
    ("texts", "room", "expected"),
    [
        ([b"abcdefg"], 5, [b"abcde"]),
        ([b"abc"], 5, [b"abc"]),
        # The longer one gives first, then both the same.
        ([b"abcdefg", b"xy"], 5, [b"abc", b"xy"]),
        ([b"ab", b"uvwxyz"], 5, [b"ab", b"uvw"]),
        ([b"abcdef", b"uvwxyz"], 7, [b"abcd", b"uvw"]),
        # An e with an accent has two bytes; half of it goes, too.
        (["aé".encode()], 2, [b"a"]),
    ],
)
def test_texts_are_cut_to_the_room_there_is(texts: list[bytes], room: int, expected: list[bytes]) -> None:
    assert shortened(texts, room) == expected


def test_texts_without_room_are_refused_with_what_to_do() -> None:
    require_room([b"abc", b"de"], 5, 8)
    with pytest.raises(
        DataError,
        match="has a text of 6 bytes, more than the 5 that `max_length` 8 leaves for text; "
        "raise it \\(`--max-length NUMBER`\\), or cut",
    ):
        require_room([b"abc", b"def"], 5, 8)
