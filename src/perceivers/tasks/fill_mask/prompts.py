"""What a user asks to have filled: texts with `[MASK]` and `[MASK:7]`, typed or in files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from perceivers.data.opening import find_files
from perceivers.errors import DataError
from perceivers.kinds.text.reading import encoded, is_path, read_text_file
from perceivers.kinds.text.words import Span
from perceivers.tasks.base import Unreadable, guarded

# [MASK] stands for one byte, [MASK:7] for seven; several without a space between them are one gap.
_MASKS = re.compile(rb"(?:\[MASK(?::\d+)?\])+")
_MASK = re.compile(rb"\[MASK(?::(\d+))?\]")
# Stands in a gap until it is filled: a letter, so that a gap is cut as a word is.
FILLER = b"x"


@dataclass(frozen=True)
class Prompt:
    """A text with gaps.

    Args:
        source: the text itself as it was typed, or the file's path.
        text: UTF-8, with a filler in every byte of every gap.
        gaps: (start, end) of each gap in `text`, in bytes.
    """

    source: str
    text: bytes
    gaps: tuple[Span, ...]


def read_prompts(
    inputs: Sequence[str], suffixes: Sequence[str], left_out: list[Unreadable] | None = None
) -> Iterator[Prompt]:
    """Read texts, files of text, and folders of such files (by `suffixes`, at any depth).

    Args:
        inputs: of the command.
        suffixes: endings of the files that count in folders.
        left_out: see Task.predict.

    Raises:
        DataError: an input has no gap, or is a file that cannot be read, and `left_out` is None.
    """
    for given in inputs:
        if is_path(given):
            for path in guarded(given, _files(given, suffixes), left_out):
                yield from guarded(str(path), _prompt_of(path), left_out)
        else:
            yield from guarded(
                given, (parse(encoded(given, f"the text {given!r:.80}"), given) for _ in range(1)), left_out
            )


def _files(given: str, suffixes: Sequence[str]) -> Iterator[Path]:
    yield from find_files([given], suffixes, "text")


def _prompt_of(path: Path) -> Iterator[Prompt]:
    yield parse(read_text_file(path), str(path))


def parse(marked: bytes, source: str) -> Prompt:
    """Take the marks out of a text and remember where they were."""
    text, gaps, read = b"", [], 0
    for found in _MASKS.finditer(marked):
        text += marked[read : found.start()]
        length = sum(int(count or 1) for count in _MASK.findall(found.group()))
        if length == 0:
            raise DataError(f"`{source[:80]}` has the gap {found.group().decode()}, which has no bytes")
        gaps.append((len(text), len(text) + length))
        text += FILLER * length
        read = found.end()
    if not gaps:
        raise DataError(
            f"`inputs` must have gaps, [MASK] for a byte or [MASK:7] for a word of 7 bytes, received {source[:80]!r} without"
        )
    return Prompt(source, text + marked[read:], tuple(gaps))
