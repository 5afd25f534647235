"""Files of plain text by their mark, and files that only point to a large one."""

from __future__ import annotations

from pathlib import Path

import pytest

from perceivers.data.dialects import sense
from perceivers.errors import DataError
from perceivers.processors.audio.files import read_audio
from perceivers.processors.image.opening import open_picture
from perceivers.processors.video.decoding import read_header
from perceivers.text_files import is_lfs_pointer, read_plain_text

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_the_mark_tells_the_letters_and_is_none_of_them(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "x.txt").write_bytes("ä\r\nb\rc".encode(encoding))
    assert read_plain_text(tmp_path / "x.txt") == "ä\nb\nc"


def test_bytes_that_are_no_letters_are_an_error_or_what_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"a\xff")
    with pytest.raises(UnicodeDecodeError):
        read_plain_text(tmp_path / "x.txt")
    assert read_plain_text(tmp_path / "x.txt", errors="replace") == "a\ufffd"


def test_a_pointer_in_the_place_of_a_file_is_called_so_by_every_reader(tmp_path: Path) -> None:
    for name in ("x.csv", "x.png", "x.wav", "x.mp4"):
        (tmp_path / name).write_bytes(POINTER)
    readers = {
        "x.csv": sense,
        "x.png": open_picture,
        "x.wav": read_audio,
        "x.mp4": lambda path: read_header(path, str(path)),
    }
    for name, read in readers.items():
        with pytest.raises(DataError, match=f"{name}` cannot be read as .*: it is a pointer of Git LFS"):
            read(tmp_path / name)  # type: ignore[operator]
    assert is_lfs_pointer(POINTER)
    assert not is_lfs_pointer(tmp_path / "absent")
