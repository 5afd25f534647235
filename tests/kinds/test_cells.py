"""What cells that stand for files say of themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.kinds.cells import ending, first_bytes, require_inside


def test_endings_are_those_of_paths() -> None:
    assert ending("far/A.TAR.Gz") == ".gz"
    assert ending(Path("a.png")) == ".png"
    assert ending({"path": "a.wav", "bytes": None}) == ".wav"
    assert ending({"path": None, "bytes": b"x"}) == ending(b"a.png") == ending(3.5) == ending("a word") == ""


def test_first_bytes_are_those_of_content() -> None:
    assert first_bytes(bytes(range(40))) == bytes(range(16))
    assert first_bytes({"bytes": b"ab", "path": "a.png"}) == b"ab"
    assert first_bytes({"bytes": None, "path": "a.png"}) == first_bytes("a.png") == first_bytes(None) == b""


@pytest.mark.parametrize(
    ("cell", "leaves"),
    [
        ("../secret.png", True),
        ("a/../../secret.png", True),
        ("..\\secret.png", True),
        ({"path": "../secret.png"}, True),
        ("a/../b.png", False),
        ("/somewhere/else.png", False),
        ("a..b/c.png", False),
        ("../words that are no path", False),
        (None, False),
    ],
)
def test_a_path_stays_in_the_folder_of_its_table_unless_it_is_whole(
    tmp_path: Path, cell: Any, leaves: bool
) -> None:
    table = ListTable([{"file": cell}], "t", root=tmp_path)
    if leaves:
        with pytest.raises(DataError, match="lies outside the folder of its table: write the whole path"):
            require_inside(cell, table, (".png",))
    else:
        require_inside(cell, table, (".png",))
    # What a program holds belongs to no folder.
    require_inside(cell, ListTable([{"file": cell}], "t"), (".png",))
