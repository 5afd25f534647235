"""`.flo` files are written as the format says and read back."""

import struct

import pytest
import torch

from perceivers.errors import DataError, ShapeError
from perceivers.processors.optical_flow.files import read_flow, write_flow


def test_the_bytes_are_those_of_the_format(tmp_path):
    write_flow(tmp_path / "a.flo", torch.tensor([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]))
    content = (tmp_path / "a.flo").read_bytes()
    assert content[:4] == b"PIEH"
    assert struct.unpack("<ii6f", content[4:]) == (3, 1, 1, 2, 3, 4, 5, 6)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.flo"]


def test_what_is_written_is_read(tmp_path):
    flow = torch.randn(5, 7, 2)
    write_flow(tmp_path / "a.flo", flow)
    assert torch.equal(read_flow(tmp_path / "a.flo"), flow)


def test_damaged_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"a.flo` is not a flow file: there is no such file"):
        read_flow(tmp_path / "a.flo")
    (tmp_path / "a.flo").write_bytes(b"no flow at all")
    with pytest.raises(
        DataError, match=r"a.flo` is not a flow file: it does not begin with the number 202021.25"
    ):
        read_flow(tmp_path / "a.flo")
    write_flow(tmp_path / "a.flo", torch.zeros(5, 7, 2))
    content = (tmp_path / "a.flo").read_bytes()
    (tmp_path / "a.flo").write_bytes(content[:-1])
    with pytest.raises(DataError, match=r"a.flo` is damaged: 7 x 5 pixels take 292 bytes, the file has 291"):
        read_flow(tmp_path / "a.flo")
    (tmp_path / "a.flo").write_bytes(content[:4] + struct.pack("<ii", -7, 5) + content[12:])
    with pytest.raises(DataError, match=r"a.flo` is damaged: it says -7 x 5 pixels"):
        read_flow(tmp_path / "a.flo")


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(ShapeError, match=r"`flow` must have shape \[height, width, 2\], received \[5, 7\]"):
        write_flow(tmp_path / "a.flo", torch.zeros(5, 7))
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError):  # noqa: PT011
        write_flow(tmp_path / "taken", torch.zeros(5, 7, 2))
    assert [entry.name for entry in tmp_path.iterdir()] == ["taken"]
