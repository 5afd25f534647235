"""From what a cell holds to a set of entities: objects of JSON, or a file with one entity a row."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.array_files import read_npz
from perceivers.data.delimited import DelimitedFile
from perceivers.data.frames import plain_cell
from perceivers.data.json_lines import JsonFile
from perceivers.data.numbers import is_missing
from perceivers.errors import DataError, one_line

# An entity: attribute -> number, name, truth value; what is missing is left out.
Entity = Mapping[str, float | int | str | bool]
Entities = tuple[Entity, ...]

# Objects within objects are attributes called `place.x`; deeper than this they are no entity's.
MOST_DEPTH = 4


def read_entities(cell: Any, root: Path | None = None) -> Entities:
    """The entities of a cell.

    Args:
        cell: a list of objects, the same as JSON text, or the path of a file: `.json` (a list of objects), `.jsonl` (an
            object a line), `.csv` or `.tsv` (an entity a row, attributes in the first line), `.npz` (an
            array [num_entities] an attribute).
        root: folder that relative paths belong to.

    Raises:
        DataError: it is nothing like that; the message names file, entity and attribute.
    """
    if isinstance(cell, str) and cell.lstrip().startswith("["):
        return entities_of(decode_entities(cell))
    if isinstance(cell, str | Path) and str(cell):
        return read_entity_file(Path(cell) if root is None else root / cell)
    if isinstance(cell, np.ndarray):
        cell = cell.tolist()
    if isinstance(cell, list | tuple):
        return entities_of(cell)
    raise DataError(
        f"entities must be a list of objects, the same as JSON, or a path, received {type(cell).__name__} {cell!r:.60}"
    )


def decode_entities(text: str) -> list[Any]:
    """The list in JSON text."""
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"entities must be a JSON list of objects, received {text[:40]!r}: {one_line(error)}"
        ) from error
    if not isinstance(decoded, list):
        raise DataError(f"entities must be a JSON list of objects, received {text[:40]!r}")
    return decoded


def read_entity_file(path: Path) -> Entities:
    """Read one file by its ending, see `read_entities`."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"`{path}` must end with one of {', '.join(READERS)}")
    try:
        return entities_of(list(reader(path)))
    except DataError as error:
        if str(path) in str(error):
            raise
        raise DataError(f"`{path}`: {error}") from error


def entities_of(rows: Sequence[Any]) -> Entities:
    """Objects as entities, with the attributes of objects and lists within them by names such as `place.x` and `place.0`."""
    found = []
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, Mapping):
            raise DataError(
                f"entity {number} must be an object of attributes, received {type(row).__name__} {row!r:.40}"
            )
        found.append(dict(_attributes(row, number)))
    return tuple(found)


def _attributes(
    values: Mapping[Any, Any], number: int, before: str = "", depth: int = 1
) -> Iterator[tuple[str, float | int | str | bool]]:
    for key, value in values.items():
        name = f"{before}{key}"
        value = value.tolist() if isinstance(value, np.ndarray) else plain_cell(value)
        if isinstance(value, list | tuple):
            value = dict(enumerate(value))
        if isinstance(value, Mapping):
            if depth == MOST_DEPTH:
                raise DataError(f"the attribute {name!r} of entity {number} must not hold deeper objects")
            yield from _attributes(value, number, f"{name}.", depth + 1)
        elif is_missing(value):
            continue
        elif not isinstance(value, str | int | float):
            raise DataError(
                f"the attribute {name!r} of entity {number} must be a number, a name or nothing, received "
                f"{type(value).__name__}"
            )
        elif isinstance(value, float) and math.isinf(value):
            raise DataError(f"the attribute {name!r} of entity {number} must be finite, received {value}")
        else:
            yield name, value.strip() if isinstance(value, str) else value


def _rows_of_table(path: Path) -> Iterator[dict[str, Any]]:
    file = DelimitedFile.look_at(path)
    yield from file.rows()


def _rows_of_archive(path: Path) -> Iterator[dict[str, Any]]:
    arrays = read_npz(path)
    lengths = {len(array) if array.ndim else 0 for array in arrays.values()}
    if len(lengths) > 1 or any(not array.ndim for array in arrays.values()):
        shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in arrays.items())
        raise DataError(f"`{path}` must hold arrays of equally many entities, received {shapes}")
    for number in range(max(lengths, default=0)):
        yield {name: array[number] for name, array in arrays.items()}


READERS = {
    ".json": lambda path: JsonFile(path).rows(),
    ".jsonl": lambda path: JsonFile(path).rows(),
    ".csv": _rows_of_table,
    ".tsv": _rows_of_table,
    ".npz": _rows_of_archive,
}
ENTITY_SUFFIXES = tuple(READERS)
