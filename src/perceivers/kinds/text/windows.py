"""Long texts in pieces that a model takes: cut between lines where possible, else between words."""

from __future__ import annotations

import numpy as np

from perceivers.errors import ConfigurationError

LINE_ENDS = b"\r\n"
SPACES = b" \t\v\f" + LINE_ENDS


def window_bounds(text: bytes, max_bytes: int) -> list[tuple[int, int]]:
    """Cut a text into windows of at most `max_bytes` bytes, one after the other.

    A window ends behind the last line that ends in its second half, else behind the last word there, else between two
    characters. White space at a cut belongs to neither side, except for the spaces that indent a line.

    Args:
        text: UTF-8 bytes.
        max_bytes: length of a window at most, in bytes; at least 4, as many as a character has.

    Returns:
        (start, end) of each window, in bytes from the text's start; a text of nothing but white space has none.
    """
    if max_bytes < 4:
        raise ConfigurationError(f"`max_bytes` must be at least 4, received {max_bytes}")
    bounds: list[tuple[int, int]] = []
    start = _skip(text, 0, LINE_ENDS)
    while start < len(text):
        end, skipped = _end_of_window(text, start, max_bytes)
        kept = _trimmed(text, start, end)
        if kept > start:
            bounds.append((start, kept))
        start = _skip(text, end, skipped)
    return bounds


def _end_of_window(text: bytes, start: int, max_bytes: int) -> tuple[int, bytes]:
    """Where the window from `start` ends, and which bytes are skipped before the next one."""
    limit = start + max_bytes
    if limit >= len(text):
        return len(text), b""
    half = start + max_bytes // 2
    # One byte further: white space right behind the window ends its last word, too.
    line_end = max(text.rfind(bytes([byte]), half, limit + 1) for byte in LINE_ENDS)
    if line_end >= 0:
        return line_end, LINE_ENDS
    space = max(text.rfind(bytes([byte]), half, limit + 1) for byte in SPACES)
    if space >= 0:
        return space, SPACES
    end = limit
    while end > start + 1 and _is_continuation(text[end]):
        end -= 1
    return end, b""


def _is_continuation(byte: int) -> bool:
    """Whether a byte stands inside a UTF-8 character."""
    return byte & 0b1100_0000 == 0b1000_0000


def _skip(text: bytes, position: int, skipped: bytes) -> int:
    while position < len(text) and text[position] in skipped:
        position += 1
    return position


def _trimmed(text: bytes, start: int, end: int) -> int:
    """The end without white space before it; `start` where there is nothing else."""
    while end > start and text[end - 1] in SPACES:
        end -= 1
    return end


def moved_window(
    text: bytes, start: int, end: int, max_bytes: int, generator: np.random.Generator
) -> tuple[int, int]:
    """Draw a window near a given one, from the beginning of a word on.

    Args:
        text: UTF-8 bytes that the windows are part of.
        start: of the given window, in bytes.
        end: of the given window. One that is longer than `max_bytes` gives a window anywhere inside it; another one gives a
            window that begins up to half of `max_bytes` before or behind it.
        max_bytes: length of the drawn window at most, at least 4.
        generator: where the choice comes from.

    Returns:
        (start, end) of the drawn window; it holds a word where the given one does.
    """
    if end - start > max_bytes:
        lowest, highest = start, end - max_bytes
    else:
        lowest, highest = max(start - max_bytes // 2, 0), min(start + max_bytes // 2, len(text) - max_bytes)
    drawn = int(generator.integers(lowest, max(highest, lowest) + 1))
    while 0 < drawn < highest and text[drawn - 1] not in SPACES:
        drawn += 1
    while drawn > 0 and _is_continuation(text[drawn]):
        drawn -= 1
    # One byte more than a window, so that a word that ends right at its end is seen to end.
    windows = window_bounds(text[drawn : drawn + max_bytes + 1], max_bytes)
    if highest <= lowest or not windows:
        return start, min(end, start + max_bytes)
    return drawn + windows[0][0], drawn + windows[0][1]
