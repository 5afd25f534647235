"""Rows of named values, wherever they come from: a folder of files, a table on disk, a package, the hub."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal as ExactDecimal
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.data.headers import is_a_row
from perceivers.data.numbers import Decimal, is_missing, numbers_of
from perceivers.data.shared_lines import SharedLines
from perceivers.errors import DataError, MissingColumnError

FILE_COLUMN = "file"
LABEL_COLUMN = "label"
# Rows of a stream that lie in memory together, beside those of its buffer.
STREAMED_AT_ONCE = 16
# Rows that tell whether the names above them are a row, too.
LOOKED_AT = 100
# Tables whose first line may be a row, packed ones as well.
_TEXT_FILE = re.compile(r"\.(csv|tsv)(\.\w+)?$", re.IGNORECASE)


class Table(ABC):
    """Rows that are read one at a time.

    Args:
        source: what errors call the table.
        columns: names of the values that every row has.
        root: folder that relative paths in the rows belong to; None for the working folder.

    Attributes:
        notes: what the user should know about how the table was read; whoever opens it prints them.
        left_out: a line for each row of the file that is not in the table because it cannot be read.
        decimal: what stands before the fraction of a number that is written in a text.
        as_missing: texts that are read as if their cell were empty, by column.
        warnings: of the notes, those about cells that are read as something else than they say.
        called: by column, what the file has in the place of a cell, such as an id in that of the path of what it names.
    """

    def __init__(self, source: str, columns: Sequence[str], root: Path | None = None) -> None:
        self.source = source
        self.columns = tuple(columns)
        self.root = root
        self.notes: list[str] = []
        self.left_out: Sequence[str] = ()
        self.decimal: Decimal = "point"
        self.as_missing: Mapping[str, Collection[str]] = {}
        self.warnings: Sequence[str] = ()
        self.called: Mapping[str, Mapping[str, Any]] = {}

    def as_called(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """A row of this table with what the file has in the place of its cells."""
        named = {
            column: names.get(row[column], row[column])
            for column, names in self.called.items()
            if isinstance(row.get(column), str)
        }
        return {**row, **named} if named else row

    @property
    def torn(self) -> Mapping[int, str]:
        """Why a row cannot be read, by its index: reading it is a DataError, and its cells in `column` are None."""
        return {}

    def without_torn(self) -> Table:
        """The table without the rows that cannot be read, which are in its `left_out`.

        Raises:
            DataError: none can be read.
        """
        if not self.torn:
            return self
        whole = [index for index in range(len(self)) if index not in self.torn]
        if not whole:
            raise DataError(next(iter(self.torn.values())))
        table = self.take(whole)
        table.left_out = [*self.left_out, *self.torn.values()]
        return table

    @abstractmethod
    def __len__(self) -> int:
        """Count the rows."""

    @abstractmethod
    def __getitem__(self, index: int) -> Mapping[str, Any]:
        """Read the row at `index`, from 0."""

    @abstractmethod
    def column(self, name: str) -> Sequence[Any]:
        """Read one value of every row, without the others."""

    def cells_at(self, indices: Sequence[int], names: Sequence[str]) -> dict[str, list[Any]]:
        """Read some values of the rows at these indices alone, by column."""
        found = {}
        for name in names:
            cells = self.column(name)
            found[name] = [cells[index] for index in indices]
        return found

    def numbers(self, name: str) -> np.ndarray:
        """Read a column as numbers, float64 [rows], NaN where one is missing; a DataError names a cell that is no number."""
        return numbers_of(self.column(name), name, self.name, self.decimal)

    def count_numbers(self, name: str) -> int | None:
        """Count the numbers of a column that holds finite ones and gaps alone; None where that takes a look at each cell."""
        return None

    def select(self, columns: Sequence[str]) -> Table:
        """The table with these columns only, in this order."""
        require_columns(self, *columns)
        return TableView(self, range(len(self)), columns)

    def take(self, indices: Sequence[int]) -> Table:
        """The table with the rows at these indices only, in this order; they keep their names."""
        return TableView(self, indices, self.columns)

    def with_column(self, name: str, values: Sequence[Any]) -> Table:
        """The table with other cells in a column, or with one more column.

        Args:
            name: of the column.
            values: a cell a row.
        """
        if len(values) != len(self):
            raise DataError(
                f"`values` of the column {name!r} must be {len(self)}, one a row of `{self.source}`, received {len(values)}"
            )
        return TableView(self, range(len(self)), dict.fromkeys((*self.columns, name)), {name: values})

    def name(self, index: int) -> str:
        """What errors and results call the row at `index`."""
        return f"{self.source}, row {index + 1}"

    def path(self, value: str) -> Path:
        """The file that a value of this table names."""
        return Path(value) if self.root is None else self.root / value


class ListTable(Table):
    """Rows that are held in memory.

    Args:
        rows: at least one, all with the same keys.
        source: see Table.
        names: what each row is called; None numbers them from 1.
        root: see Table.
        torn: see Table.
    """

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        source: str,
        names: Sequence[str] | None = None,
        root: Path | None = None,
        torn: Mapping[int, str] | None = None,
    ) -> None:
        if not rows:
            raise DataError(f"`{source}` holds no rows")
        super().__init__(source, tuple(rows[0]), root)
        self._rows, self._names, self._torn = rows, names, dict(torn or {})

    @property
    def torn(self) -> Mapping[int, str]:
        """See Table."""
        return self._torn

    def __len__(self) -> int:
        """See Table."""
        return len(self._rows)

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        """See Table."""
        require_whole(self, index)
        return self._rows[index]

    def column(self, name: str) -> Sequence[Any]:
        """See Table."""
        return [row[name] for row in self._rows]

    def name(self, index: int) -> str:
        """See Table."""
        return super().name(index) if self._names is None else self._names[index]


class TableView(Table):
    """Some rows and columns of another table, with the cells of some columns in the place of its own.

    Args:
        table: the other one.
        indices: which rows, in order.
        columns: which columns, in order.
        replaced: cells by column, one for each of `indices`.
    """

    def __init__(
        self,
        table: Table,
        indices: Sequence[int],
        columns: Iterable[str],
        replaced: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        super().__init__(table.source, tuple(columns), table.root)
        self.notes, self.decimal, self.left_out = table.notes, table.decimal, table.left_out
        self.as_missing, self.called = table.as_missing, table.called
        self._table, self._indices, self._replaced = table, indices, dict(replaced or {})
        torn = table.torn
        self._torn = (
            {place: torn[index] for place, index in enumerate(indices) if index in torn} if torn else {}
        )
        self._kept = tuple(name for name in self.columns if name not in self._replaced)

    def __len__(self) -> int:
        """See Table."""
        return len(self._indices)

    @property
    def torn(self) -> Mapping[int, str]:
        """See Table."""
        return self._torn

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        """See Table."""
        require_whole(self, index)
        row = self._table[self._indices[index]] if self._kept else {}
        return {
            name: self._replaced[name][index] if name in self._replaced else row[name]
            for name in self.columns
        }

    def column(self, name: str) -> Sequence[Any]:
        """See Table."""
        if name in self._replaced:
            return self._replaced[name]
        return self._of_rows(self._table.column(name))

    def cells_at(self, indices: Sequence[int], names: Sequence[str]) -> dict[str, list[Any]]:
        """See Table."""
        own = super().cells_at(indices, [name for name in names if name in self._replaced])
        others = [name for name in names if name not in own]
        return {**own, **self._table.cells_at([self._indices[index] for index in indices], others)}

    def numbers(self, name: str) -> np.ndarray:
        """See Table."""
        is_alike = self.decimal == self._table.decimal
        if name in self._replaced or not is_alike or not self._has_all_rows():
            return super().numbers(name)
        return self._table.numbers(name)

    def name(self, index: int) -> str:
        """See Table."""
        return self._table.name(self._indices[index])

    def path(self, value: str) -> Path:
        """See Table."""
        return self._table.path(value)

    def _of_rows(self, cells: Sequence[Any]) -> Sequence[Any]:
        return cells if self._has_all_rows() else [cells[index] for index in self._indices]

    def _has_all_rows(self) -> bool:
        return self._indices == range(len(self._table))


class ArrowTable(Table):
    """Rows of a `datasets.Dataset`: on disk, mapped into memory.

    Class ids that have names are read as names; pictures, sound and video as their bytes or paths, not decoded.

    Args:
        dataset: a `datasets.Dataset`.
        source: see Table.
        root: see Table.
        torn: see Table.
    """

    def __init__(
        self,
        dataset: Any,
        source: str,
        root: Path | None = None,
        torn: Mapping[int, str] | None = None,
    ) -> None:
        super().__init__(source, dataset.column_names, root)
        self._torn = dict(torn or {})
        self._dataset = undecoded(dataset)
        self._class_names = class_names_by_column(dataset)
        if not len(dataset):
            raise DataError(f"`{source}` holds no rows")

    def __len__(self) -> int:
        """See Table."""
        return len(self._dataset)

    @property
    def torn(self) -> Mapping[int, str]:
        """See Table."""
        return self._torn

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        """See Table."""
        require_whole(self, index)
        try:
            row = self._dataset[index]
        except UnicodeDecodeError as error:
            # The bytes of a damaged file may be no text; nothing looks at them before.
            raise DataError(f"`{self.name(index)}` holds a text that is no UTF-8: {error}") from error
        return plain_row(row, self._class_names)

    @cached_property
    def _arrow(self) -> Any:
        """All rows as Arrow has them, on disk still: a data set copies its description for each column that is asked for.

        Columns of exact decimals are floating-point numbers; of texts and bytes that are views, from which Arrow takes no
        rows, plain ones.
        """
        import pyarrow
        from pyarrow import types

        rows = self._dataset.with_format("arrow")[:]
        plain = (
            (types.is_decimal, pyarrow.float64()),
            (types.is_string_view, pyarrow.large_string()),
            (types.is_binary_view, pyarrow.large_binary()),
        )
        for place, field in enumerate(rows.schema):
            for is_other, kind in plain:
                if is_other(field.type):
                    rows = rows.set_column(place, field.name, rows.column(place).cast(kind))
        return rows

    def __getstate__(self) -> dict[str, Any]:
        """Without the rows themselves, which the data set knows where to find."""
        return {name: value for name, value in vars(self).items() if name != "_arrow"}

    def column(self, name: str) -> Sequence[Any]:
        """See Table."""
        cells = self._arrow.column(name)
        values = _decoded(cells) if self._torn else cells.to_pylist()
        names = self._class_names.get(name)
        return values if names is None else [_class_name(value, names) for value in values]

    def cells_at(self, indices: Sequence[int], names: Sequence[str]) -> dict[str, list[Any]]:
        """See Table; others are not read from the disk."""
        if self._torn or not names:
            return super().cells_at(indices, names)
        found = self._arrow.select(list(names)).take(list(indices)).to_pydict()
        return {
            name: [_class_name(cell, self._class_names[name]) for cell in cells]
            if name in self._class_names
            else cells
            for name, cells in found.items()
        }

    def numbers(self, name: str) -> np.ndarray:
        """See Table."""
        numbers = self._finite_numbers(name)
        # A word among them, a space around one: looked at cell by cell.
        return super().numbers(name) if numbers is None else numbers

    def count_numbers(self, name: str) -> int | None:
        """See Table."""
        numbers = self._finite_numbers(name)
        return None if numbers is None else int(np.count_nonzero(~np.isnan(numbers)))

    def _finite_numbers(self, name: str) -> np.ndarray | None:
        """The cells of a column as float64, NaN where one is missing; None where not all are numbers as Arrow reads them."""
        import pyarrow
        from pyarrow import compute

        if self.decimal != "point" or name in self._class_names:
            return None
        try:
            numbers: np.ndarray = compute.cast(self._arrow.column(name), pyarrow.float64()).to_numpy()
        except pyarrow.ArrowException:
            return None
        return None if np.isinf(numbers).any() else numbers


class StreamTable:
    """Rows of a `datasets.IterableDataset`, one after the other, in an order that is mixed within a buffer.

    Args:
        dataset: a `datasets.IterableDataset`.
        source: what errors call the table.
        root: see Table.
        buffer_size: rows that the next one is drawn from.
        seed: of the order; every pass has another one.
        torn: receives a line for each row that cannot be read, in every pass, from whichever process reads it.
    """

    def __init__(
        self,
        dataset: Any,
        source: str,
        root: Path | None = None,
        *,
        buffer_size: int,
        seed: int,
        torn: SharedLines | None = None,
    ) -> None:
        self.source, self.root = source, root
        self.notes: list[str] = []
        self.decimal: Decimal = "point"
        self.as_missing: Mapping[str, Collection[str]] = {}
        self._buffer_size, self._seed, self._torn = buffer_size, seed, torn
        self.columns: tuple[str, ...] = tuple(dataset.column_names or next(iter(dataset.take(1))))
        self._class_names = class_names_by_column(dataset)
        self._in_order = undecoded(dataset)
        self._dataset = self._in_order.shuffle(seed=seed, buffer_size=buffer_size)

    @property
    def left_out(self) -> list[str]:
        """A line for each row of the file that was not read so far because it cannot be."""
        return [] if self._torn is None else list(dict.fromkeys(self._torn.read()))

    def name(self, index: int) -> str:
        """What errors call the row that is read as number `index`, from 0, of a pass."""
        return f"{self.source}, row {index + 1} of those read"

    def column(self, name: str) -> Sequence[Any]:
        """Read one value of every row, in a pass of its own over the stream; for classes with names, the names."""
        if name in self._class_names:
            return self._class_names[name]
        return [plain_row(row, {})[name] for row in self._in_order.select_columns([name])]

    def first_rows(self, most: int) -> list[Mapping[str, Any]]:
        """At most so many rows, in the order of the stream."""
        return [plain_row(row, self._class_names) for row in self._in_order.take(most)]

    def changed(self, change: Callable[[Any], Any]) -> StreamTable:
        """The table with its rows, or columns, changed as they are read.

        Args:
            change: from a `datasets.IterableDataset` to another one.
        """
        table = StreamTable(
            change(self._in_order),
            self.source,
            self.root,
            buffer_size=self._buffer_size,
            seed=self._seed,
            torn=self._torn,
        )
        table.notes, table.decimal, table.as_missing = list(self.notes), self.decimal, self.as_missing
        return table

    def rows(self, epoch: int) -> Iterator[Mapping[str, Any]]:
        """Pass over all rows, in a worker process too; the order depends on the seed and on `epoch`."""
        self._dataset.set_epoch(epoch)
        # A plain pass would share the rows out among worker processes by files: whoever reads this shares them out by rows.
        for batch in self._dataset.iter(STREAMED_AT_ONCE):
            names = list(batch)
            for cells in zip(*batch.values(), strict=True):
                yield plain_row(dict(zip(names, cells, strict=True)), self._class_names)


def require_whole(table: Table, index: int) -> None:
    """Raise DataError for a row that cannot be read."""
    if (reason := table.torn.get(index)) is not None:
        raise DataError(reason)


def require_columns(table: Table | StreamTable, *wanted: str, option: str | None = None) -> None:
    """Raise MissingColumnError for the first column of `wanted` that `table` lacks.

    Args:
        table: a table.
        wanted: names of columns.
        option: the argument that names another one, where its value is none of `wanted`: it has been left open.
    """
    for name in wanted:
        if name not in table.columns:
            raise MissingColumnError.of(
                f"`{table.source}` must have a column {name!r}, received {', '.join(table.columns)}"
                f"{doubt_of_names(table)}",
                name,
                option,
            )


def doubt_of_names(table: Table | StreamTable) -> str:
    """What errors about an absent column add where the columns of a file of text are perhaps called by a row; else ""."""
    if _TEXT_FILE.search(table.source) is None:
        return ""
    if isinstance(table, StreamTable):
        rows = table.first_rows(LOOKED_AT)
        first = {name: [row.get(name) for row in rows] for name in table.columns}
    else:
        first = table.cells_at(range(min(LOOKED_AT, len(table))), table.columns)
    return "; the first line looks like data: if it is, write a line of names above it" * is_a_row(first)


def has_targets(table: Table | StreamTable, columns: Sequence[str]) -> bool:
    """Whether a table can be measured on: it has one of these columns, and a value in it.

    The test part of a competition often has none; it is for predictions. A stream is not read for this: its column counts.
    """
    present = [name for name in columns if name in table.columns]
    if isinstance(table, StreamTable):
        return bool(present)
    return any(not is_missing(cell) for name in present for cell in table.column(name))


def undecoded(dataset: Any) -> Any:
    """The data set with pictures, sound and video left as bytes or paths: each task decodes with its own reader."""
    for name, feature in (dataset.features or {}).items():
        if type(feature).__name__ in ("Image", "Audio", "Video"):
            dataset = dataset.cast_column(name, type(feature)(decode=False))
    return dataset


def class_names_by_column(dataset: Any) -> dict[str, list[str]]:
    """Names of the class ids of those columns that have some."""
    features = dataset.features or {}
    return {name: list(kind.names) for name, kind in features.items() if type(kind).__name__ == "ClassLabel"}


def undecodable_rows(dataset: Any, source: str) -> dict[int, str]:
    """Why rows of a data set cannot be read, by index: they hold texts that are no UTF-8.

    Args:
        dataset: a `datasets.Dataset`.
        source: what errors call it.
    """
    import pyarrow

    found: dict[int, str] = {}
    for name in dataset.column_names:
        cells = dataset.data.column(name)
        if not (pyarrow.types.is_string(cells.type) or pyarrow.types.is_large_string(cells.type)):
            continue
        try:
            cells.validate(full=True)
        except pyarrow.ArrowInvalid:
            for index, cell in enumerate(cells):
                try:
                    cell.as_py()
                except UnicodeDecodeError as error:
                    found.setdefault(
                        index,
                        f"`{source}`, row {index + 1}: the column {name!r} holds a text that is no UTF-8: {error}",
                    )
    return dict(sorted(found.items()))


def _decoded(column: Any) -> list[Any]:
    """Cells of a column of Arrow; None for those that cannot be decoded."""
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        pass
    cells = []
    for cell in column:
        try:
            cells.append(cell.as_py())
        except UnicodeDecodeError:
            cells.append(None)
    return cells


def plain_row(row: Mapping[str, Any], class_names: Mapping[str, list[str]]) -> dict[str, Any]:
    """The row with names in the place of class ids, None in the place of -1, and floats in that of exact decimals."""
    return {
        name: _class_name(value, class_names[name])
        if name in class_names
        else float(value)
        if isinstance(value, ExactDecimal)
        else value
        for name, value in row.items()
    }


def _class_name(value: int | None, names: Sequence[str]) -> str | None:
    # Sets on the hub write -1 where the class is not told, as in GLUE's test parts.
    return None if value is None or value < 0 else names[value]
