"""Files of archives of series as tables: `.ts`, `.arff`, and lines of a class and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perceivers.data.parts import part_by_last_word
from perceivers.data.scanning import is_passed_over
from perceivers.data.table_folders import is_table
from perceivers.data.tables import LABEL_COLUMN, ListTable
from perceivers.errors import DataError, dead_link
from perceivers.kinds.series.wide import is_archive_file, read_archive_file
from perceivers.processors.series.arff import read_arff
from perceivers.processors.series.ts import SeriesLine, read_ts

VALUES_COLUMN = "series"
TS_SUFFIX, ARFF_SUFFIX = ".ts", ".arff"
# Every packet of an MPEG transport stream does.
FILM_BEGINS = b"\x47"


def ts_table(path: Path, label_column: str = LABEL_COLUMN, *, takes_numbers: bool = False) -> ListTable:
    """The series of a `.ts` file, and their classes where it has some; or their numbers, where these are taken."""
    return _table_of_lines(read_ts(path, takes_numbers=takes_numbers), path, label_column)


def own_form_tables(data: str) -> dict[str, ListTable]:
    """The tables of a `.ts` or `.arff` file, or of a folder of them, by part; none where it is something else."""
    path = Path(data)
    if path.is_dir():
        files = archive_files(path) if _is_archive(list(path.iterdir())) else {}
        return {
            part: archive_table(file, takes_numbers=True)
            for part, file in files.items()
            if has_own_form(file)
        }
    return {"train": archive_table(path, takes_numbers=True)} if has_own_form(path) else {}


def _is_archive(files: Sequence[Path]) -> bool:
    """Whether files are series in forms of their own, and other tables beside them are the same series in another form."""
    tables = [file for file in files if is_table(file)]
    return any(map(has_own_form, files)) and all(is_archive_form(table, by_name=True) for table in tables)


def has_own_form(path: Path) -> bool:
    """Whether a file has an ending that no other table has, and is no film, which may end in `.ts`, too."""
    if not path.is_file() or path.suffix.lower() not in (TS_SUFFIX, ARFF_SUFFIX):
        return False
    with path.open("rb") as file:
        return file.read(1) != FILM_BEGINS


def _table_of_lines(lines: Sequence[SeriesLine], path: Path, label_column: str) -> ListTable:
    rows: list[dict[str, Any]] = [
        {VALUES_COLUMN: line.values}
        if line.label is None
        else {VALUES_COLUMN: line.values, label_column: line.label}
        for line in lines
    ]
    return ListTable(rows, str(path), [f"{path}, line {line.line}" for line in lines])


def archive_table(path: Path, label_column: str = LABEL_COLUMN, *, takes_numbers: bool = False) -> ListTable:
    """The series of a file of an archive, by its form: `.ts`, `.arff`, or lines of a class and numbers.

    Args:
        path: the file.
        label_column: what its classes or numbers are called in the table.
        takes_numbers: whether a `.ts` file may have numbers in the place of classes.

    Raises:
        DataError: it does not follow its form; with file and line.
    """
    suffix = path.suffix.lower()
    if suffix == TS_SUFFIX:
        return ts_table(path, label_column, takes_numbers=takes_numbers)
    if suffix == ARFF_SUFFIX:
        return _table_of_lines(read_arff(path), path, label_column)
    return read_archive_file(path, VALUES_COLUMN, label_column)


def is_archive_form(path: Path, *, by_name: bool = False) -> bool:
    """Whether a file has one of the forms that `archive_table` reads.

    Args:
        path: the file.
        by_name: whether lines of numbers count only in a file that is called after a part, as X_TEST.tsv is: others may be
            one series without names of channels.
    """
    suffix = path.suffix.lower()
    if suffix in (TS_SUFFIX, ARFF_SUFFIX):
        return True
    if by_name and part_by_last_word(path.stem) is None:
        return False
    return suffix in (".tsv", ".csv", ".txt", "") and is_archive_file(path)


def archive_files(path: Path) -> dict[str, Path]:
    """Files of an archive by part: the file itself, or those of a folder, which end in _TRAIN and _TEST."""
    if path.is_file():
        return {"train": path} if is_archive_form(path) else {}
    if not path.is_dir():
        return {}
    files = sorted(
        file
        for file in path.iterdir()
        if (file.is_file() or dead_link(file)) and not is_passed_over(file.name)
    )
    for suffix in (TS_SUFFIX, ARFF_SUFFIX, ".tsv", ".csv", ".txt", ""):
        some = [file for file in files if file.suffix.lower() == suffix]
        parts = {part_by_last_word(file.stem): file for file in some}
        named = {part: file for part, file in parts.items() if part is not None}
        if suffix == TS_SUFFIX and some and (None in parts or len(parts) < len(some)):
            raise DataError(
                f"`{path}` must hold .ts files of one data set, ending in _TRAIN and _TEST, received "
                f"{', '.join(file.name for file in some)}"
            )
        if named and all(map(is_archive_form, named.values())):
            return named
    return {}
