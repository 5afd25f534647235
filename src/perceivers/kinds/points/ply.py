"""The Polygon File Format (PLY): text or binary, points or surfaces."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from perceivers.errors import DataError
from perceivers.kinds.points.names import COORDINATES, NamedPoints, named

NUMBER_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
BYTE_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}
FACE_LISTS = ("vertex_indices", "vertex_index")


@dataclass
class Element:
    """A kind of thing that a file lists, such as vertices.

    Args:
        name: its name.
        count: how many there are.
        numbers: type of each property that is one number, by name, in order.
        lists: type of the length and of the members of each property that is a list, by name.
        order: names of all properties, in order.
    """

    name: str
    count: int
    numbers: dict[str, str] = field(default_factory=dict)
    lists: dict[str, tuple[str, str]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)


def parse_ply(content: bytes) -> NamedPoints | tuple[np.ndarray, list[np.ndarray]]:
    """Parse a whole file.

    Returns:
        Where there are faces, vertices [num_vertices, 3] and the indices of each face's corners; otherwise all
        numbers of the vertices, by their names.
    """
    header, _, body = content.partition(b"end_header")
    if not header.startswith(b"ply") or not body:
        raise DataError("it must begin with the line ply and have a line end_header")
    kind, elements = _parse_header(header.decode("ascii", errors="replace"))
    body = body[body.index(b"\n") + 1 :]
    tables = (
        _read_text(body, elements) if kind == "ascii" else _read_binary(body, elements, BYTE_ORDERS[kind])
    )
    vertices = tables.get("vertex")
    if vertices is None or not all(name in vertices for name in COORDINATES):
        raise DataError("its vertices must have the properties x, y and z")
    faces = next((list(tables["face"][name]) for name in FACE_LISTS if name in tables.get("face", {})), [])
    names = COORDINATES if faces else tuple(vertices)
    points = np.stack([np.asarray(vertices[name], dtype=np.float64) for name in names], axis=1)
    return (points, faces) if faces else named(points, names)


def _parse_header(text: str) -> tuple[str, list[Element]]:
    kind, elements = "", []
    for line in text.splitlines()[1:]:
        words = line.split()
        if not words or words[0] in ("comment", "obj_info"):
            continue
        if words[0] == "format":
            kind = words[1]
        elif words[0] == "element":
            if int(words[2]) < 0:
                raise DataError(f"the number of its elements must be 0 or more, received {line!r}")
            elements.append(Element(words[1], int(words[2])))
        elif words[0] == "property" and elements:
            element, name = elements[-1], words[-1]
            if any(word not in NUMBER_TYPES for word in words[1:-1] if word != "list"):
                raise DataError(
                    f"the property {line!r} has a type that is not one of {', '.join(NUMBER_TYPES)}"
                )
            element.order.append(name)
            if words[1] == "list":
                element.lists[name] = (NUMBER_TYPES[words[2]], NUMBER_TYPES[words[3]])
            else:
                element.numbers[name] = NUMBER_TYPES[words[1]]
    if kind != "ascii" and kind not in BYTE_ORDERS:
        raise DataError(
            f"its format must be one of ascii, {', '.join(BYTE_ORDERS)}, received {kind or 'none'}"
        )
    return kind, elements


def _read_text(body: bytes, elements: list[Element]) -> dict[str, dict[str, list[np.ndarray | float]]]:
    words = body.decode("ascii").split()
    tables: dict[str, dict[str, list[np.ndarray | float]]] = {}
    position = 0
    for element in elements:
        table = tables.setdefault(element.name, {name: [] for name in element.order})
        # Without properties there is nothing to read, however many are named.
        for _ in range(element.count if element.order else 0):
            for name in element.order:
                if position >= len(words):
                    raise DataError(f"it ends before the last {element.name}")
                if name in element.numbers:
                    table[name].append(float(words[position]))
                    position += 1
                else:
                    count = int(words[position])
                    if count < 0 or position + 1 + count > len(words):
                        raise DataError(f"it ends before the last {element.name}")
                    table[name].append(np.array(words[position + 1 : position + 1 + count], dtype=np.float64))
                    position += 1 + count
    return tables


def _read_binary(
    body: bytes, elements: list[Element], byte_order: str
) -> dict[str, dict[str, list[np.ndarray | float] | np.ndarray]]:
    tables: dict[str, dict[str, list[np.ndarray | float] | np.ndarray]] = {}
    position = 0
    for element in elements:
        if element.lists:
            table, position = _read_lists(body, position, element, byte_order)
        else:
            kind = np.dtype([(name, byte_order + element.numbers[name]) for name in element.order])
            if len(body) < position + kind.itemsize * element.count:
                raise DataError(f"it ends before the last {element.name}")
            rows = np.frombuffer(body, kind, element.count, position)
            table = {name: rows[name] for name in element.order}
            position += rows.nbytes
        tables[element.name] = table
    return tables


def _read_lists(
    body: bytes, position: int, element: Element, byte_order: str
) -> tuple[dict[str, list[np.ndarray | float] | np.ndarray], int]:
    columns: dict[str, list[np.ndarray | float]] = {name: [] for name in element.order}
    for _ in range(element.count):
        for name in element.order:
            if name in element.numbers:
                number = _take(body, position, byte_order + element.numbers[name], 1, element.name)
                position += number.nbytes
                columns[name].append(float(number[0]))
            else:
                length_type, member_type = element.lists[name]
                length = _take(body, position, byte_order + length_type, 1, element.name)
                position += length.nbytes
                members = _take(body, position, byte_order + member_type, int(length[0]), element.name)
                position += members.nbytes
                columns[name].append(members)
    return dict(columns), position


def _take(body: bytes, position: int, kind: str, count: int, name: str) -> np.ndarray:
    if count < 0 or len(body) < position + np.dtype(kind).itemsize * count:
        raise DataError(f"it ends before the last {name}")
    return np.frombuffer(body, kind, count, position)
