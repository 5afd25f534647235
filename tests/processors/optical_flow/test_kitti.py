"""KITTI's flow files are read and written as its development kit describes them."""

import struct
import sys
import zlib

import pytest
import torch

from perceivers.errors import DataError, MissingExtraError, ShapeError
from perceivers.processors.optical_flow.kitti import read_kitti_flow, write_kitti_flow

pytest.importorskip("av")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, rows, bits=16, colour=2):
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_a_file_made_by_hand_is_read_as_the_format_says(tmp_path):
    # Two pixels a row. The first row is stored as it is (filter 0), the second as differences to the row above
    # (filter 2), byte by byte. 2^15 is no motion, 2^15 + 64 one pixel.
    first = struct.pack(">6H", 32768 + 64, 32768 - 32, 1, 65535, 0, 1)
    second = struct.pack(">6H", 32768 + 1, 32768, 1, 0, 0, 0)
    difference = bytes((new - old) % 256 for new, old in zip(second, first, strict=True))
    (tmp_path / "a.png").write_bytes(png(2, 2, b"\x00" + first + b"\x02" + difference))
    flow, valid = read_kitti_flow(tmp_path / "a.png")
    assert flow.tolist() == [[[1.0, -0.5], [511.984375, -512.0]], [[1 / 64, 0.0], [0.0, 0.0]]]
    assert valid.tolist() == [[True, True], [True, False]]


def test_what_is_written_is_read_to_the_64th_of_a_pixel(tmp_path):
    flow = (torch.rand(5, 7, 2) - 0.5) * 1000
    valid = torch.rand(5, 7) > 0.3
    write_kitti_flow(tmp_path / "a.png", flow, valid)
    read, known = read_kitti_flow(tmp_path / "a.png")
    assert torch.equal(known, valid)
    assert torch.equal(read[valid], torch.round(flow[valid] * 64) / 64)
    assert not read[~valid].any()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]


def test_without_a_mask_everything_is_valid(tmp_path):
    write_kitti_flow(tmp_path / "a.png", torch.zeros(3, 5, 2))
    assert read_kitti_flow(tmp_path / "a.png")[1].all()


def test_values_that_the_format_cannot_hold_are_refused_where_they_are_valid(tmp_path):
    flow = torch.zeros(3, 5, 2)
    flow[1, 2, 0] = 512.0
    with pytest.raises(DataError, match=r"`flow` must lie from -512 to 511.98 pixels in KITTI's files"):
        write_kitti_flow(tmp_path / "a.png", flow)
    valid = torch.ones(3, 5, dtype=torch.bool)
    valid[1, 2] = False
    write_kitti_flow(tmp_path / "a.png", flow, valid)
    flow[0, 0, 0] = float("nan")
    with pytest.raises(DataError, match="must lie from -512"):
        write_kitti_flow(tmp_path / "b.png", flow, valid)
    assert not (tmp_path / "b.png").exists()


def test_shapes_are_checked(tmp_path):
    with pytest.raises(ShapeError, match=r"`flow` must have shape \[height, width, 2\], received \[3, 5\]"):
        write_kitti_flow(tmp_path / "a.png", torch.zeros(3, 5))
    with pytest.raises(ShapeError, match=r"`valid` must have shape \[3, 5\], received \[5, 3\]"):
        write_kitti_flow(tmp_path / "a.png", torch.zeros(3, 5, 2), torch.ones(5, 3))


def test_damaged_files_are_named(tmp_path):
    path = tmp_path / "a.png"
    with pytest.raises(DataError, match=r"a.png` is not a flow file: there is no such file"):
        read_kitti_flow(path)
    path.write_bytes(b"no picture at all, whatever its name says")
    with pytest.raises(DataError, match=r"a.png` is not a flow file: it is not a PNG file"):
        read_kitti_flow(path)
    path.write_bytes(png(2, 2, bytes(2 * 7), bits=8))
    with pytest.raises(
        DataError, match=r"a.png` is not a flow file: .* this PNG has 8 bits and colour type 2"
    ):
        read_kitti_flow(path)
    write_kitti_flow(path, torch.rand(31, 37, 2))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"a.png` is damaged: the file ends before the picture does"):
        read_kitti_flow(path)
    changed = bytearray(content)
    changed[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(changed))
    with pytest.raises(DataError, match=r"a.png` is damaged: "):
        read_kitti_flow(path)


def test_the_missing_package_is_named(tmp_path, monkeypatch):
    write_kitti_flow(tmp_path / "a.png", torch.zeros(3, 5, 2))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"Reading KITTI's 16-bit flow files needs the package `av`"):
        read_kitti_flow(tmp_path / "a.png")
