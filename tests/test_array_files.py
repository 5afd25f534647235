"""NumPy's files: what they hold, and headers that say more than there is."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from perceivers.array_files import read_npy, read_npz, shape_of_npy
from perceivers.errors import DataError


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    array = np.arange(21, dtype=np.int16).reshape(3, 7)
    np.save(tmp_path / "a.npy", array)
    np.savez_compressed(tmp_path / "a.npz", one=array, two=array.T)
    np.testing.assert_array_equal(read_npy(tmp_path / "a.npy"), array)
    assert read_npy(tmp_path / "a.npy").flags.writeable
    assert read_npz(tmp_path / "a.npz").keys() == {"one", "two"}
    np.testing.assert_array_equal(read_npz(tmp_path / "a.npz", lambda name: name == "two")["two"], array.T)


def test_a_header_that_promises_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117) + b"\n"
    path = tmp_path / "huge.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(80))
    with pytest.raises(DataError, match=r"huge\.npy` cannot be read as a NumPy array"):
        read_npy(path)


def test_an_archive_that_unpacks_without_measure_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perceivers.array_files.LARGE", 1000)
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(10**6))
    with pytest.raises(DataError, match=r"bomb\.npz` cannot .*: it unpacks to 1,000,000 bytes, from"):
        read_npz(path)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x03\x04", b"plain"])
def test_damaged_files_are_named(content: bytes, tmp_path: Path) -> None:
    for name, read in (("a.npy", read_npy), ("a.npz", read_npz)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=name):
            read(tmp_path / name)
    with pytest.raises(DataError, match=r"absent\.npy"):
        read_npy(tmp_path / "absent.npy")


def test_the_shape_is_told_without_reading(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 5, 2)))
    (tmp_path / "b.npy").write_bytes(b"no array")
    assert shape_of_npy(tmp_path / "a.npy") == (3, 5, 2)
    assert shape_of_npy(tmp_path / "b.npy") is None
