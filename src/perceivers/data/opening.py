"""From what `--data` says to tables: a bundled name, a folder, a table file, a data set on the hub."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from perceivers.arguments.data import DataArguments
from perceivers.data.bundled import BUNDLED, bundled_tables
from perceivers.data.tables import FILE_COLUMN, LABEL_COLUMN, ArrowTable, ListTable, StreamTable, Table
from perceivers.errors import DataError, MissingExtraError

PART_NAMES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
}
# The `datasets` builder of each kind of table, and what it has to be told. Only an empty field of a CSV is a missing value:
# "NA" and "null" are words.
TABLE_FORMATS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    ".csv": ("csv", {"keep_default_na": False, "na_values": [""]}),
    ".tsv": ("csv", {"keep_default_na": False, "na_values": [""], "sep": "\t"}),
    ".jsonl": ("json", {}),
    ".json": ("json", {}),
    ".parquet": ("parquet", {}),
}
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")

Tables = dict[str, Table | StreamTable]


def open_tables(arguments: DataArguments, suffixes: Sequence[str], *, labelled: bool = True) -> Tables:
    """Open the tables of a data set, by part: "train", and "validation" and "test" where there are any.

    Args:
        arguments: `data`, `validation_data`, `test_data`, `subset`, `streaming`.
        suffixes: endings, lower case with the dot, of the files that a folder holds for this task.
        labelled: whether a folder has one sub-folder a class. Its tables then have the columns `file` and `label`,
            otherwise `file` alone.

    Raises:
        DataError: there is no such data; the message names it.
    """
    tables = _open(arguments.data, arguments, suffixes, labelled, streaming=arguments.streaming)
    if "train" not in tables:
        raise DataError(
            f"`data` {arguments.data!r} must have a part `train`, received only {', '.join(sorted(tables))}"
        )
    for part, other in (("validation", arguments.validation_data), ("test", arguments.test_data)):
        if other is not None:
            opened = _open(other, arguments, suffixes, labelled)
            tables[part] = opened.get(part) or next(iter(opened.values()))
    return tables


def open_files(root: Path, suffixes: Sequence[str], *, labelled: bool) -> Tables:
    """Open a folder of files: `file` and, with sub-folders for classes, `label`.

    Args:
        root: the folder itself, or one with sub-folders `train` and any of `val`, `validation`, `test`.
        suffixes: see `open_tables`.
        labelled: see `open_tables`.
    """
    folders = sub_folders(root)
    parts = {PART_NAMES[folder.name]: folder for folder in folders if folder.name in PART_NAMES}
    if len(parts) < len(folders) or not folders:
        parts = {"train": root}
    elif "train" not in parts:
        raise DataError(
            f"`data` must hold a folder `train` beside {', '.join(f.name for f in folders)}, "
            f"received {str(root)!r} without"
        )
    read = _labelled_files if labelled else _plain_files
    return {part: read(folder, suffixes) for part, folder in parts.items()}


def files_below(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Files of these endings at any depth, sorted; hidden ones left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()
    )


def find_files(inputs: Sequence[str], suffixes: Sequence[str], kind: str) -> list[Path]:
    """List the files among `inputs` and, at any depth, inside folders; a given file counts whatever its ending.

    Args:
        inputs: paths.
        suffixes: endings of the files that count inside folders.
        kind: what the files are, for errors: "picture".
    """
    found: list[Path] = []
    for path in map(Path, inputs):
        if path.is_dir():
            inside = files_below(path, suffixes)
            if not inside:
                raise DataError(f"`{path}` holds no {kind} ({', '.join(suffixes)})")
            found.extend(inside)
        elif path.is_file():
            found.append(path)
        else:
            raise DataError(f"`{path}` does not exist")
    return found


def sub_folders(folder: Path) -> list[Path]:
    """Folders in `folder`, sorted; hidden ones left out."""
    return sorted(child for child in folder.iterdir() if child.is_dir() and not child.name.startswith("."))


def open_table_file(path: Path, arguments: DataArguments | None = None) -> Table | StreamTable:
    """Open one table file; `arguments` with `streaming` give a StreamTable."""
    kind, settings = TABLE_FORMATS[path.suffix.lower()]
    streaming = arguments is not None and arguments.streaming
    datasets = _import_datasets()
    try:
        opened = datasets.load_dataset(
            kind, data_files=str(path), split="train", streaming=streaming, **settings
        )
        if arguments is not None and streaming:
            return _stream(opened, str(path), arguments, path.parent)
        return ArrowTable(opened, str(path), path.parent)
    except DataError:
        raise
    except Exception as error:  # whatever the parser of a format raises
        _unreadable(f"`{path}` cannot be read as a table", error)


def _open(
    data: str,
    arguments: DataArguments,
    suffixes: Sequence[str],
    labelled: bool,
    *,
    streaming: bool = False,
) -> Tables:
    path = Path(data)
    stream = arguments if streaming else None
    if data in BUNDLED:
        _refuse_stream(streaming, data)
        return dict(bundled_tables(data))
    if path.is_file():
        if path.suffix.lower() in TABLE_FORMATS:
            return {"train": open_table_file(path, stream)}
        if path.suffix.lower() in suffixes and not labelled:
            _refuse_stream(streaming, data)
            return {"train": ListTable([{FILE_COLUMN: str(path)}], data, [data])}
        raise DataError(
            f"`data` must be a folder or a table ({', '.join(TABLE_FORMATS)}), received the file {data!r}"
        )
    if path.is_dir():
        files = _tables_in(path)
        if files:
            return {
                part: open_table_file(file, stream if part == "train" else None)
                for part, file in files.items()
            }
        _refuse_stream(streaming, data)
        return open_files(path, suffixes, labelled=labelled)
    if HUB_NAME.fullmatch(data):
        return _open_hub(data, arguments, streaming=streaming)
    raise DataError(
        f"`data` must be a bundled name ({', '.join(BUNDLED)}), a folder, a table or a name on the hub (owner/name), "
        f"received {data!r}, which does not exist"
    )


def _tables_in(folder: Path) -> dict[str, Path]:
    """Table files of a folder by part: those that are called as parts are, or a single other one."""
    files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in TABLE_FORMATS]
    parts = {PART_NAMES[path.stem.lower()]: path for path in files if path.stem.lower() in PART_NAMES}
    if parts:
        return parts
    return {"train": files[0]} if len(files) == 1 and not sub_folders(folder) else {}


def _labelled_files(folder: Path, suffixes: Sequence[str]) -> Table:
    classes = {child.name: files_below(child, suffixes) for child in sub_folders(folder)}
    if not classes:
        raise DataError(
            f"`data` must hold one sub-folder per class, received {str(folder)!r} without sub-folders"
        )
    for name, members in classes.items():
        if not members:
            raise DataError(f"`{folder / name}` is a class without files ({', '.join(suffixes)})")
    rows = [
        {FILE_COLUMN: str(path), LABEL_COLUMN: name} for name, members in classes.items() for path in members
    ]
    return ListTable(rows, str(folder), [row[FILE_COLUMN] for row in rows])


def _plain_files(folder: Path, suffixes: Sequence[str]) -> Table:
    paths = [str(path) for path in files_below(folder, suffixes)]
    if not paths:
        raise DataError(f"`{folder}` holds no files of the kind that is asked for ({', '.join(suffixes)})")
    return ListTable([{FILE_COLUMN: path} for path in paths], str(folder), paths)


def _open_hub(name: str, arguments: DataArguments, *, streaming: bool) -> Tables:
    datasets = _import_datasets()
    tables: Tables = {}
    try:
        for split in datasets.get_dataset_split_names(name, arguments.subset):
            part = PART_NAMES.get(split)
            if part is None:
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


def _stream(dataset: Any, source: str, arguments: DataArguments, root: Path | None = None) -> StreamTable:
    return StreamTable(dataset, source, root, buffer_size=arguments.shuffle_buffer, seed=arguments.split_seed)


def _refuse_stream(streaming: bool, data: str) -> None:
    if streaming:
        raise DataError(f"`streaming` needs a table or a data set on the hub, received `data` {data!r}")


def _unreadable(what: str, error: Exception) -> NoReturn:
    cause = error.__cause__ or error
    raise DataError(f"{what}: {' '.join(str(cause).split())[:500]}") from error


def _import_datasets() -> Any:
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("datasets", "train", "Reading tables") from error
    datasets.disable_progress_bars()
    return datasets
