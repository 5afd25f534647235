"""Equal files and subjects on both sides of a division."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perceivers.data.leaks import BEGINNING_OF_NAME, NamedFile, equal_files, files_of, shared_beginnings
from perceivers.data.tables import ListTable


def files(root: Path, *given: tuple[str, str, str, bytes]) -> list[NamedFile]:
    found = []
    for name, part, label, content in given:
        (root / name).write_bytes(content)
        found.append(NamedFile(root / name, part, label))
    return found


def test_equal_files_in_two_parts_or_classes_are_told(tmp_path: Path) -> None:
    given = files(
        tmp_path,
        ("a", "train", "cat", b"1234"),
        ("b", "test", "cat", b"1234"),
        ("c", "train", "dog", b"abcd"),
        ("d", "train", "cat", b"abcd"),
        ("e", "test", "dog", b"ABCD"),
        ("f", "train", "dog", b""),
        ("g", "test", "cat", b""),
    )
    assert equal_files(given) == [
        f"2 files of 1 content lie in more than one part, such as `{tmp_path / 'a'}` (train) and `{tmp_path / 'b'}` (test): "
        "measures will be too good; keep one file of each content",
        f"2 files of 1 content lie in more than one class, such as `{tmp_path / 'c'}` (dog) and `{tmp_path / 'd'}` (cat): "
        "keep those of the right class",
    ]
    assert equal_files(given[2:3]) == []


def test_every_copy_counts(tmp_path: Path) -> None:
    given = [
        (f"{part}{index}", part, "x", b"ab"[index % 2 :]) for index in range(7) for part in ("train", "test")
    ]
    (note,) = equal_files(
        files(tmp_path, *given, ("own", "train", "x", b"c"), ("twice", "train", "x", b"cc"))
    )
    assert note.startswith("14 files of 2 contents lie in more than one part, ")


def test_large_files_are_told_apart_by_their_ends(tmp_path: Path) -> None:
    body = bytes(400_000)
    given = [
        ("a", "train", "x", body + b"1"),
        ("b", "test", "x", body + b"2"),
        ("c", "test", "x", body + b"1"),
    ]
    (note,) = equal_files(files(tmp_path, *given))
    assert "`" + str(tmp_path / "c") + "`" in note


def named(*names: str, label: str | None = None) -> list[NamedFile]:
    parts = ["train", "test"]
    return [NamedFile(Path(name), parts[index % 2], label or name[0]) for index, name in enumerate(names)]


def test_names_of_subjects_on_both_sides_are_told() -> None:
    (note,) = shared_beginnings(named(*(f"patient_{who}_{take}.png" for who in range(5) for take in "ab")))
    assert note.startswith(
        "5 of 5 files of the test part are called like files of the training part but for the last word, such as "
        "patient_0_a.png and patient_0_b.png: "
    )
    (note,) = shared_beginnings(
        named(*(f"{digit}_jo{digit % 3}_{take}.wav" for digit in range(6) for take in range(4)), label="a")
    )
    assert "0_jo0_0.wav and 0_jo0_1.wav" in note


def test_the_pattern_of_the_hint_finds_what_is_shared() -> None:
    for path in ("/data/x_y/patient_01_a.png", "patient_01-b.png", r"C:\data\patient_01 c.png"):
        match = re.search(BEGINNING_OF_NAME, path)
        assert match is not None
        assert match.group(1) == "patient_01"


@pytest.mark.parametrize(
    "names",
    [
        [f"{label}_{number:03d}.png" for label in ("cat", "dog") for number in range(10)],
        [f"img_{number:03d}.png" for number in range(20)],
        [f"{number:03d}.png" for number in range(20)],
        [f"{number}_{number}.png" for number in range(20)],
    ],
)
def test_names_of_classes_and_numbers_tell_nothing(names: list[str]) -> None:
    assert shared_beginnings(named(*names)) == []


def test_files_are_found_in_the_column_that_names_some(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    rows = [{"text": "hello", "photo": "a.png", "label": 1}, {"text": "more", "photo": "", "label": 2}]
    table = ListTable(rows, "t", root=tmp_path)
    assert files_of(table, [0, 1], "train", "label") == [NamedFile(tmp_path / "a.png", "train", "1")]
    assert files_of(ListTable([{"text": "hello\0"}], "t"), [0], "train", None) == []
