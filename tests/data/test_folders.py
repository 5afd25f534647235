"""Folders whose sub-folders are parts, classes, or neither."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perceivers.data.folders import files_below, open_files
from perceivers.errors import DataError

SUFFIXES = (".note",)


def folder(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def classes(root: Path, *names: str) -> dict[str, list[Any]]:
    tables = open_files(folder(root, *names), SUFFIXES, labelled=True)
    return {part: sorted(set(table.column("label"))) for part, table in tables.items()}


def test_parts_are_seen_in_any_case_and_by_their_usual_names(tmp_path: Path) -> None:
    names = ("Training/cat/a.note", "Training/dog/b.note", "Testing/cat/c.note", "Valid/dog/d.note")
    assert classes(tmp_path, *names) == {"test": ["cat"], "train": ["cat", "dog"], "validation": ["dog"]}


def test_parts_beside_a_folder_with_the_same_classes_are_not_guessed(tmp_path: Path) -> None:
    names = [
        f"{part}/{label}/a.note"
        for part in ("train", "valid", "test", "consolidated")
        for label in ("cat", "dog")
    ]
    with pytest.raises(DataError) as error:
        classes(tmp_path, *names)
    assert str(error.value) == (
        f"`{tmp_path}` holds test, train, valid, which look like parts, beside consolidated with the same classes: name the "
        "folders with `data`, `validation_data` and `test_data`, or move what does not belong to the data"
    )


def test_parts_with_the_same_classes_are_not_classes_beside_a_flat_folder(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match="holds test, train, which look like parts, beside extra with files too"
    ):
        classes(tmp_path, "train/cat/a.note", "test/cat/b.note", "extra/c.note")


def test_classes_may_be_called_like_parts(tmp_path: Path) -> None:
    assert classes(tmp_path, "train/a.note", "plane/b.note") == {"train": ["plane", "train"]}
    assert classes(tmp_path / "deep", "test/1/a.note", "exam/2/b.note") == {"train": ["exam", "test"]}


def test_folders_without_files_of_the_kind_are_passed_over_with_a_note(tmp_path: Path) -> None:
    folder(tmp_path, "train/cat/a.note", "test/cat/b.note", "docs/readme.txt")
    tables = open_files(tmp_path, SUFFIXES, labelled=True)
    assert list(tables) == ["test", "train"]
    assert tables["train"].notes == [f"`{tmp_path}`: docs passed over, without files of the kind asked for"]


def test_a_division_of_files_without_classes_is_not_guessed_either(tmp_path: Path) -> None:
    folder(tmp_path, "train/a.note", "test/b.note", "more/c.note")
    with pytest.raises(
        DataError, match="holds test, train, which look like parts, beside more with files too"
    ):
        open_files(tmp_path, SUFFIXES, labelled=False)


def test_a_tree_of_files_may_have_a_folder_of_tests(tmp_path: Path) -> None:
    folder(tmp_path, "source/a.note", "test/b.note")
    assert len(open_files(tmp_path, SUFFIXES, labelled=False)["train"]) == 2


def test_two_folders_of_one_part_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds 'dev' and 'val', which both mean the part validation"):
        classes(tmp_path, "train/cat/a.note", "val/cat/a.note", "dev/cat/a.note")


def test_nothing_hidden_and_nothing_of_the_system_is_read(tmp_path: Path) -> None:
    folder(
        tmp_path,
        "cat/a.note",
        "cat/.ipynb_checkpoints/a-checkpoint.note",
        "cat/@eaDir/a.note",
        "__MACOSX/cat/a.note",
        "__MACOSX/a.note",
    )
    assert files_below(tmp_path, SUFFIXES) == [tmp_path / "cat" / "a.note"]
    assert classes(tmp_path) == {"train": ["cat"]}
    hidden = folder(tmp_path / ".hidden", "a.note")
    assert files_below(hidden, SUFFIXES) == [hidden / "a.note"], "a folder that is asked for is read"
