"""Columns that would be files but for a few cells, or that name folders: what is told of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from perceivers.kinds.registry import kind_class
from perceivers.tasks.table.nearly_files import why_no_files

TEXT = kind_class("text")


@pytest.mark.parametrize(
    ("suffix", "kind"), [("mp4", "video"), ("png", "image"), ("wav", "sound"), ("ply", "points")]
)
def test_a_column_of_files_but_for_a_few_cells_is_told(suffix: str, kind: str, tmp_path: Path) -> None:
    names = [f"{index}.{suffix}" for index in range(5)]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    said = why_no_files("film", [*names, "unknown"], tmp_path, TEXT)
    assert said == (
        f"5 of 6 cells are paths of files, such as '0.{suffix}', 'unknown' is none, so all are "
        f"read as text: empty what is no file, or take all for files with --column film={kind}"
    )


def test_a_column_of_folders_is_told(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    said = why_no_files("frames", ["a", "b", "c"], tmp_path, TEXT)
    assert said == "the cells name folders, such as 'a', which are not looked into: name a file in each cell"
    assert why_no_files("kind", ["a", "b", "a", "b"], tmp_path, TEXT) == "", (
        "classes that folders are called like"
    )


@pytest.mark.parametrize(
    "cells", [["a.mp4", "b.mp4", "c"], ["one", "two", "three"], ["0.txt", "1.txt", "x"], [1, 2, 3]]
)
def test_of_other_columns_nothing_is_said_of_files(cells: list[object], tmp_path: Path) -> None:
    (tmp_path / "0.txt").write_text("a text file is read as text, as the column is")
    assert why_no_files("x", cells, tmp_path, TEXT) == ""
    assert why_no_files("x", cells, None, TEXT) == ""


def test_sentences_that_are_too_long_for_a_name_are_texts(tmp_path: Path) -> None:
    said = [f"{number} " + "long " * 90 for number in range(5)]
    assert why_no_files("said", said, tmp_path, TEXT) == ""
    films = [f"{number}.mp4" for number in range(9)]
    assert why_no_files("film", [*films, "x" * 400], tmp_path, TEXT) == ""
