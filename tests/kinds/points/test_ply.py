"""PLY: the same small file as text and in both byte orders."""

from __future__ import annotations

import struct

import pytest

from perceivers.errors import DataError
from perceivers.kinds.points.names import NamedPoints, PointColumns
from perceivers.kinds.points.ply import parse_ply

HEADER = """ply
format {kind} 1.0
comment made by hand
element vertex 3
property float x
property float y
property float z
property uchar red
{faces}end_header
"""
FACES = "element face 2\nproperty list uchar int vertex_indices\n"
VERTICES = [(0.0, 0.5, 1.0, 7), (1.0, 0.0, 0.0, 8), (0.0, 2.0, 0.0, 255)]


def as_text(faces: str = "", lines: str = "") -> bytes:
    header = HEADER.format(kind="ascii", faces=faces)
    return (header + "".join(f"{x} {y} {z} {red}\n" for x, y, z, red in VERTICES) + lines).encode()


def as_bytes(order: str, faces: str = "", members: tuple[tuple[int, ...], ...] = ()) -> bytes:
    kind = {"<": "binary_little_endian", ">": "binary_big_endian"}[order]
    body = b"".join(struct.pack(f"{order}fffB", *vertex) for vertex in VERTICES)
    body += b"".join(struct.pack(f"{order}B{len(face)}i", len(face), *face) for face in members)
    return HEADER.format(kind=kind, faces=faces).encode() + body


@pytest.mark.parametrize("content", [as_text(), as_bytes("<"), as_bytes(">")])
def test_vertices_without_faces_are_points_with_features(content: bytes) -> None:
    points = parse_ply(content)
    assert isinstance(points, NamedPoints)
    assert points.values.tolist() == [list(vertex) for vertex in VERTICES]
    assert points.names == ("x", "y", "z", "red")


TRIANGLES = ((0, 1, 2), (2, 1, 0))


@pytest.mark.parametrize(
    "content",
    [
        as_text(FACES, "3 0 1 2\n3 2 1 0\n"),
        as_bytes("<", FACES, TRIANGLES),
        as_bytes(">", FACES, TRIANGLES),
        as_bytes("<", FACES.replace("vertex_indices", "vertex_index"), TRIANGLES),
    ],
)
def test_vertices_with_faces_are_a_surface(content: bytes) -> None:
    surface = parse_ply(content)
    assert isinstance(surface, tuple)
    assert surface[0].tolist() == [[x, y, z] for x, y, z, _ in VERTICES]
    assert [face.tolist() for face in surface[1]] == [[0, 1, 2], [2, 1, 0]]


def test_coordinates_come_first_wherever_they_stand() -> None:
    content = (
        b"ply\nformat ascii 1.0\nelement vertex 1\nproperty int id\nproperty float z\nproperty float y\n"
    )
    content += b"property float x\nend_header\n9 3 2 1\n"
    points = parse_ply(content)
    assert isinstance(points, NamedPoints)
    assert PointColumns.of([points]).ordered(points).tolist() == [[1, 2, 3, 9]]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"OFF\n", "must begin with the line ply"),
        (as_text().replace(b"end_header", b"the_end"), "have a line end_header"),
        (as_text().replace(b"ascii", b"roman"), "format must be one of ascii, binary_little_endian"),
        (as_text().replace(b"property float z", b"property float w"), "must have the properties x, y and z"),
        (
            as_text().replace(b"uchar red", b"colour red"),
            "'property colour red' has a type that is not one of",
        ),
        (as_text()[:-7], "it ends before the last vertex"),
        (as_bytes("<")[:-1], "it ends before the last vertex"),
        (as_bytes("<", FACES, TRIANGLES)[:-1], "it ends before the last face"),
    ],
)
def test_a_broken_file_is_an_error(content: bytes, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        parse_ply(content)
