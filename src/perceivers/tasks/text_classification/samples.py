"""Texts with their labels: rows decoded, varied while training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from perceivers.errors import DataError
from perceivers.kinds.text.batches import require_room, shortened
from perceivers.kinds.text.reading import read_text
from perceivers.kinds.text.words import bytes_of, word_spans
from perceivers.tasks.text_classification.options import TextClassificationArguments
from perceivers.tasks.text_classification.questions import Question


@dataclass(frozen=True)
class TextSample:
    """One text, or two, with what is asked and the true answer.

    Args:
        texts: UTF-8.
        task: number of the task.
        target: class id, 0 and 1 by label (float32 [num_labels]), or a number.
        hidden: for each text, the indices of bytes that are read as [MASK].
        offset: empty positions before the text.
    """

    texts: tuple[bytes, ...]
    task: int
    target: Any
    hidden: tuple[tuple[int, ...], ...] = ()
    offset: int = 0


@dataclass(frozen=True)
class TextFields:
    """Where the texts of a row are, and how long they may be.

    Args:
        columns: of the first text and, where there is one, of the second.
        max_length: ids that the model takes.
        reserved: positions that the random offset may take.
        truncate: cut longer texts instead of raising.
    """

    columns: tuple[str, ...]
    max_length: int
    reserved: int = 0
    truncate: bool = False

    def read(self, row: Mapping[str, Any], table: Any) -> tuple[bytes, ...]:
        """The texts of a row, cut where that is wanted; a DataError where the first is absent or they are too long.

        A row without a second text has one: of several tasks, some are about pairs and some are not.
        """
        first, *others = self.columns
        read = [first, *(column for column in others if row[column] is not None)]
        return self.fit([read_text(row, table, column) for column in read])

    def fit(self, texts: list[bytes]) -> tuple[bytes, ...]:
        """The same for texts that are at hand."""
        room = self.max_length - self.reserved - 1 - len(texts)
        if self.truncate:
            return tuple(shortened(texts, room))
        require_room(texts, room, self.max_length)
        return tuple(texts)


@dataclass(frozen=True)
class TextDecoder:
    """Rows to samples.

    Args:
        fields: see TextFields.
        label_column: the labels'.
        label_separator: see TextClassificationArguments.
        task_column: the tasks' names; None where there is one task.
        questions: by task, in the order of their numbers.
    """

    fields: TextFields
    label_column: str
    label_separator: str
    task_column: str | None
    questions: Mapping[str, Question]

    def __call__(self, row: Mapping[str, Any], table: Any) -> TextSample:
        """See `perceivers.data.rows.Decode`."""
        names = list(self.questions)
        name = names[0] if self.task_column is None else str(row[self.task_column])
        if name not in self.questions:
            raise DataError(
                f"has the task {name!r} in the column {self.task_column!r}, which is not one of {', '.join(names)}"
            )
        target = self.questions[name].target(row[self.label_column], self.label_column, self.label_separator)
        return TextSample(self.fields.read(row, table), names.index(name), target)


def vary_text(
    sample: TextSample, chosen: TextClassificationArguments, generator: np.random.Generator
) -> TextSample:
    """Read only a run of a text's words, hide words, begin elsewhere, as `chosen` says."""
    texts = sample.texts
    if chosen.crop:
        texts = tuple(
            _run_of_words(text, generator) if generator.random() < chosen.crop else text for text in texts
        )
    hidden = tuple(
        tuple(bytes_of([span for span in word_spans(text) if generator.random() < chosen.hide]))
        for text in texts
    )
    offset = int(generator.integers(chosen.random_offset + 1))
    return replace(sample, texts=texts, hidden=hidden, offset=offset)


def _run_of_words(text: bytes, generator: np.random.Generator) -> bytes:
    spans = word_spans(text)
    if not spans:
        return text
    count = int(generator.integers(1, len(spans) + 1))
    first = int(generator.integers(len(spans) - count + 1))
    return text[spans[first][0] : spans[first + count - 1][1]]
