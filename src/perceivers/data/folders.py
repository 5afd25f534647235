"""Folders of files as tables: `file` and, with sub-folders for classes, `label`, divided as the folders are."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path, PurePath

from perceivers.data.layouts import Layout, LayoutChoice, layout_of
from perceivers.data.scanning import FoundFiles, is_passed_over, scan
from perceivers.data.tables import FILE_COLUMN, LABEL_COLUMN, ListTable, Table
from perceivers.errors import EMPTY_PATH, DataError, absent

_NO_NAME = (
    "`inputs` must name a file, a table or a folder each, received {0:.60} of {1:,} letters ({2}): values themselves go "
    "below a column's name"
)


def open_files(
    root: Path, suffixes: Sequence[str], *, labelled: bool, choice: LayoutChoice = "auto"
) -> dict[str, Table]:
    """Open a folder of files: `file` and, with sub-folders for classes, `label`.

    Args:
        root: the folder itself, or one with sub-folders `train` and any of `validation`, `test`, under their usual names,
            above the classes or below them.
        suffixes: endings, lower case with the dot, of the files that count.
        labelled: whether a folder has one sub-folder a class. Its table then has the columns `file` and `label`, otherwise
            `file` alone.
        choice: see `perceivers.data.layouts.layout_of`.

    Returns:
        Tables by part; the notes of the training part say what was passed over and how the folders were understood.

    Raises:
        DataError: there are no files, no training part, or it cannot be told whether sub-folders are parts or classes.
    """
    found = scan(root, suffixes).of_one_kind(suffixes)
    layout = layout_of(found, labelled=labelled, choice=choice)
    read = _labelled_files if labelled else _plain_files
    tables: dict[str, Table] = {}
    notes = [*layout.notes, *found.notes()]
    for part in layout.files:
        if part != "train" and labelled and (reason := _why_unlabelled(layout, part)):
            notes.append(
                f"`{root / layout.places[part]}` {reason}: it is left out; it can be given to `perceivers predict`"
            )
        else:
            tables[part] = read(found, layout, part, suffixes)
    tables["train"].notes += notes
    return tables


def files_below(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Files of these endings at any depth, sorted; what is hidden, or a system's own, is left out."""
    return [folder / file for file in scan(folder, suffixes).files]


def require_named(given: str) -> None:
    """Raise DataError for an input without a letter, of which Path would make the folder that the user is in.

    And for one that no file can be called, such as a long text.
    """
    if not given:
        raise DataError(f"`inputs` must name a file, a table or a folder each, {EMPTY_PATH}")
    try:
        os.lstat(given)
    except ValueError as error:
        raise DataError(_NO_NAME.format(given, len(given), error)) from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise DataError(_NO_NAME.format(given, len(given), error.strerror)) from error


def find_files(
    inputs: Sequence[str], suffixes: Sequence[str], kind: str, notes: list[str] | None = None
) -> list[Path]:
    """List the files among `inputs` and, at any depth, inside folders; a given file counts whatever its ending.

    Args:
        inputs: paths.
        suffixes: endings of the files that count inside folders.
        kind: what the files are, for errors: "picture".
        notes: receives what was passed over and left out in the folders.
    """
    paths: list[Path] = []
    for given in inputs:
        require_named(given)
        path = Path(given)
        if path.is_dir():
            found = scan(path, suffixes).of_one_kind(suffixes)
            if not found.files:
                others = found.others_in(PurePath())
                raise DataError(
                    f"`{path}` holds no {kind} ({', '.join(suffixes)})"
                    + (f", but other files: {others}" if others else "")
                )
            paths.extend(path / file for file in found.files)
            if notes is not None:
                notes.extend(found.notes())
        elif path.is_file():
            paths.append(path)
        else:
            raise DataError(f"`{path}` {absent(path)}")
    return paths


def sub_folders(folder: Path) -> list[Path]:
    """Folders in `folder`, sorted; what is hidden, or a system's own, is left out."""
    return sorted(child for child in folder.iterdir() if child.is_dir() and not is_passed_over(child.name))


def _why_unlabelled(layout: Layout, part: str) -> str | None:
    """Why a part beside the training part has no classes, as the files of competitions have; None where it has."""
    labels = {label for _, label in layout.files[part]}
    if not labels - {None}:
        return "holds no class folders"
    known = {label for _, label in layout.files["train"]}
    # Some readers of folders want one inside of every part, so people make a folder `unknown`.
    if len(labels) == 1 and not labels & known and len(known) > 1:
        return f"holds the folder {next(iter(labels))} alone, which is no class of the training part"
    return None


def _labelled_files(found: FoundFiles, layout: Layout, part: str, suffixes: Sequence[str]) -> Table:
    folder = found.root / layout.places[part]
    files = [(file, label) for file, label in layout.files[part] if label is not None]
    names = layout.classes[part]
    if not names:
        raise DataError(
            f"`data` must hold one sub-folder per class, received {str(folder)!r} without sub-folders"
        )
    for name in names:
        if not any(label == name for _, label in files):
            others = found.others_in(layout.places[part] / name)
            raise DataError(
                f"`{folder / name}` is a class without files ({', '.join(suffixes)})"
                + (f"; it holds others: {others}" if others else "")
            )
    rows = [{FILE_COLUMN: str(found.root / file), LABEL_COLUMN: label} for file, label in files]
    return ListTable(rows, str(folder), [row[FILE_COLUMN] for row in rows])


def _plain_files(found: FoundFiles, layout: Layout, part: str, suffixes: Sequence[str]) -> Table:
    folder = found.root / layout.places[part]
    paths = [str(found.root / file) for file, _ in layout.files[part]]
    if not paths:
        others = found.others_in(layout.places[part])
        raise DataError(
            f"`{folder}` holds no files of the kind that is asked for ({', '.join(suffixes)})"
            + (f"; it holds others: {others}" if others else "")
        )
    return ListTable([{FILE_COLUMN: path} for path in paths], str(folder), paths)
