"""What a user asks to have written on: texts or events, typed or in files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perceivers.data.opening import find_files
from perceivers.kinds.text.reading import TEXT_SUFFIXES, encoded, is_given_as_path, read_text_file
from perceivers.tasks.base import Unreadable, guarded
from perceivers.tasks.text_generation.reading import events_of


@dataclass(frozen=True)
class Prompt:
    """What is written on.

    Args:
        source: the text itself as it was typed, or the file's path.
        values: bytes or events; none where something is to be written from the start.
    """

    source: str
    values: NDArray[Any]


def read_prompts(
    inputs: Sequence[str], *, reads_events: bool, left_out: list[Unreadable] | None = None
) -> Iterator[Prompt]:
    """Read texts, files of text, and folders of such files at any depth.

    Args:
        inputs: of the command.
        reads_events: whether they are whole numbers.
        left_out: see Task.predict.

    Raises:
        DataError: an input cannot be read, and `left_out` is None.
    """
    for given in inputs:
        for path in guarded(given, _files_of(given), left_out):
            source = given if path is None else str(path)
            yield from guarded(source, _prompts(source, path, reads_events), left_out)


def _files_of(given: str) -> Iterator[Path | None]:
    """The files that an input names; None where it is a text itself."""
    if is_given_as_path(given):
        yield from find_files([given], TEXT_SUFFIXES, "text")
    else:
        yield None


def _prompts(source: str, path: Path | None, reads_events: bool) -> Iterator[Prompt]:
    text = encoded(source, f"the text {source!r:.80}") if path is None else read_text_file(path)
    yield prompt_of(source, text, reads_events)


def prompt_of(source: str, text: bytes, reads_events: bool) -> Prompt:
    """A prompt of a text.

    Args:
        source: see Prompt.
        text: UTF-8.
        reads_events: whether it has whole numbers.

    Raises:
        DataError: it should, and has something else.
    """
    if not reads_events:
        return Prompt(source, np.frombuffer(text, dtype=np.uint8))
    if not text.strip():
        return Prompt(source, np.zeros(0, dtype=np.int64))
    return Prompt(source, events_of(text.decode("utf-8"), f"the prompt {source[:40]!r}"))
