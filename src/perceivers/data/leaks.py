"""What makes measures of a division too good: equal files in two parts, files of one subject in two parts."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from perceivers.data.tables import Table
from perceivers.data.words import counted

# Looking for equal files reads at most so many of them, and of large ones their beginning, middle and end.
MOST_FILES = 20_000
BLOCK = 1 << 16
# What comes before the last mark between words of a file's name.
BEGINNING_OF_NAME = r"([^/\\]+?)[_\-. ]+[^_\-. /\\]+(?:\.\w+)?$"
_LAST_WORD = re.compile(r"[_\-. ]+[^_\-. ]+$")
# Shares of the files that tell that names are made of a subject and a number.
MOSTLY, FEWEST_SHARED = 0.9, 0.5


@dataclass(frozen=True)
class NamedFile:
    """A file of a data set.

    Args:
        path: where it lies.
        part: that it is in.
        label: its class; None where there are none.
    """

    path: Path
    part: str
    label: Any = None


def files_of(table: Table, indices: Sequence[int], part: str, labels: str | None) -> list[NamedFile]:
    """The files that the first column with names of files names; none where no column does."""
    column = _file_column(table)
    if column is None:
        return []
    cells = table.column(column)
    classes = table.column(labels) if labels is not None and labels in table.columns else None
    return [
        NamedFile(table.path(cells[index]), part, None if classes is None else str(classes[index]))
        for index in indices
        if isinstance(cells[index], str) and cells[index]
    ]


def equal_files(files: Sequence[NamedFile]) -> list[str]:
    """What is said of files with equal content in two parts or two classes; nothing where there are none."""
    by_content: dict[tuple[int, bytes], list[NamedFile]] = {}
    for size, some in _by_size(files[:MOST_FILES]).items():
        for file in some if len(some) > 1 else ():
            digest = _digest(file.path, size)
            if digest is not None:
                by_content.setdefault((size, digest), []).append(file)
    equal = [some for some in by_content.values() if len(some) > 1]
    notes = []
    in_parts = [some for some in equal if len({file.part for file in some}) > 1]
    if in_parts:
        one, other = _two(in_parts[0], "part")
        notes.append(
            f"{_copies(in_parts)} lie in more than one part, such as `{one.path}` ({one.part}) and `{other.path}` "
            f"({other.part}): measures will be too good; keep one file of each content"
        )
    in_classes = [some for some in equal if len({file.label for file in some}) > 1]
    if in_classes:
        one, other = _two(in_classes[0], "label")
        notes.append(
            f"{_copies(in_classes)} lie in more than one class, such as `{one.path}` ({one.label}) and `{other.path}` "
            f"({other.label}): keep those of the right class"
        )
    return notes


def _copies(groups: Sequence[Sequence[NamedFile]]) -> str:
    """How many files have equal content in some groups, and how many contents these are."""
    return f"{sum(map(len, groups)):,} files of {counted(len(groups), 'content', 'contents')}"


def shared_beginnings(files: Sequence[NamedFile]) -> list[str]:
    """What is said where most files of a held-out part are called like files of the training part, but for the last word."""
    groups: dict[str, list[NamedFile]] = {}
    for file in files:
        stem = PurePath(file.path).stem
        beginning = _LAST_WORD.sub("", stem)
        if beginning != stem:
            groups.setdefault(beginning, []).append(file)
    num_named = sum(map(len, groups.values()))
    num_classes = len({file.label for file in files})
    # As many beginnings as classes: the classes themselves. Few files each: they say nothing.
    if num_named < MOSTLY * len(files) or not num_classes < len(groups) <= num_named / 2:
        return []
    for part in ("test", "validation"):
        held = [file for file in files if file.part == part]
        shared = [some for some in groups.values() if {part, "train"} <= {file.part for file in some}]
        num_shared = sum(file.part == part for some in shared for file in some)
        if held and num_shared >= FEWEST_SHARED * len(held):
            one = next(file for file in shared[0] if file.part == "train")
            other = next(file for file in shared[0] if file.part == part)
            return [
                f"{num_shared:,} of {len(held):,} files of the {part} part are called like files of the training part but "
                f"for the last word, such as {one.path.name} and {other.path.name}: if those are of one subject, measures "
                f"will be too good; keep them in one part by --group-column, or by --group-pattern '{BEGINNING_OF_NAME}'"
            ]
    return []


def _file_column(table: Table) -> str | None:
    if not len(table):
        return None
    row = table[0]
    for name in table.columns:
        cell = row.get(name)
        if isinstance(cell, str) and 0 < len(cell) < 1000 and "\0" not in cell:
            try:
                if table.path(cell).is_file():
                    return name
            except OSError:
                continue
    return None


def _by_size(files: Sequence[NamedFile]) -> dict[int, list[NamedFile]]:
    found: dict[int, list[NamedFile]] = {}
    for file in files:
        try:
            size = os.stat(file.path).st_size
        except (OSError, ValueError):
            continue
        if size:
            found.setdefault(size, []).append(file)
    return found


def _digest(path: Path, size: int) -> bytes | None:
    digest = hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            if size <= 4 * BLOCK:
                digest.update(file.read())
            else:
                for place in (0, size // 2, size - BLOCK):
                    file.seek(place)
                    digest.update(file.read(BLOCK))
    except OSError:
        return None
    return digest.digest()


def _two(files: Sequence[NamedFile], what: str) -> tuple[NamedFile, NamedFile]:
    """Two files that differ in their part or label."""
    first = files[0]
    return first, next(file for file in files if getattr(file, what) != getattr(first, what))
