"""Tables that list the files beside them by a name, or an id, instead of a path, as those of competitions do."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from perceivers.data.folders import sub_folders
from perceivers.data.numbers import is_missing
from perceivers.data.parts import part_of
from perceivers.data.scanning import scan
from perceivers.data.tables import FILE_COLUMN, StreamTable, Table
from perceivers.errors import DataError

# Rows that tell whether a column lists files, and the share of them whose file is there.
FIRST_ROWS = 50
# Rows of which each is looked for in every folder that is near; fewer may be called like files there by chance.
FEW_ROWS = 3
MOSTLY = 0.9


def with_listed_files(
    table: Table | StreamTable,
    folder: Path,
    suffixes: Sequence[str],
    part: str | None = None,
    *,
    adds_file: bool = True,
) -> Table | StreamTable:
    """A table with the paths of the files that one of its columns lists by name or id; the table itself where none does.

    Args:
        table: rows whose relative paths belong to `folder`; a stream stays as it is.
        folder: that holds the files, at any depth.
        suffixes: endings of the files.
        part: of the table: files in folders that are called like it go before all others.
        adds_file: whether the paths stand in a column `file`, too, where the table has none.

    Returns:
        The table; the column has the paths in the place of names, which are in `called`.

    Raises:
        DataError: the files lie in a folder beside that of the table, where they are not looked for.
    """
    if isinstance(table, StreamTable) or not suffixes or _has_paths(table, suffixes):
        return table
    names = _names_below(folder, suffixes, part)
    column = _listing(table, names)
    if column is None:
        _refuse_files_beside(table, folder, suffixes)
        return table
    given = table.column(column)
    cells = [cell if is_missing(cell) else names.get(str(cell), str(cell)) for cell in given]
    found = table.with_column(column, cells)
    found.called = {**table.called, column: dict(zip(cells, given, strict=True))}
    if adds_file and FILE_COLUMN not in table.columns:
        found = found.with_column(FILE_COLUMN, cells)
    found.notes = [*table.notes, f"`{table.source}`: the column {column} lists files of `{folder}`"]
    return found


def lists_files(
    table: Table | StreamTable, folder: Path, suffixes: Sequence[str], part: str | None = None
) -> bool:
    """Whether a table has a column that lists files below a folder by name, id or path; see `with_listed_files`."""
    if isinstance(table, StreamTable):
        return False
    return _has_paths(table, suffixes) or _listing(table, _names_below(folder, suffixes, part)) is not None


def lists_near_files(table: Table | StreamTable, folder: Path, suffixes: Sequence[str]) -> bool:
    """Whether the first names or ids of a column are files of a folder, or of the folders in it; that takes a short look."""
    if isinstance(table, StreamTable) or _has_paths(table, suffixes):
        return False
    places, rows = [folder, *_folders_in(folder)], _first_rows(table, FEW_ROWS)
    for column in table.columns:
        cells = _names(rows, column)
        if cells and all(_is_in(places, str(cell), suffixes) for cell in cells):
            return True
    return False


def _names_below(folder: Path, suffixes: Sequence[str], part: str | None) -> Mapping[str, str]:
    """Path by what a file is called, of the files of a part where any lie in a folder that is called like it."""
    files = scan(folder, suffixes).files
    own = [
        file for file in files if part is not None and part_of(file.parts[0]) == part and len(file.parts) > 1
    ]
    return _by_name(own or files)


def _refuse_files_beside(table: Table, folder: Path, suffixes: Sequence[str]) -> None:
    """Raise DataError where a column names files that lie in a folder beside that of the table."""
    for column in table.columns:
        place = folder_beside(table, column, folder, suffixes)
        if place is not None:
            raise DataError(
                f"{_lies_beside(table, column, place)}: give the folder above both as `data`, `{place.parent}`, or move the "
                "table there"
            )


def refuse_column_of_files_beside(table: Table, column: str, suffixes: Sequence[str]) -> None:
    """Raise DataError where a column that is read as files names those of a folder beside that of the table.

    Args:
        table: rows of a file, whose relative paths belong to its folder; others are passed over.
        column: of the table.
        suffixes: endings of the files.
    """
    place = None if table.root is None else folder_beside(table, column, table.root, suffixes)
    if place is not None:
        raise DataError(
            f"{_lies_beside(table, column, place)}: move the table to the folder above both, `{place.parent}`, or write the "
            "whole path of each file"
        )


def _lies_beside(table: Table, column: str, place: Path) -> str:
    return f"`{table.source}`: the column {column} lists files of `{place}`, which lies beside the table's folder, not in it"


def folder_beside(table: Table, column: str, folder: Path, suffixes: Sequence[str]) -> Path | None:
    """The folder beside that of a table which holds the first files that a column names, where the table's own does not."""
    cells = [str(cell) for cell in _names(_first_rows(table, FEW_ROWS), column)]
    if len(cells) < FEW_ROWS or any(PurePath(cell).suffix.lower() not in suffixes for cell in cells):
        return None
    if any(table.path(cell).is_file() for cell in cells):
        return None
    places = _folders_in(folder.absolute().parent)
    return next((place for place in places if all(_is_in([place], cell, suffixes) for cell in cells)), None)


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sub_folders(folder)
    except OSError:
        return []


def _is_in(places: Sequence[Path], name: str, suffixes: Sequence[str]) -> bool:
    """Whether a file of this name, with an ending or without, lies in one of some folders."""
    return any(os.path.isfile(place / f"{name}{suffix}") for place in places for suffix in ("", *suffixes))


def _has_paths(table: Table, suffixes: Sequence[str]) -> bool:
    """Whether a column has paths of files already."""
    rows = _first_rows(table, FIRST_ROWS)
    for name in table.columns:
        cells = _names(rows, name)
        if cells and all(
            isinstance(cell, str) and len(cell) < 1000 and PurePath(cell).suffix.lower() in suffixes
            for cell in cells
        ):
            there = [table.path(cell).is_file() for cell in cells if "\0" not in cell]
            if sum(there) >= MOSTLY * len(cells):
                return True
    return False


def _by_name(files: Sequence[PurePath]) -> Mapping[str, str]:
    """Path by relative path, name, and name without its ending; what two files are called is none of them."""
    found: dict[str, str | None] = {}
    for file in files:
        path = file.as_posix()
        for name in {file.name, file.stem, file.with_suffix("").as_posix(), path}:
            found[name] = None if name in found and found[name] != path else path
    return {name: path for name, path in found.items() if path is not None}


def _listing(table: Table, names: Mapping[str, str]) -> str | None:
    rows = _first_rows(table, FIRST_ROWS)
    for column in table.columns:
        cells = _names(rows, column)
        # Classes such as 0 and 1 may be names of files by chance.
        is_a_list = len(set(map(str, cells))) == len(cells) > 1
        if is_a_list and sum(str(cell) in names for cell in cells) >= MOSTLY * len(cells):
            return column
    return None


def _first_rows(table: Table, count: int) -> list[Mapping[str, Any]]:
    """The first rows, read once for all columns: some tables have to read, or to make, a whole row for any cell of it."""
    return [table[index] for index in range(min(count, len(table))) if index not in table.torn]


def _names(rows: Sequence[Mapping[str, Any]], column: str) -> list[Any]:
    """What may name a file, of a column."""
    cells = [row[column] for row in rows]
    return [cell for cell in cells if isinstance(cell, str | int) and not is_missing(cell)]
