"""Files of plain text by their mark, and files that only point to a large one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perceivers.array_files import read_npy, read_npz
from perceivers.data.dialects import sense
from perceivers.data.opening import open_table_file
from perceivers.errors import DataError
from perceivers.kinds.points.files import read_shape
from perceivers.kinds.text.reading import read_text_file
from perceivers.processors.audio.files import read_audio
from perceivers.processors.image.opening import open_picture
from perceivers.processors.optical_flow.files import read_flow_array
from perceivers.processors.optical_flow.pfm import read_pfm_flow
from perceivers.processors.series.arff import read_arff
from perceivers.processors.series.ts import read_ts
from perceivers.processors.video.decoding import read_header
from perceivers.text_files import pointer_told, read_plain_text

POINTERS = {
    "Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    "git-annex": b"/annex/objects/SHA256E-s12345--4d7a.jpg\n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_the_mark_tells_the_letters_and_is_none_of_them(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "x.txt").write_bytes("ä\r\nb\rc".encode(encoding))
    assert read_plain_text(tmp_path / "x.txt") == "ä\nb\nc"


def test_bytes_that_are_no_letters_are_an_error_or_what_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"a\xff")
    with pytest.raises(UnicodeDecodeError):
        read_plain_text(tmp_path / "x.txt")
    assert read_plain_text(tmp_path / "x.txt", errors="replace") == "a\ufffd"


READERS: dict[str, Callable[[Path], object]] = {
    "x.csv": sense,
    "x.jsonl": open_table_file,
    "x.parquet": open_table_file,
    "x.png": open_picture,
    "x.wav": read_audio,
    "x.mp4": lambda path: read_header(path, str(path)),
    "x.txt": read_text_file,
    "x.npy": read_npy,
    "x.npz": read_npz,
    "x.off": read_shape,
    "x.ply": read_shape,
    "x.xyz": read_shape,
    "x.ts": read_ts,
    "x.arff": read_arff,
    "x.flo": read_flow_array,
    "x.pfm": read_pfm_flow,
}


@pytest.mark.parametrize("left_by", POINTERS)
@pytest.mark.parametrize("name", READERS)
def test_a_pointer_in_the_place_of_a_file_is_called_so_by_every_reader(
    tmp_path: Path, name: str, left_by: str
) -> None:
    (tmp_path / name).write_bytes(POINTERS[left_by])
    with pytest.raises(
        DataError, match=f"{name}` (cannot be read as|is not a) .*: it is a pointer of {left_by}"
    ):
        READERS[name](tmp_path / name)


def test_what_only_begins_alike_or_is_not_there_is_no_pointer(tmp_path: Path) -> None:
    assert pointer_told(POINTERS["git-annex"])
    assert not pointer_told(b"/annex/objects/ is where git-annex keeps the contents of files\n")
    assert not pointer_told(tmp_path / "absent")
    assert not pointer_told("no\0path")
