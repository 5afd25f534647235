"""Frames that Python has, and pairs of them, beside the paths that `perceivers predict` takes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from perceivers.data.opening import is_table
from perceivers.errors import DataError, one_line
from perceivers.kinds.image.array_pictures import as_array
from perceivers.kinds.image.reading import IMAGE_SUFFIXES
from perceivers.tasks.base import Prediction, Unreadable, guarded
from perceivers.tasks.optical_flow.frames import (
    Estimate,
    Pair,
    flows_of_pairs,
    is_film,
    pairs_in_a_row,
    pairs_of_inputs,
    require_one_size,
)
from perceivers.tasks.optical_flow.options import OpticalFlowArguments
from perceivers.tasks.optical_flow.pixels import decode_pixels

# A value with its number among those given, from 1.
Numbered = tuple[int, Any]


def flows_of_values(
    values: Sequence[Any], chosen: OpticalFlowArguments, estimate: Estimate
) -> list[Prediction | DataError]:
    """Estimate the flow of every pair of `values`, in order; what cannot be read is an error in its place.

    Args:
        values: see `pairs_of_values`.
        chosen: columns of tables, which a mapping has, too.
        estimate: see `perceivers.tasks.optical_flow.frames.flows_of_inputs`.
    """
    left_out: list[Unreadable] = []
    # Of each that is left out, how many pairs come before it.
    places: list[int] = []

    def pairs() -> Iterator[Pair]:
        number = 0
        for pair in pairs_of_values(values, chosen, left_out):
            places.extend([number] * (len(left_out) - len(places)))
            number += 1
            yield pair
        places.extend([number] * (len(left_out) - len(places)))

    found: list[Prediction | DataError] = [*flows_of_pairs(pairs(), estimate)]
    for place, each in zip(reversed(places), reversed(left_out), strict=True):
        found.insert(place, DataError(each.reason))
    return found


def pairs_of_values(
    values: Sequence[Any], chosen: OpticalFlowArguments, left_out: list[Unreadable]
) -> Iterator[Pair]:
    """Pairs of frames.

    Args:
        values: a pair is (first, second), or a mapping with the columns `chosen.first_column` and `chosen.second_column`;
            frames that stand side by side are one sequence, in the order given. A frame is a path, bytes or pixels, see
            `perceivers.kinds.image.reading.decode_image`. All else are paths of films, folders and tables.
        chosen: names of the columns.
        left_out: receives what cannot be read; what follows a frame that cannot be read begins anew.
    """
    columns = (chosen.first_column, chosen.second_column)
    for are_frames, group in groupby(enumerate(values, start=1), lambda each: _is_frame(each[1], columns)):
        if are_frames:
            frames = list(group)
            yield from guarded(_name(frames[0]), _pairs_of_frames(frames, chosen, left_out), left_out)
            continue
        for each in group:
            yield from guarded(_name(each), _pairs_of_value(each, chosen, left_out), left_out)


def _pairs_of_value(
    numbered: Numbered, chosen: OpticalFlowArguments, left_out: list[Unreadable]
) -> Iterator[Pair]:
    number, value = numbered
    columns = (chosen.first_column, chosen.second_column)
    cells = _cells(value, columns)
    if cells is not None:
        name = _name(numbered)
        first, second = (
            _decoded(cell, f"{name}: {column!r}", chosen) for cell, column in zip(cells, columns, strict=True)
        )
        require_one_size(first, second, name.strip("`"))
        yield Pair(first, second, name.strip("`"), _stem(cells[0], number))
    elif isinstance(value, str | os.PathLike):
        yield from pairs_of_inputs([os.fsdecode(value)], chosen, left_out)
    else:
        raise DataError(
            f"{_name(numbered)} must be a frame (a path, bytes, an array or a PIL picture), a pair of frames, ({columns[0]}, "
            f"{columns[1]}) or a mapping with these names, or the path of a film, a folder or a table, received {value!r:.80}"
        )


def _pairs_of_frames(
    frames: Sequence[Numbered], chosen: OpticalFlowArguments, left_out: list[Unreadable]
) -> Iterator[Pair]:
    if len(frames) < 2:
        raise DataError(
            f"{_name(frames[0])} is a single frame; flow needs a second one after it: give the two side by side, or as a "
            f"pair, ({chosen.first_column}, {chosen.second_column})"
        )
    yield from pairs_in_a_row(
        frames,
        name=_name,
        pixels=lambda each: _decoded(each[1], _name(each), chosen),
        pair=_pair,
        left_out=left_out,
    )


def _pair(earlier: Numbered, first: np.ndarray, later: Numbered, second: np.ndarray) -> Pair:
    number, value = earlier
    after = Path(later[1]).name if isinstance(later[1], str | os.PathLike) else _name(later).strip("`")
    return Pair(first, second, f"{_name(earlier).strip('`')} to {after}", _stem(value, number))


def _decoded(cell: Any, what: str, chosen: OpticalFlowArguments) -> np.ndarray:
    """uint8 [height, width, 3]; a DataError about `what` where it is no picture."""
    given = os.fsdecode(cell) if isinstance(cell, os.PathLike) else cell
    try:
        return decode_pixels(given, None, chosen.white_level)
    except DataError as error:
        raise DataError(str(error) if str(error).startswith(what) else f"{what}: {error}") from error
    except Exception as error:  # whatever Pillow raises of a picture that it only reads now
        raise DataError(f"{what} cannot be read as a picture: {one_line(error)}") from error


def _cells(value: Any, columns: Sequence[str]) -> tuple[Any, Any] | None:
    """The two frames of a pair; None of what is none."""
    if isinstance(value, Mapping) and all(column in value for column in columns):
        return value[columns[0]], value[columns[1]]
    if isinstance(value, list | tuple) and len(value) == 2:
        return value[0], value[1]
    return None


def _is_frame(value: Any, columns: Sequence[str]) -> bool:
    """Whether a value is a picture, as far as its type and its name tell."""
    if isinstance(value, str | os.PathLike):
        path = Path(os.fsdecode(value))
        if os.path.isfile(path):
            return not is_table(path) and not is_film(path)
        return path.suffix.lower() in IMAGE_SUFFIXES and not os.path.isdir(path)
    if isinstance(value, Mapping):
        return _cells(value, columns) is None and any(name in value for name in ("bytes", "path"))
    return isinstance(as_array(value), bytes | np.ndarray | Image.Image)


def _name(numbered: Numbered) -> str:
    """What errors call a value: its path, or its place."""
    number, value = numbered
    return f"`{os.fsdecode(value)}`" if isinstance(value, str | os.PathLike) else f"`values, row {number}`"


def _stem(first: Any, number: int) -> str:
    """Name of a pair's files, without ending."""
    return Path(first).stem if isinstance(first, str | os.PathLike) else f"row_{number}"
