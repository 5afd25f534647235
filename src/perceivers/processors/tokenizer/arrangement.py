"""Texts as ids, joined with special tokens into rows: all of a tokenizer that works on whole batches at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from perceivers.errors import ConfigurationError
from perceivers.processors.tokenizer.added_tokens import TokenFinder
from perceivers.processors.tokenizer.byte_codec import (
    Piece,
    encode_text,
    encode_texts,
    ids_of_piece,
    join_pieces,
    piece_of_id,
)
from perceivers.processors.tokenizer.options import EncodingOptions, target_width
from perceivers.processors.tokenizer.rows import Rows, real_places, repeat_in_rows, rows_of_pieces
from perceivers.processors.tokenizer.text_inputs import Text
from perceivers.processors.tokenizer.truncation import (
    DO_NOT_TRUNCATE,
    LONGEST_FIRST,
    keep,
    kept_lengths,
    overflow,
)


def pieces_of_texts(
    texts: Sequence[Text], finder: TokenFinder | None, token_ids: dict[str, int]
) -> list[Piece]:
    """One piece a text, without special tokens around it.

    Args:
        texts: strings, lists of words, or lists of ids, which are taken as they are.
        finder: cuts texts at tokens; None treats tokens as plain text.
        token_ids: the ids of the finder's tokens.
    """
    if set(map(type, texts)) <= {str}:
        strings = cast("Sequence[str]", texts)
        # Looking through all texts at once may find a token that reaches over two of them: slower then, never wrong.
        if finder is None or not finder.occurs_in("".join(strings)):
            return list(encode_texts(strings))
    return [_piece_of_text(text, finder, token_ids) for text in texts]


def _piece_of_text(text: Text, finder: TokenFinder | None, token_ids: dict[str, int]) -> Piece:
    if not isinstance(text, str):
        if all(isinstance(part, int) for part in text):
            return np.asarray(text, dtype=np.int64)
        return join_pieces([_piece_of_text(str(word), finder, token_ids) for word in text])
    if finder is None or not finder.occurs_in(text):
        return encode_text(text)
    return join_pieces(
        [
            piece_of_id(token_ids[part]) if part in token_ids else encode_text(part)
            for part in finder.split(text)
        ]
    )


def has_pairs(second: Sequence[object]) -> bool:
    """Whether any row has a second text."""
    return bool(set(map(type, second)) - {type(None)})


def arrange(
    first: Sequence[Piece],
    second: Sequence[Piece | None],
    options: EncodingOptions,
    *,
    start_id: int,
    separator_id: int,
    pad_id: int | None,
    truncation_side: str,
) -> tuple[dict[str, Rows], dict[str, Any], NDArray[np.int64]]:
    """Truncate, surround with special tokens, and pad.

    Args:
        first: each row's first text.
        second: each row's second text, None where there is none.
        options: what is asked for.
        start_id: opens a row.
        separator_id: closes each text.
        pad_id: fills shorter rows; None where there is no such token.
        truncation_side: the side that is cut.

    Returns:
        The padded rows by name, what was cut off (empty unless asked for), and the number of ids of each row
        before padding.
    """
    first, second, cut_off = _truncate(first, second, options, truncation_side)
    num_first = np.fromiter(map(len, first), dtype=np.int64, count=len(first))
    num_second = pairs = np.zeros_like(num_first)
    with_pairs = has_pairs(second)
    if with_pairs:
        num_second = np.asarray([0 if ids is None else len(ids) for ids in second], dtype=np.int64)
        # A second text, even an empty one, ends with a separator.
        pairs = np.asarray([ids is not None for ids in second], dtype=np.int64)
    specials = int(options.add_special_tokens)
    lengths = num_first + num_second + specials * (2 + pairs)
    pieces: Sequence[Piece]
    if with_pairs or not options.add_special_tokens:
        pieces = _framed(first, second, options.add_special_tokens, start_id, separator_id)
    else:
        pieces = _framed_alone(first, start_id, separator_id)
    ids = rows_of_pieces(pieces, lengths)

    longest = int(lengths.max(initial=0))
    target = target_width(longest, options.padding, options.max_length, options.pad_to_multiple_of)
    widths = np.maximum(lengths, target)
    if pad_id is None:
        if (widths > lengths).any():
            raise ConfigurationError("`padding` needs a `pad_token` with an id, this tokenizer has none")
        pad_id = 0

    places = real_places(lengths, widths, options.padding_side)
    complete = np.array_equal(widths, lengths)

    def pad(rows: Rows, fill: int) -> Rows:
        return rows if complete else rows.padded(places, fill)

    rows = {"input_ids": pad(ids, pad_id)}
    if options.return_token_type_ids:
        # Without special tokens the published tokenizer tells no second text apart.
        kinds = repeat_in_rows(
            (0, 1), (num_first + 2, num_second + pairs) if specials else (lengths, 0 * lengths)
        )
        rows["token_type_ids"] = pad(kinds, 0)
    if options.return_special_tokens_mask:
        counts = (specials, num_first, specials, num_second, specials * pairs)
        rows["special_tokens_mask"] = pad(repeat_in_rows((1, 0, 1, 0, 1), counts), 1)
    if options.return_attention_mask:
        rows["attention_mask"] = places
    return rows, cut_off, lengths


def _framed(
    first: Sequence[Piece], second: Sequence[Piece | None], special: bool, start_id: int, separator_id: int
) -> list[Piece]:
    """The texts of all rows one after another, with special tokens around them where asked for."""
    if not special:
        return [piece for texts in zip(first, second, strict=True) for piece in texts if piece is not None]
    start, separator = piece_of_id(start_id), piece_of_id(separator_id)
    pieces: list[Piece] = []
    for a, b in zip(first, second, strict=True):
        pieces += (start, a, separator) if b is None else (start, a, separator, b, separator)
    return pieces


def _framed_alone(first: Sequence[Piece], start_id: int, separator_id: int) -> list[Piece]:
    """Texts without partners, one after another, each between its two special tokens."""
    start, separator = piece_of_id(start_id), piece_of_id(separator_id)
    # A row ends where the next one starts.
    between = join_pieces([separator, start])
    if isinstance(between, bytes) and len(first) > 1 and set(map(type, first)) == {bytes}:
        return [start, between.join(cast("Sequence[bytes]", first)), separator]
    pieces = [between] * (2 * len(first) + 1)
    pieces[0], pieces[-1] = start, separator
    pieces[1::2] = first
    return pieces


def _truncate(
    first: Sequence[Piece], second: Sequence[Piece | None], options: EncodingOptions, side: str
) -> tuple[Sequence[Piece], Sequence[Piece | None], dict[str, Any]]:
    """The texts cut to fit, and what was cut off."""
    if options.return_overflowing_tokens and has_pairs(second) and options.truncation == LONGEST_FIRST:
        raise ConfigurationError(
            "`return_overflowing_tokens` with pairs needs `truncation` 'only_first' or 'only_second', "
            "received 'longest_first', which cuts both texts"
        )
    # A length of 0 is no limit: so it is in the published tokenizer.
    if not options.max_length or options.truncation == DO_NOT_TRUNCATE:
        return first, second, {}
    # The published tokenizer forgets an empty partner, and its separator, when it cuts both on the left.
    forgets_empty = options.truncation == LONGEST_FIRST and side == "left"
    kept_first: list[Piece] = []
    kept_second: list[Piece | None] = []
    removed: list[list[int]] = []
    num_removed: list[int] = []
    for a, b in zip(first, second, strict=True):
        specials = (2 if b is None else 3) if options.add_special_tokens else 0
        num_b = None if b is None else len(b)
        excess = len(a) + (num_b or 0) + specials - options.max_length
        if forgets_empty and excess > 0 and num_b == 0:
            b = num_b = None
        length_a, length_b = kept_lengths(len(a), num_b, excess, options.truncation)
        kept_first.append(keep(a, length_a, side))
        kept_second.append(None if b is None or length_b is None else keep(b, length_b, side))
        cut = a if length_a < len(a) else b if length_b != num_b else None
        if options.return_overflowing_tokens:
            removed.append(
                [] if cut is None else ids_of_piece(overflow(cut, excess, options.stride, side)).tolist()
            )
            num_removed.append(0 if cut is None else excess)
    if not any(num_removed):
        return kept_first, kept_second, {}
    return kept_first, kept_second, {"overflowing_tokens": removed, "num_truncated_tokens": num_removed}
