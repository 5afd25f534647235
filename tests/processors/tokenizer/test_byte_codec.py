"""Bytes to ids and back, against Python's own UTF-8."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceivers.errors import DataError
from perceivers.processors.tokenizer.byte_codec import (
    byte_tokens,
    decode_ids,
    encode_text,
    encode_texts,
    ids_of_piece,
    join_pieces,
    piece_of_id,
)

TOKENS = {0: b"[PAD]", 3: b"[MASK]"}
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=17)


def test_byte_b_is_id_b_plus_six():
    assert ids_of_piece(encode_text("A€")).tolist() == [65 + 6, 0xE2 + 6, 0x82 + 6, 0xAC + 6]


def test_the_empty_text_has_no_ids():
    assert ids_of_piece(encode_text("")).shape == (0,)


def test_the_largest_byte_of_utf8_is_an_id_of_one_byte():
    assert ids_of_piece(encode_text("\U0010ffff")).tolist() == [0xF4 + 6, 0x8F + 6, 0xBF + 6, 0xBF + 6]


@pytest.mark.parametrize("token_id", [0, 5, 6, 71, 255, 256, 261, 300])
def test_an_id_alone_stays_itself(token_id: int):
    assert ids_of_piece(piece_of_id(token_id)).tolist() == [token_id]


@given(st.lists(st.integers(0, 400) | texts, max_size=7))
def test_joined_pieces_have_the_ids_of_each(parts: list[int | str]):
    pieces = [piece_of_id(part) if isinstance(part, int) else encode_text(part) for part in parts]
    expected = [token_id for piece in pieces for token_id in ids_of_piece(piece).tolist()]
    assert ids_of_piece(join_pieces(pieces)).tolist() == expected


def test_a_lone_surrogate_among_many_texts_is_named():
    with pytest.raises(DataError, match=r"U\+DFFF at character 1"):
        encode_texts(["a", "b\udfff"])


@given(texts)
def test_decoding_undoes_encoding(text: str):
    assert decode_ids(ids_of_piece(encode_text(text)), TOKENS) == text


@given(st.lists(texts, max_size=5))
def test_texts_encoded_together_equal_each_encoded_alone(several: list[str]):
    assert encode_texts(several) == [encode_text(text) for text in several]


@given(st.binary(max_size=23))
def test_bytes_that_are_not_utf8_become_the_replacement_character(raw: bytes):
    ids = np.frombuffer(raw, dtype=np.uint8).astype(np.int64) + 6
    assert decode_ids(ids, TOKENS) == raw.decode("utf-8", errors="replace")


def test_tokens_are_written_as_their_strings():
    assert decode_ids(np.array([3, 71, 0]), TOKENS) == "[MASK]A[PAD]"


def test_a_token_wins_over_the_byte_of_the_same_id():
    assert decode_ids(np.array([239, 71]), {239: "é".encode()}) == "éA"


def test_a_token_splits_a_character_whose_bytes_surround_it():
    # 0xC3 0xA9 is "é"; alone, neither byte is UTF-8.
    assert decode_ids(np.array([0xC3 + 6, 3, 0xA9 + 6]), TOKENS) == "\ufffd[MASK]\ufffd"


@pytest.mark.parametrize("token_id", [-1, 1, 262])
def test_an_id_that_stands_for_nothing_is_refused(token_id: int):
    with pytest.raises(
        DataError, match=rf"`token_ids` must be ids of this tokenizer, 0 to 261, received {token_id}$"
    ):
        decode_ids(np.array([71, token_id]), TOKENS)


def test_a_lone_surrogate_is_refused_with_its_place():
    with pytest.raises(DataError, match=r"`text` must be writable as UTF-8, .*U\+D800 at character 2"):
        encode_text("ab\ud800")


def test_byte_tokens_are_characters_of_the_byte_values():
    assert byte_tokens("aé") == ["a", "\xc3", "\xa9"]
