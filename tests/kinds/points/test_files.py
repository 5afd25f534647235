"""Each format of points: small files written out in full."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.errors import DataError
from perceivers.kinds.points.files import READERS, begins_with_points, parse_numbers, parse_off, read_shape
from perceivers.kinds.points.names import NamedPoints

POINTS = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]]


@pytest.mark.parametrize(
    "text",
    [
        "1 2 3\n4 5 6.5\n",
        "1,2,3\n4,5,6.5",
        "1; 2; 3\n4; 5; 6.5\n",
        "1\t2\t3\n\n4\t5\t6.5\n",
        "# a comment\n1 2 3 # another\n4 5 6.5\n",
        "a cube of points\n1,2,3\n4,5,6.5\n",
        "1e0 2 3\n4 5 65e-1\n",
    ],
)
def test_numbers_may_be_apart_by_any_of_the_usual_marks(text: str) -> None:
    assert parse_numbers(text).tolist() == POINTS


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("x,y,z", ("x", "y", "z")),
        (' "X"; Y ;"Z"', ("x", "y", "z")),
        ("//X Y  Z", ("x", "y", "z")),
        ("t\tfirst echo\t", ("t", "first echo", "unnamed: 2")),
        (",y,x", ("unnamed: 0", "y", "x")),
    ],
)
def test_the_first_line_may_name_the_numbers(line: str, names: tuple[str, ...]) -> None:
    points = parse_numbers(f"{line}\n1 2 3\n4 5 6.5\n")
    assert isinstance(points, NamedPoints)
    assert (points.values.tolist(), points.names) == (POINTS, names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "x y z red\n1 2 3\n",
            "the first line must name each of the 3 numbers of a point, received x, y, z, red",
        ),
        ("x,y,X\n1,2,3\n", "points must have columns of different names, received 'x' twice"),
    ],
)
def test_names_that_do_not_fit_are_an_error(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_numbers(text)


def test_objects_of_json_have_names_in_any_order(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"Z": 3, "y": 2, "x": 1}, {"x": 4, "y": 5, "Z": 6.5}]')
    points = read_shape(tmp_path / "a.json")
    assert isinstance(points, NamedPoints)
    assert (points.values[:, ::-1].tolist(), points.names) == (POINTS, ("z", "y", "x"))


@pytest.mark.parametrize("line", ["0,126;-0,132;0,640", "0,126 -0,132 0,640", "0,5, 0,3, 0,1", "1.5,2 3"])
def test_commas_that_may_be_of_decimals_are_refused(line: str) -> None:
    # Three numbers, and not six.
    with pytest.raises(
        DataError, match="commas must stand between numbers alone, and decimal points in them, received"
    ):
        parse_numbers(f"x y z\n1 2 3\n{line}\n")
    points = parse_numbers("x, y, z\n1, 2 , 3  # of 4,5;6\n4,5,6\n")
    assert points.values.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_lines_of_different_length_are_an_error() -> None:
    with pytest.raises(DataError, match="received 3 in the first and 2 in point 2"):
        parse_numbers("1 2 3\n4 5\n")


def test_arrays_are_read_alone_or_by_their_name(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", POINTS)
    np.savez(tmp_path / "one.npz", POINTS)
    np.savez(tmp_path / "two.npz", points=POINTS, normals=np.zeros((2, 3)))
    np.savez(tmp_path / "unclear.npz", first=POINTS, second=POINTS)
    for name in ("a.npy", "one.npz", "two.npz"):
        assert np.asarray(read_shape(tmp_path / name)).tolist() == POINTS
    with pytest.raises(
        DataError, match=r"unclear\.npz` cannot .* one array, or one called points, received first, second"
    ):
        read_shape(tmp_path / "unclear.npz")


def test_arrays_of_python_objects_are_not_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match=r"a\.npy` cannot be read as a NumPy array: .*Python objects"):
        read_shape(tmp_path / "a.npy")


SQUARE = "0 0 0\n1 0 0\n1 1 0\n0 1 0\n"


@pytest.mark.parametrize(
    "text",
    [
        f"OFF\n4 1 0\n{SQUARE}4 0 1 2 3\n",
        # As some files of ModelNet begin, and with a colour behind the face.
        f"OFF4 1 0\n{SQUARE}4 0 1 2 3 255 0 0\n",
        f"# made by hand\nOFF # kind\n\n4 1\n{SQUARE}4 0 1 2 3\n",
        f"off 4 1 0\n{SQUARE}4 0 1 2 3\n",
    ],
)
def test_off_files_are_vertices_and_faces(text: str) -> None:
    vertices, faces = parse_off(text)
    assert vertices.tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
    assert [face.tolist() for face in faces] == [[0, 1, 2, 3]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the first line must begin with OFF"),
        ("PLY\n", "the first line must begin with OFF"),
        ("OFF\n", "after OFF there must be the numbers of vertices and faces"),
        ("OFF\n4 2 0\n0 0 0\n", "there must be 4 vertices and 2 faces, received 1 lines"),
        (
            "OFF\n2 1 0\n0 0 0\n1 1\n3 0 1 1\n",
            "2 vertices must have three numbers each, received a line of 2",
        ),
        ("OFF\n1 1 0\n0 0 0\n3 0 0\n", "a face of 3 corners must name so many, received '3 0 0'"),
    ],
)
def test_a_broken_off_file_is_an_error(text: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        parse_off(text)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("absent.npy", None),
        ("a.npy", b"no array"),
        ("a.npz", b"no archive"),
        ("a.txt", b"\xff\xfe\x00"),
        ("a.csv", b"1,2\n3,four\n"),
        ("a.json", b"[1,"),
        ("a.off", b"OFF\n1 1 0\n0 0 zero\n3 0 0 0\n"),
        ("a.ply", b"ply"),
    ],
)
def test_an_unreadable_file_is_named(tmp_path: Path, name: str, content: Any) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}` cannot be read as "):
        read_shape(tmp_path / name)


def test_another_ending_is_an_error_that_lists_the_known_ones() -> None:
    with pytest.raises(DataError, match=r"`a\.stl` must end with one of \.npy, \.npz, .*\.off, \.obj, \.ply"):
        read_shape(Path("a.stl"))
    assert len(READERS) == 10


def test_a_table_of_sets_is_told_from_a_set_by_its_first_line(tmp_path: Path) -> None:
    contents = {
        "a.csv": ('"points",label\nx.npy,cat\n', False),
        "b.csv": ("x,y,z\n1,2,3\n", True),
        "c.json": ('[{"points": [[1, 2]]}]', False),
        "d.json": ("[[1, 2], [3, 4]]", True),
        "f.json": ('[\n{"points": [[1, 2]]}\n]', False),
        "g.json": ('[{"x": 1, "y": 2}]', True),
        "e.jsonl": ('{"points": [[1, 2]]}', False),
    }
    for name, (content, expected) in contents.items():
        (tmp_path / name).write_text(content)
        assert begins_with_points(tmp_path / name, ("points", "file")) is expected, name


def test_an_obj_file_is_a_surface_or_points(tmp_path: Path) -> None:
    def read(text: str) -> Any:
        (tmp_path / "a.obj").write_text(text)
        return read_shape(tmp_path / "a.obj")

    corners = "# a square\nmtllib a.mtl\nv 0 0 0\nv 1 0 0 # corner\nv 1 1 0\nv 0 1 0\nvn 0 0 1\nvt 0 0\n"
    vertices, faces = read(corners + "f 1/1/1 2//1 3/1 4\nf -4 -3 -2\n")
    assert vertices.tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]
    assert [face.tolist() for face in faces] == [[0, 1, 2, 3], [0, 1, 2]]
    assert read("v 1 2 3\nv 4 5 6.5\n").tolist() == POINTS
    assert read("v 1 2 3 0.5 0.25 1\n").tolist() == [[1, 2, 3, 0.5, 0.25, 1]]
    for text, message in (
        ("f 1 2 3\n", r"no vertices \(lines that begin with v\)"),
        (corners + "f 0 1 2\n", "vertex 0, but vertices are numbered from 1"),
        ("v 1 2\n", "three numbers or more"),
    ):
        with pytest.raises(DataError, match=rf"a\.obj` cannot be read as points: .*{message}"):
            read(text)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b"[" * 100_000),
        ("a.npz", b"PK\x03\x04 no archive"),
        ("a.ply", b"ply\nformat ascii 1.0\nelement vertex -3\nproperty float x\nend_header\n"),
        (
            "a.ply",
            b"ply\nformat ascii 1.0\nelement nothing 999999999999\nelement vertex 1\nproperty float x\nend_header\n1\n",
        ),
        (
            "a.ply",
            b"ply\nformat ascii 1.0\nelement face 1\nproperty list int int vertex_indices\nend_header\n-5\n",
        ),
    ],
)
def test_headers_that_lie_are_named_at_once(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"{name}` cannot be read as"):
        read_shape(tmp_path / name)


PLACES = np.array([[0.5, 1.0, 2.0], [3.0, 4.5, 5.0], [6.0, 7.0, 8.25]])
LINES = "\n".join(" ".join(map(str, place)) for place in PLACES.tolist())


@pytest.mark.parametrize(
    ("name", "content"),
    [
        # The mark of UTF-8 is no name in front of the first point; PowerShell writes UTF-16.
        ("mark.xyz", LINES.encode("utf-8-sig")),
        ("wide.xyz", LINES.encode("utf-16")),
        ("macintosh.xyz", LINES.replace("\n", "\r").encode()),
        ("counted.pts", f"3\n{LINES}\n".encode()),
        ("places.json", json.dumps({"frame": 7, "points": PLACES.tolist()}).encode()),
    ],
)
def test_every_point_is_read_however_the_list_is_written(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    np.testing.assert_array_equal(read_shape(tmp_path / name), PLACES)


@pytest.mark.parametrize(("word", "more"), [("OFF", ""), ("COFF", " 255 0 0 255"), ("NOFF", " 0.5 0.5 0")])
def test_what_a_vertex_has_besides_its_place_is_passed_over(word: str, more: str) -> None:
    lines = [line + more for line in LINES.split("\n")]
    vertices, faces = parse_off("\n".join([word, "3 1 0", *lines, "3 0 1 2 0.5 0.5 0.5"]))
    np.testing.assert_array_equal(vertices, PLACES)
    assert [face.tolist() for face in faces] == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3\n4 5\n6 7 8", "equally many numbers, received 3 in the first and 2 in point 2, '4 5'"),
        ("1 2 x\n4 5 6", "the first line must hold names or numbers, received some of both, '1 2 x'"),
    ],
)
def test_lines_of_points_that_are_wrong_are_shown(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_numbers(text)


def test_an_object_without_points_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"vertices": []}')
    with pytest.raises(DataError, match=r"or have one as `points`, received \['vertices'\]"):
        read_shape(tmp_path / "x.json")
    (tmp_path / "x.json").write_text('[{"x": 1, "y": 2}, {"x": 1, "z": 2}]')
    with pytest.raises(DataError, match="all points must have the values of the first, x, y"):
        read_shape(tmp_path / "x.json")
