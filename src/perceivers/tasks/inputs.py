"""What is read of a row: one input or several columns as one value, and the sample that all of them are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import Any

from perceivers.data.kept import KeptValues, key_of
from perceivers.errors import DataError
from perceivers.kinds.base import Kind
from perceivers.kinds.cells import require_inside

# How kinds write an option of theirs that they advise, as the command has it that reads the kind alone: `--name VALUE`.
_ADVISED = re.compile(r"`--([a-z][a-z-]*)(?: ([^`]+))?`")


@dataclass(frozen=True)
class Sample:
    """A row that was read.

    Args:
        values: one an input, None where it is absent.
        targets: one an answer, None where it is missing.
    """

    values: tuple[Any, ...]
    targets: tuple[Any, ...]

    def with_value(self, place: int, value: Any) -> Sample:
        """The same row with another value of one input.

        Args:
            place: of the input among the others.
            value: None: it is absent.
        """
        return replace(self, values=(*self.values[:place], value, *self.values[place + 1 :]))


@dataclass(frozen=True)
class Input:
    """What is read of a row as one value.

    Args:
        name: of its modality in the model; "" where the kind's own names are enough.
        columns: that are read, in order.
        kind: what they hold.
        strays: texts of training cells that were taken for missing, by column, see `perceivers.tasks.strays`.
        by_column: whether the user gives the options of the kind by the names of columns.
    """

    name: str
    columns: tuple[str, ...]
    kind: Kind
    strays: Mapping[str, frozenset[str]] = field(default_factory=dict, hash=False)
    by_column: bool = False

    def said(self, text: str) -> str:
        """What the kind says to the user, with options as this input's user gives them."""
        return as_column_options(text, self.columns[0], self.kind.options_class) if self.by_column else text

    def notes(self) -> list[str]:
        """What the user should know of how values are read, see Kind."""
        return [self.said(note) for note in self.kind.notes()]

    @contextmanager
    def telling(self) -> Iterator[None]:
        """A DataError of the kind is raised as `said` has it."""
        try:
            yield
        except DataError as error:
            error.args = (self.said(str(error)), *error.args[1:])
            raise

    def read(self, row: Mapping[str, Any], table: Any, kept: KeptValues | None = None) -> Any:
        """The value of a row, see Kind; taken from what was kept, and kept itself, where the kind's values are.

        Args:
            row: cells by column.
            table: what the row is from.
            kept: values that were read before.

        Raises:
            DataError: see Kind; or a path leaves the folder of its table.
        """
        with self.telling():
            return self._read(row, table, kept)

    def _read(self, row: Mapping[str, Any], table: Any, kept: KeptValues | None) -> Any:
        for column in self.columns if self.kind.suffixes else ():
            require_inside(row.get(column), table, self.kind.suffixes)
        settings = None if kept is None else self.kind.kept()
        key = None if settings is None else key_of(row.get(self.columns[0]), table.root, settings)
        if kept is None or key is None:
            return self.kind.read(row, self.columns, table)
        arrays = kept.get(key)
        if arrays is not None:
            return self.kind.unpack(arrays)
        value = self.kind.read(row, self.columns, table)
        if value is not None:
            kept.add(key, self.kind.pack(value))
        return value

    def modality(self, own: str) -> str:
        """Name in the model of what the kind calls `own`; a kind of a single modality has the input's name."""
        return "_".join(filter(None, (self.name, own)))

    @property
    def modality_names(self) -> dict[str, str]:
        """Names of the kind's modalities in the model, by those that the kind has for them."""
        return {own: self.modality(own) for own in self.kind.modality_names}


def as_column_options(text: str, column: str, options: type[Any]) -> str:
    """A message of a kind with the options that it advises as the user of a table gives them for a column.

    Args:
        text: the message.
        column: of the kind.
        options: the kind's dataclass of them; others stay as they are.
    """
    names = {entry.name for entry in fields(options)}

    def given(advised: re.Match[str]) -> str:
        if advised[1].replace("-", "_") not in names:
            return advised[0]
        option = f"{column}:{advised[1]}={advised[2] or 'true'}"
        return f"`--column-options {shlex.quote(option)}`"

    return _ADVISED.sub(given, text)
