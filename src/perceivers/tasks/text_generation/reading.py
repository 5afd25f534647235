"""Texts and sequences of whole numbers, read from files and columns, in pieces that stay in one part of a division."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perceivers.data.tables import ListTable, Table, require_columns
from perceivers.errors import DataError
from perceivers.kinds.base import is_empty
from perceivers.kinds.text.reading import GROUP_COLUMN, read_text

PIECE_COLUMN = "piece"
# Of fewer documents, pieces are divided instead.
FEW_DOCUMENTS = 50
# What a piece of a document has at least, so that few of its tokens have a short past.
SHORTEST_PIECE = 4_096
NUM_PIECES = 100
_SEPARATORS = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class Piece:
    """A document, or a part of one.

    Args:
        values: bytes (uint8) or whole numbers (int64), [length].
        is_end: whether the document ends with it.
    """

    values: NDArray[Any]
    is_end: bool = True


@dataclass(frozen=True)
class DocumentReader:
    """Rows to bytes or events.

    Args:
        column: that is read.
        reads_events: whole numbers instead of text.
    """

    column: str
    reads_events: bool

    def values(self, row: Mapping[str, Any], table: Any) -> NDArray[Any]:
        """The bytes or events of a row.

        Raises:
            DataError: there are none, or they are of another kind.
        """
        if self.reads_events:
            return events_of(row[self.column], f"the column {self.column!r}")
        text = read_text(row, table, self.column)
        if not text:
            raise DataError(f"has an empty text in the column {self.column!r}")
        return np.frombuffer(text, dtype=np.uint8)


def events_of(cell: Any, place: str) -> NDArray[np.int64]:
    """Whole numbers of a cell: a list or an array of them, one alone, or a text with white space or commas between them.

    Args:
        cell: what holds them.
        place: where it was found, in words, such as "the column 'notes'".

    Raises:
        DataError: the cell holds something else, or nothing.
    """
    given = [each for each in _SEPARATORS.split(cell.strip()) if each] if isinstance(cell, str) else cell
    try:
        numbers = np.asarray(given).astype(np.float64).reshape(-1)
    except (TypeError, ValueError):
        numbers = np.asarray([np.nan])
    if is_empty(cell) or not len(numbers) or not bool(np.all(np.isfinite(numbers) & (numbers % 1 == 0))):
        raise DataError(
            f"must have whole numbers in {place}, a list or a text such as '60 62 64', received {cell!r:.80}"
        )
    return numbers.astype(np.int64)


def piece_of(row: Mapping[str, Any], table: Any) -> Piece:
    """See `perceivers.data.rows.Decode`; of a table of `in_pieces`."""
    piece: Piece = row[PIECE_COLUMN]
    return piece


def joined_events(table: Table, column: str, document_column: str | None) -> Table:
    """A table whose rows are single events, as one of documents: the events of each, in the order of the rows.

    Args:
        table: a row an event; given back as it is where its cells hold several.
        column: of the events.
        document_column: whose equal values are one document; None: all rows are one.

    Raises:
        DataError: a column is absent, or a cell is no whole number.
    """
    require_columns(table, column)
    if document_column is not None:
        require_columns(table, document_column)
    cells = table.column(column)
    if document_column is None and any(len(_split(cell)) != 1 for cell in cells[:100]):
        return table
    names = (
        ["all rows"] * len(table)
        if document_column is None
        else list(map(str, table.column(document_column)))
    )
    gathered: dict[str, list[NDArray[np.int64]]] = {}
    for index, (name, cell) in enumerate(zip(names, cells, strict=True)):
        try:
            gathered.setdefault(name, []).append(events_of(cell, f"the column {column!r}"))
        except DataError as error:
            raise DataError(f"`{table.name(index)}`: {error}") from error
    rows = [{column: np.concatenate(events)} for events in gathered.values()]
    found = ListTable(rows, table.source, [f"{table.source}, {name}" for name in gathered])
    found.left_out = table.left_out
    return found


@dataclass(frozen=True)
class Document:
    """A text, or a sequence of events.

    Args:
        name: what errors call it.
        values: bytes or events.
        group: documents of one group stay in one part of a division; None where nobody said so.
    """

    name: str
    values: NDArray[Any]
    group: Hashable = None


def read_documents(
    table: Table, decode: DocumentReader, groups: Sequence[Hashable] | None = None
) -> tuple[list[Document], list[str]]:
    """All documents of a table, and one line for each that cannot be read."""
    documents, problems = [], list(table.left_out)
    for index in range(len(table)):
        name = table.name(index)
        try:
            values = decode.values(table[index], table)
        except DataError as error:
            message = str(error)
            problems.append(message if name in message else f"`{name}`: {message}")
        else:
            documents.append(Document(name, values, None if groups is None else groups[index]))
    return documents, problems


def in_pieces(documents: Sequence[Document], source: str, context: int, *, divides: bool) -> Table:
    """A table of pieces, with the columns of `PIECE_COLUMN` and, where documents have groups, of groups.

    Args:
        documents: at least one.
        source: what errors call the table.
        context: tokens that the model looks at.
        divides: whether the pieces are divided into parts afterwards: then few documents are cut.
    """
    total = sum(len(each.values) for each in documents)
    has_groups = any(each.group is not None for each in documents)
    is_cut = divides and not has_groups and len(documents) < FEW_DOCUMENTS
    room = piece_length(total, context) if is_cut else total
    rows, names = [], []
    for document in documents:
        count = max(round(len(document.values) / max(room, 1)), 1)
        bounds = np.linspace(0, len(document.values), count + 1).round().astype(int).tolist()
        for number, (start, end) in enumerate(pairwise(bounds)):
            row: dict[str, Any] = {PIECE_COLUMN: Piece(document.values[start:end], number == count - 1)}
            rows.append({**row, GROUP_COLUMN: document.group} if has_groups else row)
            names.append(document.name if count == 1 else f"{document.name}, tokens {start} to {end}")
    return ListTable(rows, source, names)


def piece_length(total: int, context: int) -> int:
    """Tokens of a piece of few documents with `total` tokens together.

    A hundredth, at least 4,096 and 16 contexts, so that few tokens have a short past; but so short that there are ten.
    """
    wanted = max(total // NUM_PIECES, SHORTEST_PIECE, 16 * context)
    return max(min(wanted, total // 10), 1)


def _split(cell: Any) -> Sequence[Any]:
    if isinstance(cell, str):
        return [each for each in _SEPARATORS.split(cell.strip()) if each]
    return list(cell) if isinstance(cell, Sequence | np.ndarray) else [cell]
