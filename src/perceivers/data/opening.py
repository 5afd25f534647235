"""From what `--data` says to tables: a bundled name, a folder, a table file, a data set on the hub."""

from __future__ import annotations

import glob
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from perceivers.arguments.data import DataArguments
from perceivers.data.bundled import BUNDLED, bundled_tables
from perceivers.data.delimited import DelimitedFile
from perceivers.data.dialects import OR_LEAVE_OUT
from perceivers.data.folders import files_below, find_files, open_files, require_named, sub_folders
from perceivers.data.given_parts import with_given_parts
from perceivers.data.joined import joined
from perceivers.data.json_lines import JsonFile
from perceivers.data.layouts import layout_of
from perceivers.data.listed_files import lists_files, lists_near_files, with_listed_files
from perceivers.data.parquet_columns import readable_columns
from perceivers.data.parts import may_divide, part_of, parts_told
from perceivers.data.scanning import scan
from perceivers.data.shared_lines import SharedLines
from perceivers.data.table_folders import (
    FILE_NAME_COLUMN,
    JSON_FORMATS,
    TABLE_FORMATS,
    TEXT_FORMATS,
    by_likely_lists,
    divided_by_folder,
    format_of,
    is_table,
    metadata_in,
    part_of_table,
    table_files,
    tables_in,
    with_files,
)
from perceivers.data.tables import FILE_COLUMN, ArrowTable, ListTable, StreamTable, Table, undecodable_rows
from perceivers.errors import DataError, MissingExtraError, absent, one_line
from perceivers.text_files import pointer_told

# The `datasets` builder of each format that is not text.
BUILDERS = {".parquet": "parquet"}
# What is said of files that people take for tables.
CURES = {
    **dict.fromkeys((".xlsx", ".xls", ".ods"), ", a spreadsheet: save it as CSV in UTF-8"),
    **dict.fromkeys(
        (".txt", ".dat", ".data", ".tab"), "; if it is a table, call it .csv, or .tsv where tabs divide it"
    ),
    **dict.fromkeys((".zip", ".gz", ".tar", ".tgz", ".7z", ".rar"), ", an archive: unpack it"),
}
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")

Tables = dict[str, Table | StreamTable]

__all__ = [
    "TABLE_FORMATS",
    "Tables",
    "files_below",
    "find_files",
    "is_table",
    "notes_of",
    "open_files",
    "open_table_file",
    "open_tables",
    "require_named",
    "sub_folders",
    "with_files_of",
]


def open_tables(
    arguments: DataArguments, suffixes: Sequence[str], *, labelled: bool = True, listed: Sequence[str] = ()
) -> Tables:
    """Open the tables of a data set, by part: "train", and "validation" and "test" where there are any.

    Args:
        arguments: `data`, `validation_data`, `test_data`, `subset`, `streaming`, `decimal`.
        suffixes: endings, lower case with the dot, of the files that a folder holds for this task; none: a folder holds
            tables, whatever lies beside them.
        labelled: whether a folder has one sub-folder a class. Its tables then have the columns `file` and `label`,
            otherwise `file` alone.
        listed: without `suffixes`, endings of the files that tables may list by name or id.

    Raises:
        DataError: there is no such data; the message names it.
    """

    def opened(data: str, *, streaming: bool = False) -> Tables:
        return _open(data, arguments, suffixes, labelled, listed, streaming=streaming)

    tables = opened(arguments.data, streaming=arguments.streaming)
    train = tables.get("train")
    if len(tables) == 1 and isinstance(train, Table) and len(train):
        train.notes += _divisions_told(train)
    return with_given_parts(tables, arguments, opened)


def open_table_file(path: Path, arguments: DataArguments | None = None) -> Table | StreamTable:
    """Open one table file.

    The cells of CSV and TSV are text, None where a field is empty; the other formats have types of their own. The table's
    `notes` say what was not to be expected.

    Args:
        path: a file whose name `is_table` knows.
        arguments: `decimal`; with `streaming`, the result is a StreamTable. Where `unreadable` is "skip", rows that cannot be
            read are left out and listed in the table's `left_out`; else the first of them is an error. None: they stay in
            the table, see its `torn`.

    Raises:
        DataError: the file cannot be read; the message names it, and the row where one is at fault.
    """
    kind = format_of(path)
    streaming = arguments is not None and arguments.streaming
    bears_torn = arguments is None or arguments.unreadable == "skip"
    # Receives the rows that cannot be read; without it, the first is an error.
    torn: dict[int, str] | None = {} if bears_torn else None
    left_out = SharedLines() if streaming and bears_torn else None
    notes: Sequence[str] = ()
    try:
        datasets = _import_datasets()
    except MissingExtraError:
        if streaming or kind not in (*TEXT_FORMATS, *JSON_FORMATS):
            raise
        return _listed(path, kind, arguments, torn)
    try:
        if kind in TEXT_FORMATS:
            file = DelimitedFile.look_at(path, bears_torn=bears_torn)
            opened, notes = file.stream(left_out) if streaming else file.dataset(torn), file.notes
        elif kind in JSON_FORMATS:
            rows = JsonFile(path)
            opened, notes = rows.stream(left_out) if streaming else rows.dataset(torn), rows.notes()
        else:
            if pointer := pointer_told(path):
                raise DataError(f"`{path}` cannot be read as a table: {pointer}")
            told, notes = readable_columns(path)
            # A name such as v[12] would be taken for a pattern.
            opened = datasets.load_dataset(
                BUILDERS[kind], data_files=glob.escape(str(path)), split="train", streaming=streaming, **told
            )
        table: Table | StreamTable
        if arguments is not None and streaming:
            table = _stream(opened, str(path), arguments, path.parent, left_out)
        else:
            if kind not in (*TEXT_FORMATS, *JSON_FORMATS):
                torn = undecodable_rows(opened, str(path))
            table = _of_arguments(ArrowTable(opened, str(path), path.parent, torn), arguments)
    except DataError:
        raise
    except Exception as error:  # whatever the parser of a format raises
        _unreadable(f"`{path}` cannot be read as a table", error)
    table.notes += notes
    if arguments is not None and arguments.decimal != "auto":
        table.decimal = arguments.decimal
    return table


def _divisions_told(table: Table) -> list[str]:
    """What is said of columns that tell which part each row is of."""
    told = []
    # By the name first: to read a column of a large table takes time.
    for name in filter(may_divide, table.columns):
        if parts := parts_told(name, table.column(name)):
            told.append(
                f"`{table.source}`: the column {name} says which part each row is of ({', '.join(parts)}), which is not "
                f"followed: write the rows of each into a table of its own, {', '.join(f'{part}.csv' for part in parts)}, "
                "and give the folder of these as `data`"
            )
    return told


def _of_arguments(table: Table, arguments: DataArguments | None) -> Table:
    """The table without its torn rows where these are to be skipped; see `open_table_file`."""
    if arguments is None or not table.torn:
        return table
    if arguments.unreadable != "skip":
        raise DataError(f"{next(iter(table.torn.values()))}; mend it{OR_LEAVE_OUT}")
    return table.without_torn()


def notes_of(tables: Mapping[str, Table | StreamTable]) -> list[str]:
    """What the user should know about how the tables of a data set are read, each note once."""
    return list(dict.fromkeys(note for table in tables.values() for note in table.notes))


def with_files_of(
    table: Table | StreamTable,
    folder: Path,
    suffixes: Sequence[str],
    listed: Sequence[str] = (),
    part: str | None = None,
) -> Table | StreamTable:
    """A table whose names and ids of files are their paths, see `perceivers.data.listed_files.with_listed_files`.

    Args:
        table: rows whose relative paths belong to `folder`.
        folder: that holds the files.
        suffixes: see `open_tables`.
        listed: see `open_tables`; a folder without such files near its tables is not searched.
        part: of the table.
    """
    if suffixes or not listed or not lists_near_files(table, folder, listed):
        return with_listed_files(table, folder, suffixes, part)
    return with_listed_files(table, folder, listed, part, adds_file=False)


def _open(
    data: str,
    arguments: DataArguments,
    suffixes: Sequence[str],
    labelled: bool,
    listed: Sequence[str],
    *,
    streaming: bool = False,
) -> Tables:
    path = Path(data)
    at_once = replace(arguments, streaming=False)
    if data in BUNDLED:
        _refuse_stream(streaming, data)
        return dict(bundled_tables(data))
    if path.is_file():
        if is_table(path):
            table = open_table_file(path, arguments if streaming else at_once)
            return {"train": with_files_of(table, path.parent, suffixes, listed, part_of_table(path))}
        if path.suffix.lower() in suffixes and not labelled:
            _refuse_stream(streaming, data)
            return {"train": ListTable([{FILE_COLUMN: str(path)}], data, [data])}
        raise DataError(
            f"`data` must be a folder or a table ({', '.join(TABLE_FORMATS)}), received the file {data!r}"
            + CURES.get(path.suffix.lower(), "")
        )
    if path.is_dir():
        stream = arguments if streaming else at_once
        if tables := _open_metadata(path, stream, at_once):
            return (
                {part: with_files(table, labelled=labelled) for part, table in tables.items()}
                if suffixes
                else tables
            )
        found = tables_in(path, only_tables=not suffixes)
        if found.files:
            tables = _open_parts(found.files, stream, at_once)
            next(iter(tables.values())).notes.extend(found.notes)
            for part, file in found.answers.items():
                table, answers = tables[part], open_table_file(file, at_once)
                if isinstance(table, StreamTable):
                    raise DataError(
                        f"`{file}` holds the answers of `{table.source}`, which cannot be joined to it with `streaming`: "
                        "leave this out, or write both into one table"
                    )
                assert isinstance(answers, Table)
                tables[part] = joined(table, answers)
            return {
                part: with_files_of(table, path, suffixes, listed, part) for part, table in tables.items()
            }
        if suffixes and (lists := _lists_in(path, suffixes, at_once)):
            return {part: with_listed_files(table, path, suffixes, part) for part, table in lists.items()}
        if not suffixes:
            raise DataError(
                f"`data` must be a table, or a folder that holds one ({', '.join(TABLE_FORMATS)}), received the folder "
                f"{data!r} without"
            )
        _refuse_stream(streaming, data)
        return dict(open_files(path, suffixes, labelled=labelled, choice=arguments.folders))
    if HUB_NAME.fullmatch(data):
        return _open_hub(data, arguments, streaming=streaming)
    raise DataError(
        f"`data` must be a bundled name ({', '.join(BUNDLED)}), a folder, a table or a name on the hub (owner/name), "
        f"received {data!r}, which {absent(path)}"
    )


def _open_metadata(folder: Path, stream: DataArguments, at_once: DataArguments) -> Tables:
    """Tables of a folder that list its files as the hub does; none where it has none."""
    tables = _open_parts(metadata_in(folder), stream, at_once)
    if not tables or any(FILE_NAME_COLUMN not in table.columns for table in tables.values()):
        return {}
    return divided_by_folder(tables)


def _lists_in(folder: Path, suffixes: Sequence[str], at_once: DataArguments) -> Tables:
    """Tables by part that list the files below a folder, where its folders are no classes; none where there are none.

    They lie in the folder, or in one in it that holds none of the files.
    """
    try:
        classes = layout_of(scan(folder, suffixes), labelled=True, choice=at_once.folders)
    except DataError:
        # Whoever opens the folders says why.
        return {}
    if len({label for _, label in classes.files["train"] if label is not None}) > 1:
        return {}
    without = [child for child in sub_folders(folder) if not files_below(child, suffixes)]
    for place in (folder, *without):
        found: Tables = {}
        for file in by_likely_lists(table_files(place)):
            part = part_of_table(file) or "train"
            if part not in found and (table := _list_of(file, folder, suffixes, part, at_once)) is not None:
                found[part] = table
        if "train" in found:
            return found
    return {}


def _list_of(
    file: Path, folder: Path, suffixes: Sequence[str], part: str, at_once: DataArguments
) -> Table | None:
    """A table that lists the files of a part; None where it does not."""
    try:
        table = open_table_file(file, at_once)
    except DataError:
        return None
    # What it names lies below the data's folder, wherever the table does.
    table.root = folder
    return table if isinstance(table, Table) and lists_files(table, folder, suffixes, part) else None


def _open_parts(files: Mapping[str, Path], stream: DataArguments, at_once: DataArguments) -> Tables:
    return {
        part: open_table_file(file, stream if part == "train" else at_once) for part, file in files.items()
    }


def _open_hub(name: str, arguments: DataArguments, *, streaming: bool) -> Tables:
    datasets = _import_datasets()
    tables: Tables = {}
    try:
        for split in datasets.get_dataset_split_names(name, arguments.subset):
            part = part_of(split)
            if part is None or part in tables:
                continue
            is_stream = streaming and part == "train"
            opened = datasets.load_dataset(name, arguments.subset, split=split, streaming=is_stream)
            source = f"{name}, {split}"
            tables[part] = _stream(opened, source, arguments) if is_stream else ArrowTable(opened, source)
    except DataError:
        raise
    except Exception as error:  # the hub's many ways of not giving a data set
        _unreadable(f"`data` {name!r} is no folder or file here and cannot be loaded from the hub", error)
    return tables


def _stream(
    dataset: Any,
    source: str,
    arguments: DataArguments,
    root: Path | None = None,
    torn: SharedLines | None = None,
) -> StreamTable:
    return StreamTable(
        dataset, source, root, buffer_size=arguments.shuffle_buffer, seed=arguments.split_seed, torn=torn
    )


def _refuse_stream(streaming: bool, data: str) -> None:
    if streaming:
        raise DataError(f"`streaming` needs a table or a data set on the hub, received `data` {data!r}")


def _unreadable(what: str, error: Exception) -> NoReturn:
    cause = error.__cause__ or error
    raise DataError(f"{what}: {one_line(cause, 500)}") from error


def _listed(path: Path, kind: str, arguments: DataArguments | None, torn: dict[int, str] | None) -> Table:
    """A table of text or JSON in plain lists, for programs without the package `datasets`."""
    notes: Sequence[str] = ()
    if kind in TEXT_FORMATS:
        file = DelimitedFile.look_at(path, bears_torn=torn is not None)
        rows, notes = list(file.rows(torn)), file.notes
    else:
        found, notes = list(JsonFile(path).rows(torn)), JsonFile(path).notes()
        names = dict.fromkeys(name for row in found for name in row)
        rows = [{name: row.get(name) for name in names} for row in found]
    table = _of_arguments(ListTable(rows, str(path), root=path.parent, torn=torn), arguments)
    table.notes += notes
    if arguments is not None and arguments.decimal != "auto":
        table.decimal = arguments.decimal
    return table


def _import_datasets() -> Any:
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("datasets", "train", "Reading tables") from error
    datasets.disable_progress_bars()
    return datasets
