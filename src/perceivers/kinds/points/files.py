"""Files of points and of surfaces: arrays, tables of numbers, OFF, OBJ, PLY."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.array_files import read_npy, read_npz
from perceivers.errors import DataError, one_line
from perceivers.kinds.points.names import COORDINATES, NamedPoints, named
from perceivers.kinds.points.ply import parse_ply
from perceivers.text_files import decoded, pointer_told, read_plain_text

# Points [num_points, num_columns], their names if any, or vertices [num_vertices, 3] and the indices of each face's corners.
Shape = np.ndarray | NamedPoints | tuple[np.ndarray, list[np.ndarray]]


# Lines that are asked how their numbers are written.
LOOKED_THROUGH = 100
# OFF, COFF, NOFF, STOFF and so on: what vertices have besides their places stands before the word.
_OFF = re.compile(r"(?P<more>(?:ST)?C?N?)OFF(?=[\s\d]|$)", re.IGNORECASE)
_FIELDS = re.compile(r"[;\s]+")
# What readers raise for damaged files; nested JSON and headers that name more than fits into memory are among them.
_DAMAGE = (OSError, ValueError, KeyError, IndexError, OverflowError, MemoryError, RecursionError)


def read_shape(path: Path) -> Shape:
    """Read one file by its ending.

    Args:
        path: `.npy` [num_points, num_columns]; `.npz` with one array, or one called `points`; `.csv`, `.txt`, `.xyz`, `.pts`:
            one point a line, numbers apart by commas, semicolons or blanks, `#` before comments, names of columns in the
            first line admitted; `.json`: a list of points; `.off`, `.obj` and `.ply`: a surface; points where the last two
            have no faces.

    Returns:
        Points [num_points, num_columns], as NamedPoints where the file has names; or, of a surface, vertices
        [num_vertices, 3] and the indices of each face's corners.

    Raises:
        DataError: the file cannot be read; the message names it.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"`{path}` must end with one of {', '.join(READERS)}")
    try:
        return reader(path)
    except _DAMAGE as error:
        if isinstance(error, DataError) and str(path) in str(error):
            raise
        raise DataError(
            f"`{path}` cannot be read as points: {pointer_told(path) or one_line(error)}"
        ) from error


def parse_off(text: str) -> tuple[np.ndarray, list[np.ndarray]]:
    """Parse the Object File Format: vertices, then faces as a count and indices, colours after them admitted.

    The word OFF may stand on the line of the counts, as in some files of ModelNet. What a vertex has besides its place, as
    its colour (COFF) or its normal (NOFF), is passed over.
    """
    lines = [line for raw in text.splitlines() if (line := raw.partition("#")[0].strip())]
    begin = _OFF.match(lines[0]) if lines else None
    if begin is None:
        raise DataError("the first line must begin with OFF")
    lines[0] = lines[0][begin.end() :].strip()
    lines = lines if lines[0] else lines[1:]
    if not lines or len(counts := lines[0].split()) < 2:
        raise DataError("after OFF there must be the numbers of vertices and faces")
    num_vertices, num_faces = int(counts[0]), int(counts[1])
    if len(lines) < 1 + num_vertices + num_faces:
        raise DataError(
            f"there must be {num_vertices} vertices and {num_faces} faces, received {len(lines) - 1} lines of them"
        )
    numbers = [line.split() for line in lines[1 : 1 + num_vertices]]
    width = min(map(len, numbers), default=3)
    if width < 3 or (width > 3 and begin["more"] == ""):
        raise DataError(f"{num_vertices} vertices must have three numbers each, received a line of {width}")
    # Places stand first, but for homogeneous ones, which are not read.
    vertices = np.array([line[:3] for line in numbers], dtype=np.float64).reshape(-1, 3)
    faces = []
    for line in lines[1 + num_vertices : 1 + num_vertices + num_faces]:
        fields = line.split()
        corners = fields[1 : 1 + int(fields[0])]
        if len(corners) < int(fields[0]):
            raise DataError(f"a face of {fields[0]} corners must name so many, received {line!r}")
        faces.append(np.array(corners, dtype=np.int64))
    return vertices.reshape(-1, 3), faces


def parse_obj(text: str) -> Shape:
    """Parse Wavefront's OBJ: vertices, their colours admitted, and faces by the numbers of their vertices.

    Numbers count from 1, or backwards from the last vertex; `3/1/2` names texture and normal too, which are passed over.

    Returns:
        Where there are faces, vertices [num_vertices, 3] and the indices of each face's corners; otherwise points
        [num_points, 3 or 6].
    """
    vertices: list[list[float]] = []
    faces: list[np.ndarray] = []
    for line in text.replace("\\\n", " ").splitlines():
        word, *fields = line.partition("#")[0].split() or [""]
        if word == "v":
            vertices.append([float(field) for field in fields])
        elif word == "f":
            numbers = [int(field.partition("/")[0]) for field in fields]
            if 0 in numbers:
                raise DataError(f"a face names vertex 0, but vertices are numbered from 1: {line!r}")
            faces.append(np.array([each - 1 if each > 0 else len(vertices) + each for each in numbers]))
    if not vertices:
        raise DataError("it has no vertices (lines that begin with v)")
    if min(map(len, vertices)) < 3:
        raise DataError("a vertex must have three numbers or more")
    width = 6 if min(map(len, vertices)) >= 6 else 3
    points = np.array([vertex[:width] for vertex in vertices], dtype=np.float64)
    return (points[:, :3], faces) if faces else points


def parse_numbers(text: str) -> np.ndarray | NamedPoints:
    """Parse one point a line, see `read_shape`."""
    # A tab at the beginning of a line of names stands behind a name, too: that of a column without one.
    written = [line.strip(" ") for raw in text.splitlines() if (line := raw.partition("#")[0]).strip()]
    lines = [line.replace(",", " ").replace(";", " ").strip() for line in written]
    names: list[str] = []
    if lines and not _are_numbers(lines[0]):
        if any(map(_are_numbers, lines[0].split())):
            raise DataError(
                f"the first line must hold names or numbers, received some of both, {written[0]!r:.80}"
            )
        names = _names_of(written[0])
        written, lines = written[1:], lines[1:]
    if len(lines) > 1 and lines[0].isdecimal() and int(lines[0]) == len(lines) - 1:
        # How many points there are, as .pts files say first.
        written, lines = written[1:], lines[1:]
    if not lines:
        raise DataError("it holds no points")
    for line in written[:LOOKED_THROUGH]:
        # 0,126;-0,132;0,640 has three numbers, or six.
        if (
            "," in line
            and len(fields := _FIELDS.split(line)) > 1
            and any("," in each[:-1] for each in fields)
        ):
            raise DataError(
                "commas must stand between numbers alone, and decimal points in them, received "
                f"{line!r:.80}: commas as well as blanks or semicolons"
            )
    width = len(lines[0].split())
    for number, line in enumerate(lines, start=1):
        if len(line.split()) != width:
            raise DataError(
                f"points must have equally many numbers, received {width} in the first and {len(line.split())} in point "
                f"{number}, {written[number - 1]!r:.80}"
            )
    values = np.loadtxt(lines, dtype=np.float64, ndmin=2)
    if len(names) == width:
        return named(values, names)
    if {name.strip().lower() for name in names} & set(COORDINATES):
        raise DataError(
            f"the first line must name each of the {width} numbers of a point, received {', '.join(names)}"
        )
    # A title.
    return values


def _names_of(line: str) -> list[str]:
    mark = next((mark for mark in ",;\t" if mark in line), None)
    return line.split(mark)


def as_rows(values: Any) -> np.ndarray | NamedPoints:
    """Lists of numbers, or objects with a number a column, as arrays; a DataError where they are not alike."""
    if isinstance(values, list | tuple) and values and all(isinstance(row, Mapping) for row in values):
        return _rows_of_objects(values)
    lengths = {len(row) if isinstance(row, Sequence | np.ndarray) else 0 for row in values}
    if len(lengths) > 1:
        raise DataError(
            f"points must have equally many numbers, received points of {min(lengths)} and of {max(lengths)}"
        )
    return np.asarray(values)


def _are_numbers(line: str) -> bool:
    try:
        [float(field) for field in line.split()]
    except ValueError:
        return False
    return True


def _rows_of_objects(rows: Sequence[Mapping[str, Any]]) -> NamedPoints:
    names = list(rows[0])
    if any(row.keys() != rows[0].keys() for row in rows):
        raise DataError(f"all points must have the values of the first, {', '.join(names)}")
    try:
        values = np.array([[float(row[name]) for name in names] for row in rows], dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"points must be numbers: {error}") from error
    return named(values, names)


def _rows_of_json(values: Any) -> np.ndarray | NamedPoints:
    """Points of what `as_rows` takes, or of an object that has it as `points`."""
    if isinstance(values, Mapping):
        if "points" not in values:
            raise DataError(f"it must be a list of points, or have one as `points`, received {list(values)}")
        values = values["points"]
    return as_rows(values)


def _read_npz(path: Path) -> np.ndarray:
    arrays = read_npz(path)
    names = list(arrays)
    if "points" not in names and len(names) != 1:
        raise DataError(
            f"it must hold one array, or one called points, received {', '.join(names) or 'none'}"
        )
    return arrays["points" if "points" in names else names[0]]


READERS: Mapping[str, Callable[[Path], Shape]] = {
    ".npy": read_npy,
    ".npz": _read_npz,
    **dict.fromkeys((".csv", ".txt", ".xyz", ".pts"), lambda path: parse_numbers(read_plain_text(path))),
    ".json": lambda path: _rows_of_json(json.loads(read_plain_text(path))),
    ".off": lambda path: parse_off(read_plain_text(path)),
    ".obj": lambda path: parse_obj(read_plain_text(path, errors="replace")),
    ".ply": lambda path: parse_ply(path.read_bytes()),
}
POINT_SUFFIXES = tuple(READERS)


def begins_with_points(path: Path, columns: Sequence[str]) -> bool:
    """Whether a file that may be a table holds one set instead, with a point a row: it names none of `columns`."""
    if path.suffix.lower() not in POINT_SUFFIXES:
        return False
    with path.open("rb") as file:
        text = decoded(file.read(10_000), "replace")
    if path.suffix.lower() == ".json":
        return not any(f'"{name}"' in text for name in columns)
    beginning = text.partition("\n")[0]
    return {name.strip().strip('"') for name in beginning.split(",")}.isdisjoint(columns)
