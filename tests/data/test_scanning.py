"""What lies below a folder, and what of it counts."""

from __future__ import annotations

from pathlib import Path, PurePath

import pytest

from perceivers.data.scanning import is_passed_over, scan
from perceivers.errors import DataError


@pytest.mark.parametrize(
    ("name", "passed_over"),
    [
        (".git", True),
        ("__MACOSX", True),
        ("THUMBS.DB", True),
        ("$Recycle.Bin", True),
        ("cat", False),
        ("_a", False),
    ],
)
def test_hidden_and_system_names_are_passed_over_in_any_case(name: str, passed_over: bool) -> None:
    assert is_passed_over(name) is passed_over


def test_a_file_without_an_ending_counts_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "000123").write_bytes(b"GIF89a")
    (tmp_path / "000124").write_bytes(b"hello")
    found = scan(tmp_path, (".gif",))
    assert found.files == (PurePath("000123"),)
    assert found.notes() == [f"`{tmp_path}`: left out 1 file of other formats (1 without an ending)"]


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "data/cat").mkdir(parents=True)
    (tmp_path / "data/cat/a.note").write_text("")
    (tmp_path / "links").mkdir()
    (tmp_path / "links/cat").symlink_to(tmp_path / "data/cat")
    (tmp_path / "data/cat/again").symlink_to(tmp_path / "links")
    assert scan(tmp_path / "links", (".note",)).files == (PurePath("cat/a.note"),)


def test_a_link_to_nothing_counts_as_the_file_that_it_stands_for(tmp_path: Path) -> None:
    for name in ("a.note", "b.pdf", "cat"):
        (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    found = scan(tmp_path, (".note",))
    assert found.files == (PurePath("a.note"),)
    assert found.notes() == [
        f"`{tmp_path}`: left out 2 files of other formats (1 with .pdf, 1 linked to nothing)"
    ]


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="absent` cannot be listed: No such file"):
        scan(tmp_path / "absent", (".note",))
