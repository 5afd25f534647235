"""What keeps a column from being one of files: a few cells, or that it names folders."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from perceivers.data.evenly import evenly_spread
from perceivers.kinds.base import Kind
from perceivers.kinds.cells import ending
from perceivers.kinds.registry import file_endings, guess_kind

# Share of files at least, of a column that is meant to be one of them.
MOSTLY_FILES = 0.5
# Cells that are looked for on the disk; so many different ones that are all folders are no classes by chance.
FEW = 3


def why_no_files(name: str, filled: Sequence[Any], root: Path | None, found: type[Kind]) -> str:
    """What is said of a column that would be one of files but for some cells; "" of every other.

    Args:
        name: of the column.
        filled: its cells, without empty ones.
        root: what relative paths belong to; None where nothing is known of it.
        found: what the column is taken for.
    """
    some = evenly_spread(filled)
    if root is None or found.name not in ("category", "text") or not all(map(_is_path, some)):
        return ""
    # os.path, not Path: a sentence is too long for a name, which is no error here.
    first = list(dict.fromkeys(some))[:FEW]
    if len(first) == FEW and all(os.path.isdir(root / cell) for cell in first):
        return f"the cells name folders, such as {first[0]!r:.60}, which are not looked into: name a file in each cell"
    known = set(file_endings())
    by_ending = {end: cell for cell in some if (end := ending(cell)) in known}
    kinds = {end: guess_kind(name, [cell]) for end, cell in by_ending.items()}
    kind, count = Counter(kinds.get(ending(cell)) for cell in some).most_common(1)[0]
    files = [cell for cell in some if kinds.get(ending(cell)) is kind]
    if kind in (None, found) or count < MOSTLY_FILES * len(some):
        return ""
    others = [cell for cell in filled if kinds.get(ending(cell)) is not kind]
    if not others or not any(os.path.isfile(root / cell) for cell in files[:FEW]):
        return ""
    assert kind is not None
    return (
        f"{len(filled) - len(others):,} of {len(filled):,} cells are paths of files, such as {files[0]!r:.60}, "
        f"{others[0]!r:.60} is none, so all are read as {found.name}: empty what is no file, or take all for files with "
        f"--column {name}={kind.name}"
    )


def _is_path(cell: Any) -> bool:
    return isinstance(cell, str) and len(cell) < 1000 and "\0" not in cell
