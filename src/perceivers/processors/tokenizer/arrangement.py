"""Texts as ids, joined with special tokens into rows: all of a tokenizer that works on whole batches at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perceivers.errors import ConfigurationError
from perceivers.processors.tokenizer.added_tokens import TokenFinder
from perceivers.processors.tokenizer.byte_codec import Ids, encode_text, encode_texts
from perceivers.processors.tokenizer.options import EncodingOptions, target_width
from perceivers.processors.tokenizer.rows import Rows, join_segments, real_places, repeat_in_rows
from perceivers.processors.tokenizer.text_inputs import Text
from perceivers.processors.tokenizer.truncation import (
    DO_NOT_TRUNCATE,
    LONGEST_FIRST,
    keep,
    kept_lengths,
    overflow,
)


def ids_of_texts(texts: Sequence[Text], finder: TokenFinder | None, token_ids: dict[str, int]) -> list[Ids]:
    """Ids of each text, [num_ids] each, without special tokens around them.

    Args:
        texts: strings, lists of words, or lists of ids, which are taken as they are.
        finder: cuts texts at tokens; None treats tokens as plain text.
        token_ids: the ids of the finder's tokens.
    """
    strings = [text for text in texts if isinstance(text, str)]
    # Looking through all texts at once may find a token that reaches over two of them: slower then, never wrong.
    if len(strings) == len(texts) and (finder is None or not finder.occurs_in("".join(strings))):
        return encode_texts(strings)
    return [_ids_of_text(text, finder, token_ids) for text in texts]


def _ids_of_text(text: Text, finder: TokenFinder | None, token_ids: dict[str, int]) -> Ids:
    if not isinstance(text, str):
        if all(isinstance(part, int) for part in text):
            return np.asarray(text, dtype=np.int64)
        return np.concatenate([_ids_of_text(str(word), finder, token_ids) for word in text])
    if finder is None or not finder.occurs_in(text):
        return encode_text(text)
    parts = [
        np.asarray([token_ids[piece]]) if piece in token_ids else encode_text(piece)
        for piece in finder.split(text)
    ]
    return np.concatenate(parts) if parts else encode_text("")


def arrange(
    first: Sequence[Ids],
    second: Sequence[Ids | None],
    options: EncodingOptions,
    *,
    start_id: int,
    separator_id: int,
    pad_id: int | None,
    truncation_side: str,
) -> tuple[dict[str, Rows], dict[str, Any], NDArray[np.int64]]:
    """Truncate, surround with special tokens, and pad.

    Args:
        first: ids of each row's first text.
        second: ids of each row's second text, None where there is none.
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
    num_first = np.asarray([len(ids) for ids in first], dtype=np.int64)
    num_second = np.asarray([0 if ids is None else len(ids) for ids in second], dtype=np.int64)
    # A second text, even an empty one, ends with a separator.
    pairs = np.asarray([ids is not None for ids in second], dtype=np.int64)
    specials = int(options.add_special_tokens)
    lengths = num_first + num_second + specials * (2 + pairs)
    ids = join_segments(_segments(first, second, options.add_special_tokens, start_id, separator_id), lengths)

    longest = int(lengths.max(initial=0))
    target = target_width(longest, options.padding, options.max_length, options.pad_to_multiple_of)
    widths = np.maximum(lengths, target)
    if pad_id is None:
        if (widths > lengths).any():
            raise ConfigurationError("`padding` needs a `pad_token` with an id, this tokenizer has none")
        pad_id = 0

    def pad(rows: Rows, fill: int) -> Rows:
        return rows.padded(widths, fill, options.padding_side)

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
        rows["attention_mask"] = real_places(lengths, widths, options.padding_side)
    return rows, cut_off, lengths


def _segments(
    first: Sequence[Ids], second: Sequence[Ids | None], special: bool, start_id: int, separator_id: int
) -> list[list[Ids]]:
    if not special:
        return [[a] if b is None else [a, b] for a, b in zip(first, second, strict=True)]
    start, separator = np.asarray([start_id]), np.asarray([separator_id])
    return [
        [start, a, separator] if b is None else [start, a, separator, b, separator]
        for a, b in zip(first, second, strict=True)
    ]


def _truncate(
    first: Sequence[Ids], second: Sequence[Ids | None], options: EncodingOptions, side: str
) -> tuple[Sequence[Ids], Sequence[Ids | None], dict[str, Any]]:
    """The texts cut to fit, and what was cut off."""
    is_pair = any(ids is not None for ids in second)
    if options.return_overflowing_tokens and is_pair and options.truncation == LONGEST_FIRST:
        raise ConfigurationError(
            "`return_overflowing_tokens` with pairs needs `truncation` 'only_first' or 'only_second', "
            "received 'longest_first', which cuts both texts"
        )
    # A length of 0 is no limit: so it is in the published tokenizer.
    if not options.max_length or options.truncation == DO_NOT_TRUNCATE:
        return first, second, {}
    # The published tokenizer forgets an empty partner, and its separator, when it cuts both on the left.
    forgets_empty = options.truncation == LONGEST_FIRST and side == "left"
    kept_first: list[Ids] = []
    kept_second: list[Ids | None] = []
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
            removed.append([] if cut is None else overflow(cut, excess, options.stride, side).tolist())
            num_removed.append(0 if cut is None else excess)
    if not any(num_removed):
        return kept_first, kept_second, {}
    return kept_first, kept_second, {"overflowing_tokens": removed, "num_truncated_tokens": num_removed}
