"""Folders of tables: which table is which part, and the `metadata` tables of the hub, which list files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from perceivers.data.folders import sub_folders
from perceivers.data.joined import ANSWER_WORDS
from perceivers.data.parts import named_parts, part_of
from perceivers.data.tables import FILE_COLUMN, LABEL_COLUMN, StreamTable, Table
from perceivers.errors import dead_link

# Endings of the files that are read as tables; `is_table` knows those of texts packed, too.
TABLE_FORMATS = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
TEXT_FORMATS = (".csv", ".tsv")
JSON_FORMATS = (".jsonl", ".json")
PACKED_ENDINGS = (".gz", ".bz2", ".xz", ".zip")
METADATA = "metadata"
# What the hub's folders of pictures, sounds and films call the column with the path below the folder.
FILE_NAME_COLUMN = "file_name"


@dataclass(frozen=True)
class FoundTables:
    """Table files of a folder.

    Args:
        files: file by part; none where the folder is no folder of tables.
        answers: file by part that holds the answers of its rows alone, such as train_labels.csv.
        notes: what the user should know about the choice.
    """

    files: Mapping[str, Path]
    answers: Mapping[str, Path] = field(default_factory=dict)
    notes: Sequence[str] = ()


def format_of(path: Path) -> str:
    """The ending that says how a file is read, in lower case: ".csv" for a `.csv.gz`."""
    suffix = path.suffix.lower()
    inner = Path(path.stem).suffix.lower()
    return inner if suffix in PACKED_ENDINGS and inner in (*TEXT_FORMATS, *JSON_FORMATS) else suffix


def is_table(path: str | Path) -> bool:
    """Whether a file's name says that it is a table: one of TABLE_FORMATS, or a `.csv.gz` and the like."""
    return format_of(Path(path)) in TABLE_FORMATS


def tables_in(folder: Path, *, only_tables: bool) -> FoundTables:
    """The tables of a folder by part: those that are called as parts are, or a single other one.

    Args:
        folder: a folder.
        only_tables: whether the folder is asked for tables alone; else its sub-folders may be classes, and a single table
            beside them does not count.
    """
    answers = {
        part: path.name
        for path in table_files(folder)
        if _is_of_answers(path) and (part := part_of_table(path)) is not None
    }
    names = [path.name for path in table_files(folder) if path.name not in answers.values()]
    is_for_tables = only_tables or not sub_folders(folder)
    parts = named_parts(names, str(folder), stem_of=_stem, affixed=is_for_tables and len(names) > 1)
    if not parts and only_tables and "train" in answers:
        # Without rows of their own, they are lists of files with answers.
        parts, answers = answers, {}
    if not parts and len(names) == 1 and is_for_tables:
        parts = {"train": names[0]}
    passed_over = [name for name in names if name not in parts.values()]
    passed_over += [name for part, name in answers.items() if part not in parts]
    answers = {part: name for part, name in answers.items() if part in parts}
    notes = [f"`{folder}`: {', '.join(passed_over)} passed over"] if parts and passed_over else []
    return FoundTables(
        {part: folder / name for part, name in parts.items()},
        {part: folder / name for part, name in answers.items()},
        notes,
    )


def part_of_table(path: Path) -> str | None:
    """The part that a word of a table's name tells, as those of train.csv and test_labels.csv do; None for other names."""
    parts = {part for word in _words(path) if (part := part_of(word)) is not None}
    return parts.pop() if len(parts) == 1 else None


def by_likely_lists(files: Sequence[Path]) -> list[Path]:
    """Tables in the order in which they may list a part's files with answers: by its name, then by a word for answers."""
    return sorted(files, key=lambda path: (part_of_table(path) is None, not ANSWER_WORDS & set(_words(path))))


def _is_of_answers(path: Path) -> bool:
    """Whether a table holds the answers of a part alone by its name: train_labels or y_train."""
    words = _words(path)
    return len(words) == 2 and bool(ANSWER_WORDS & set(words))


def _words(path: Path) -> list[str]:
    return [word for word in re.split(r"[\W_]+", _stem(path.name).lower()) if word]


def metadata_in(folder: Path) -> dict[str, Path]:
    """Tables called `metadata` by part: that of the folder itself, or those of its parts; none where there are none."""
    for path in table_files(folder):
        if _stem(path.name) == METADATA:
            return {"train": path}
    parts = named_parts([child.name for child in sub_folders(folder)], str(folder))
    found = {
        part: path
        for part, name in parts.items()
        for path in table_files(folder / name)
        if _stem(path.name) == METADATA
    }
    return found if len(found) == len(parts) else {}


def divided_by_folder(tables: dict[str, Table | StreamTable]) -> dict[str, Table | StreamTable]:
    """Divide a single metadata table into parts where all its files lie in folders that are called like parts.

    Of a stream the rows of the training part are read, and no others.
    """
    table = tables.get("train")
    if len(tables) > 1 or table is None:
        return tables
    rows: dict[str | None, list[int]] = {}
    for index, name in enumerate(table.column(FILE_NAME_COLUMN)):
        rows.setdefault(_part_of_file(name), []).append(index)
    if None in rows or "train" not in rows or len(rows) < 2:
        return tables
    if isinstance(table, StreamTable):
        kept = table.changed(lambda dataset: dataset.filter(_is_for_training, input_columns=FILE_NAME_COLUMN))
        others = ", ".join(
            f"{part} ({len(indices):,} rows)" for part, indices in rows.items() if part != "train"
        )
        kept.notes.append(
            f"`{table.source}`: of the stream, {others} left out: give these as parts of their own"
        )
        return {"train": kept}
    return {part: table.take(indices) for part, indices in rows.items() if part is not None}


def with_files(table: Table | StreamTable, *, labelled: bool) -> Table | StreamTable:
    """A metadata table with the columns of a folder of files: `file`, and `label` by the files' folders where it has none."""
    may_be_labelled = labelled and LABEL_COLUMN not in table.columns
    names = table.column(FILE_NAME_COLUMN) if may_be_labelled or isinstance(table, Table) else ()
    folders = [_folder_of(name) for name in names]
    is_labelled = may_be_labelled and all(folders) and not any(map(part_of, folders))
    if isinstance(table, StreamTable):
        return table.changed(lambda dataset: _streamed_files(dataset, is_labelled))
    columns = [FILE_COLUMN if name == FILE_NAME_COLUMN else name for name in table.columns]
    renamed = table.with_column(FILE_COLUMN, names).select(columns)
    return renamed.with_column(LABEL_COLUMN, folders) if is_labelled else renamed


def _streamed_files(dataset: Any, is_labelled: bool) -> Any:
    renamed = dataset.rename_column(FILE_NAME_COLUMN, FILE_COLUMN)
    return renamed.map(_with_label) if is_labelled else renamed


def _with_label(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, LABEL_COLUMN: _folder_of(row[FILE_COLUMN])}


def _folder_of(name: str | None) -> str:
    return PurePath(name or "").parent.name


def _part_of_file(name: str | None) -> str | None:
    return part_of(PurePath(name).parts[0]) if name else None


def _is_for_training(name: str | None) -> bool:
    return _part_of_file(name) == "train"


def table_files(folder: Path) -> list[Path]:
    """Tables in a folder, sorted; hidden ones are left out."""
    return [
        path
        for path in sorted(folder.iterdir())
        if is_table(path) and not path.name.startswith(".") and (path.is_file() or dead_link(path))
    ]


def _stem(name: str) -> str:
    return name[: name.lower().rindex(format_of(Path(name)))]
