"""The many ways in which callers write texts, brought to one: a list of texts and the list of their partners."""

from __future__ import annotations

from typing import Any, TypeAlias

from perceivers.errors import DataError

# A text, its words, or its ids.
Text: TypeAlias = str | list[str] | list[int]

_EXPECTED = "a string, a list of strings, a list of ids, or a list of these"


def as_texts(
    text: Any, text_pair: Any, is_split_into_words: bool
) -> tuple[list[Text], list[Text | None], bool]:
    """The first texts, the second texts (None where a row has one text), and whether a batch was given.

    Args:
        text: what the caller wrote; inside a batch, a list of two texts is a pair.
        text_pair: the same for second texts.
        is_split_into_words: lists of strings are the words of one text.

    Raises:
        DataError: something else was given, or the two batches differ in length.
    """
    if not _is_batch(text, is_split_into_words):
        second = None if text_pair is None else _as_text("text_pair", text_pair, words=True)
        return [_as_text("text", text, words=is_split_into_words)], [second], False
    # Types one after another, for the usual batch; strings of a class of their own take the way below.
    if text_pair is None and set(map(type, text)) == {str}:
        return list(text), [None] * len(text), True
    if text_pair is None:
        pairs = [_split_pair(row, item, is_split_into_words) for row, item in enumerate(text)]
        return [first for first, _ in pairs], [second for _, second in pairs], True
    if not isinstance(text_pair, list | tuple) or len(text_pair) != len(text):
        received = f"{len(text_pair)} texts" if isinstance(text_pair, list | tuple) else repr(text_pair)[:80]
        raise DataError(
            f"`text_pair` must be a list of {len(text)} texts, one for each of `text`, received {received}"
        )
    firsts = [_as_text(f"text[{row}]", item, words=is_split_into_words) for row, item in enumerate(text)]
    seconds = [
        None if item is None else _as_text(f"text_pair[{row}]", item, words=is_split_into_words)
        for row, item in enumerate(text_pair)
    ]
    return firsts, seconds, True


def _is_batch(text: Any, is_split_into_words: bool) -> bool:
    if not isinstance(text, list | tuple) or not text:
        return False
    return isinstance(text[0], list | tuple if is_split_into_words else str | list | tuple)


def _split_pair(row: int, item: Any, is_split_into_words: bool) -> tuple[Text, Text | None]:
    """A batch's item as a text, or as a pair where it is a list of two texts."""
    name = f"text[{row}]"
    holds_texts = isinstance(item, list | tuple) and bool(item) and isinstance(item[0], str | list | tuple)
    if is_split_into_words or not holds_texts:
        return _as_text(name, item, words=is_split_into_words), None
    if len(item) > 2:
        raise DataError(
            f"`{name}` must be a text or a pair of texts, received {len(item)} texts; give `is_split_into_words=True` if "
            "they are the words of one"
        )
    texts = [_as_text(name, part, words=False) for part in item]
    return texts[0], texts[1] if len(texts) == 2 else None


def _as_text(name: str, value: Any, *, words: bool) -> Text:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and value:
        if all(isinstance(part, int) and not isinstance(part, bool) for part in value):
            return list(value)
        if words and all(isinstance(part, str) for part in value):
            return list(value)
    raise DataError(f"`{name}` must be {_EXPECTED}, received {_describe(value)}")


def _describe(value: Any) -> str:
    if not isinstance(value, list | tuple):
        return f"{type(value).__name__} {value!r}"[:80]
    if not value:
        return f"an empty {type(value).__name__}"
    return f"a {type(value).__name__} of {', '.join(sorted({type(part).__name__ for part in value}))}"
