"""Folders of files: which files count, which sub-folders are classes, and which are parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from perceivers.data.parts import named_parts
from perceivers.data.tables import FILE_COLUMN, LABEL_COLUMN, ListTable, Table
from perceivers.errors import DataError

# Folders that systems make beside the files, with copies of them; like hidden ones they are passed over.
SYSTEM_FOLDERS = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information"})


def open_files(root: Path, suffixes: Sequence[str], *, labelled: bool) -> dict[str, Table]:
    """Open a folder of files: `file` and, with sub-folders for classes, `label`.

    Args:
        root: the folder itself, or one with sub-folders `train` and any of `validation`, `test`, under their usual names.
        suffixes: endings, lower case with the dot, of the files that count.
        labelled: whether a folder has one sub-folder a class. Its table then has the columns `file` and `label`, otherwise
            `file` alone.

    Raises:
        DataError: there are no files, no training part, or it cannot be told whether sub-folders are parts or classes.
    """
    parts, notes = _parts_in(root, suffixes, labelled)
    read = _labelled_files if labelled else _plain_files
    tables = {part: read(folder, suffixes) for part, folder in parts.items()}
    tables["train"].notes += notes
    return tables


def files_below(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Files of these endings at any depth, sorted; what is hidden, or a system's own, is left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes
        and not any(_is_passed_over(name) for name in path.relative_to(folder).parts)
        and path.is_file()
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
    """Folders in `folder`, sorted; what is hidden, or a system's own, is left out."""
    return sorted(child for child in folder.iterdir() if child.is_dir() and not _is_passed_over(child.name))


def _is_passed_over(name: str) -> bool:
    return name.startswith(".") or name in SYSTEM_FOLDERS


def _parts_in(root: Path, suffixes: Sequence[str], labelled: bool) -> tuple[dict[str, Path], list[str]]:
    """Folder by part, and notes; the whole folder is the training part where its sub-folders are no parts."""
    folders = sub_folders(root)
    named = named_parts([folder.name for folder in folders], str(root))
    parts = {part: root / name for part, name in named.items()}
    others = [
        folder for folder in folders if folder.name not in named.values() and files_below(folder, suffixes)
    ]
    if not parts or (others and not _look_like_parts(parts, others, labelled)):
        return {"train": root}, []
    if others:
        shared = _classes_in(parts.values()) & _classes_in(others)
        holds = "the same classes" if labelled and shared else "files too"
        raise DataError(
            f"`{root}` holds {', '.join(folder.name for folder in parts.values())}, which look like parts, beside "
            f"{', '.join(folder.name for folder in others)} with {holds}: name the folders with `data`, `validation_data` "
            "and `test_data`, or move what does not belong to the data"
        )
    if "train" not in parts:
        raise DataError(
            f"`data` must hold a folder `train` beside {', '.join(folder.name for folder in folders)}, received "
            f"{str(root)!r} without"
        )
    passed_over = [folder.name for folder in folders if folder not in parts.values()]
    if not passed_over:
        return parts, []
    return parts, [f"`{root}`: {', '.join(passed_over)} passed over, without files of the kind asked for"]


def _look_like_parts(parts: Mapping[str, Path], others: Sequence[Path], labelled: bool) -> bool:
    """Whether folders that are called like parts are ones although there are others, and not classes called so."""
    if not labelled:
        # A tree of texts may well have a folder `test`; with `train` beside it, it is a division.
        return len(parts) > 1 and "train" in parts
    classes = [_classes_in([folder]) for folder in parts.values()]
    is_division = len(classes) > 1 and bool(set.intersection(*classes))
    return is_division or bool(set.union(*classes) & _classes_in(others))


def _classes_in(folders: Iterable[Path]) -> set[str]:
    return {child.name for folder in folders for child in sub_folders(folder)}


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
