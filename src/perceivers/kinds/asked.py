"""What a kind of data is to people who ask a trained model: a field to fill in, limits, and what a browser can show."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, ClassVar, Literal

from perceivers.errors import DataError

Form = Literal["file", "words", "number", "choice", "date"]
Player = Literal["", "picture", "sound", "film"]


@dataclass(frozen=True)
class Field:
    """One column as somebody fills it in.

    Args:
        column: its name.
        kind: the kind's name.
        form: what is given: a file, words, a number, one of some names, a date.
        hint: what it may be, in a few words.
        accepts: endings, lower case with the dot, and types of files that a browser offers.
        player: what a browser shows such files with; "" where it cannot.
        choices: the names that the model knows.
        low: the smallest training value of a number.
        high: the largest.
        needed: whether a question without it is an error.
    """

    column: str
    kind: str
    form: Form = "words"
    hint: str = ""
    accepts: tuple[str, ...] = ()
    player: Player = ""
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    needed: bool = False


@dataclass(frozen=True)
class Sent:
    """A file that somebody has sent.

    Args:
        name: as the sender calls it. Its ending may say which format it is; it is never taken for a place.
        content: of the file.
    """

    name: str
    content: bytes = field(repr=False)

    @property
    def ending(self) -> str:
        """Ending of the name, lower case with the dot."""
        return PurePath(self.name.replace("\\", "/")).suffix.lower()


@dataclass(frozen=True)
class Extent:
    """How large the content of a file is once it is decoded, as far as it is known before that.

    Args:
        pixels: of a picture.
        seconds: of a sound or a film.
    """

    pixels: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Media:
    """A value as a file that a browser shows.

    Args:
        type: such as "image/png".
        content: of the file.
    """

    type: str
    content: bytes = field(repr=False)


class AskedKind:
    """What people see of a kind. One whose cells are words needs nothing of its own."""

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]] = ()

    def fields(self, columns: Sequence[str]) -> tuple[Field, ...]:
        """The columns as somebody fills them in, in order."""
        if not self.suffixes:
            return tuple(Field(column, self.name) for column in columns)
        hint = f"a file: {', '.join(self.suffixes)}"
        return tuple(Field(column, self.name, "file", hint, self.suffixes) for column in columns)

    def content(self, cell: Any, folder: Path) -> Any:
        """A cell that came from somebody else, as what `read` takes: no text in it is opened as a path.

        Args:
            cell: what was given for one column; not None.
            folder: empty, and the caller's own, for kinds whose readers need a file.

        Raises:
            DataError: it names a file instead of being one.
        """
        if isinstance(cell, Sent):
            return cell.content
        if self.suffixes and names_a_place(cell):
            raise DataError(
                f"must be the content of a file, not its name, received the text {str(cell)!r:.80}"
            )
        return cell

    def extent(self, content: bytes, most_seconds: float) -> Extent:
        """How large a file is when it is decoded; nothing where it cannot be read, which `read` reports.

        Args:
            content: of the file.
            most_seconds: beyond which nobody wants to know how much longer it is.
        """
        return Extent()

    def media(self, value: Any) -> Media | None:
        """A value that was read, as a browser shows it; None where it has nothing to show."""
        return None


def names_a_place(cell: Any) -> bool:
    """Whether a cell is a path, or a mapping of the hub with one."""
    if isinstance(cell, Mapping):
        return cell.get("path") is not None
    return isinstance(cell, str | PurePath)


def stored(sent: Sent, folder: Path, suffixes: Sequence[str]) -> str:
    """Write a file for readers that choose by its ending; its own name says nothing else.

    Args:
        sent: the file.
        folder: that receives it.
        suffixes: endings that are read.

    Returns:
        The path.

    Raises:
        DataError: it ends otherwise.
    """
    if sent.ending not in suffixes:
        raise DataError(
            f"must be a file that ends in one of {', '.join(suffixes)}, received {sent.name!r:.80}"
        )
    with tempfile.NamedTemporaryFile(dir=folder, suffix=sent.ending, delete=False) as file:
        file.write(sent.content)
    return file.name
