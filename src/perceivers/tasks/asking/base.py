"""The contract between a trained model and whatever people ask it through: fields in; words, pictures and examples out.

    cells by column --answers--> Prediction --said, html--> what people read and look at

Cells come from somebody else. Files are `Sent`, everything else is words, numbers and lists; nothing in them is opened as a
path. Only cells of the run's own data (`Own`) may name files.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from perceivers.answers.said import Said
from perceivers.data.tables import Table
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.asked import Extent, Field, Media
from perceivers.tasks.asking.wording import in_words_of_a_question
from perceivers.tasks.base import Parts, Prediction, Task

# What a question is called where a row of a table has a name.
QUESTION = "the question"


@dataclass(frozen=True)
class Own:
    """A cell of the run's own data.

    Args:
        value: it may be a path.
        row: the whole row: what stands beside a cell may belong to it.
        table: what the row is from.
    """

    value: Any = field(repr=False)
    row: Mapping[str, Any] = field(default_factory=dict, repr=False)
    table: Table | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Example:
    """A sample of the run's own data as a question.

    Args:
        name: what it is called.
        cells: by column; files are `Own`.
        truth: what should be answered, by the answer's title.
        html: the truth as a picture, where it is one.
    """

    name: str
    cells: Mapping[str, Any]
    truth: Mapping[str, str]
    html: str = ""


class Asking(ABC):
    """A trained model as people ask it. Asking changes nothing in it.

    Args:
        task: what the model was trained for.
        parts: model and processor, on their device.
        prepared: the model's exact fast form.
    """

    writes: ClassVar[bool] = False
    """Whether an answer is a text that comes piece by piece, see `write_on`."""
    shown_as: ClassVar[str] = "What the model looked at"
    """What stands above `html`."""
    may_be_empty: ClassVar[bool] = False
    """Whether nothing is a question, too."""
    is_quick: ClassVar[bool] = True
    """Whether a dozen answers cost so little that they are given unasked."""

    def __init__(self, task: Task[Any], parts: Parts, prepared: Any) -> None:
        self.task, self.parts, self.prepared = task, parts, prepared

    @property
    @abstractmethod
    def fields(self) -> tuple[Field, ...]:
        """What is asked for, in order."""

    @abstractmethod
    def read_and_answer(
        self, rows: Sequence[Mapping[str, Any]], folder: Path, *, shows: bool
    ) -> list[Prediction | DataError]:
        """See `answers`; rows have known columns alone, and none that is empty.

        Args:
            rows: at least one.
            folder: empty, for files that are needed while answering.
            shows: see `answers`.
        """

    @abstractmethod
    def said(self, prediction: Prediction) -> list[Said]:
        """What is told of a prediction, answer by answer."""

    @abstractmethod
    def html(self, prediction: Prediction) -> str:
        """What people look at, as HTML that needs no other file and in which nothing that was sent is markup."""

    @abstractmethod
    def example(self, samples: Any, index: int) -> Example:
        """A sample of the data that the run's task has opened, as a question with its true answer."""

    def extent(self, column: str, content: bytes, most_seconds: float) -> Extent:
        """How large a file is once it is decoded, see `perceivers.kinds.asked.AskedKind.extent`."""
        return Extent()

    def media(self, column: str, cell: Any) -> Media | None:
        """A cell of an example as a browser shows it."""
        return None

    def python(self, cells: Mapping[str, Any]) -> str:
        """The question as what `Predictor` is called with, in Python; files by their names."""
        return repr([dict(cells)])

    def answers(
        self, rows: Sequence[Mapping[str, Any]], *, shows: bool = True
    ) -> list[Prediction | DataError]:
        """Answer for rows, in order.

        Args:
            rows: cells by column; what is absent, None or an empty text is missing.
            shows: keep what `html` needs.

        Returns:
            For each row its prediction, or the error that says why it cannot be answered.
        """
        found: list[Prediction | DataError | None] = [None] * len(rows)
        readable: list[tuple[int, dict[str, Any]]] = []
        for index, row in enumerate(rows):
            try:
                readable.append((index, self._known(row)))
            except DataError as error:
                found[index] = error
        with TemporaryDirectory(prefix="perceivers-") as name:
            said = self.read_and_answer([cells for _, cells in readable], Path(name), shows=shows)
            for (index, _), each in zip(readable, said, strict=True):
                found[index] = _about_the_question(each, name) if isinstance(each, DataError) else each
        return [each for each in found if each is not None]

    def write_on(self, row: Mapping[str, Any], write: Callable[[str], None]) -> Prediction | DataError:
        """Answer for one row, and give the answer's text piece by piece while it is made; of tasks that write.

        Args:
            row: see `answers`.
            write: receives each piece. What it raises ends the writing, and comes out again.
        """
        try:
            return self.read_and_write(self._known(row), write)
        except DataError as error:
            return DataError(in_words_of_a_question(str(error)))

    def read_and_write(self, cells: Mapping[str, Any], write: Callable[[str], None]) -> Prediction:
        """See `write_on`; the cells are known and not empty."""
        raise ConfigurationError(f"a run of {self.task.name} answers at once, not piece by piece")

    def _known(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The cells of a row that are not empty.

        Raises:
            DataError: there is no such column, or one that is needed is missing.
        """
        cells = {
            name: cell
            for name, cell in row.items()
            if cell is not None and not (isinstance(cell, str) and not cell.strip())
        }
        known = [each.column for each in self.fields]
        unknown = [name for name in row if name not in known]
        if unknown:
            raise DataError(f"there is no column {unknown[0]!r:.80}: the columns are {', '.join(known)}")
        for each in self.fields:
            if each.needed and each.column not in cells:
                raise DataError(f"{each.column!r} is missing, and this model cannot do without it")
        if not cells and not self.may_be_empty:
            raise DataError(f"the question is empty: give at least one of {', '.join(known)}")
        return cells


def _about_the_question(error: DataError, folder: str) -> DataError:
    """The same error without names that nobody but the server knows: those of its files, and of the row."""
    said = re.sub(re.escape(folder) + r"[/\\][\w.-]+", "the file", str(error))
    said = said.removeprefix(f"`{QUESTION}`: ").replace(f"`{QUESTION}`", QUESTION)
    said = in_words_of_a_question(said)
    return DataError(f"{QUESTION} {said}" if said.startswith("has ") else said)
