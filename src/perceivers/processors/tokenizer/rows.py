"""Rows of different lengths kept end to end in one array, padded and handed out as lists or as a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from perceivers.processors.tokenizer.byte_codec import Piece, ids_of_piece, join_pieces
from perceivers.processors.tokenizer.memory import empty

Array = NDArray[np.int64]
# Up to so many pieces are written to their places one by one; more are joined first.
_FEW = 16
Values = TypeVar("Values", bytes, "list[int]")


@dataclass(frozen=True)
class Rows:
    """Integer rows, one after another.

    What a call costs is, for the larger part, memory that is touched for the first time. So values have one byte each,
    wherever they fit, until they are handed out.

    Attributes:
        values: [sum of lengths], uint8 or int64.
        lengths: [num_rows].
    """

    values: NDArray[np.integer]
    lengths: Array

    def padded(self, places: Rows, fill: int) -> Rows:
        """Each row brought to the width of a row of `places`.

        Args:
            places: 1 where a padded row holds its own values, 0 where it is padding.
            fill: the value of new places.
        """
        fits = self.values.dtype == np.uint8 and 0 <= fill < 256
        values: NDArray[Any] = np.full(len(places.values), fill, dtype=np.uint8 if fits else np.int64)
        values[places.values.view(np.bool_)] = self.values
        return Rows(values, places.lengths)

    def to_lists(self) -> list[list[int]]:
        """One list of integers a row."""
        if _is_constant(self.values):
            return [[int(self.values[0])] * length for length in self.lengths.tolist()]
        if self.values.dtype == np.uint8:
            # Python makes a list of bytes in half the time that NumPy takes.
            return [list(row) for row in _parts(self.values.tobytes(), self.lengths)]
        return _parts(self.values.tolist(), self.lengths)

    def to_array(self) -> NDArray[Any]:
        """[num_rows, width] int64, or an object array of rows where their lengths differ; the memory is the caller's."""
        values = empty(len(self.values), np.int64)
        values[:] = self.values
        if (self.lengths == self.lengths[0]).all():
            return values.reshape(len(self.lengths), int(self.lengths[0]))
        rows = np.empty(len(self.lengths), dtype=object)
        rows[:] = np.split(values, np.cumsum(self.lengths)[:-1])
        return rows


def rows_of_pieces(pieces: Sequence[Piece], lengths: Array) -> Rows:
    """Rows made of pieces.

    Args:
        pieces: those of the first row, those of the second, and so on.
        lengths: [num_rows], the sum of the lengths of each row's pieces.
    """
    if len(pieces) > _FEW or not all(isinstance(piece, bytes) for piece in pieces):
        return Rows(ids_of_piece(join_pieces(pieces)), lengths)
    values = empty(int(lengths.sum()), np.uint8)
    start = 0
    for piece in pieces:
        end = start + len(piece)
        ids_of_piece(piece, out=values[start:end])
        start = end
    return Rows(values, lengths)


def repeat_in_rows(values: Sequence[int], counts: Sequence[ArrayLike]) -> Rows:
    """Rows of runs: every row holds each value as often as its count says.

    Args:
        values: one value a run, the same for all rows, each below 256.
        counts: for each run, its lengths [num_rows] (or one for all).
    """
    table = np.stack(np.broadcast_arrays(*counts), axis=1)
    return Rows(
        np.repeat(np.tile(np.asarray(values, dtype=np.uint8), len(table)), table.ravel()), table.sum(axis=1)
    )


def real_places(lengths: Array, widths: Array, side: str) -> Rows:
    """1 where a padded row holds its own values, 0 where it is padding.

    Args:
        lengths: [num_rows], of the rows' own values.
        widths: [num_rows], none of them smaller than the row's length.
        side: "right" or "left", where the padding is.
    """
    if np.array_equal(widths, lengths):
        return Rows(np.broadcast_to(np.uint8(1), int(lengths.sum())), lengths)
    width = int(widths[0])
    if (widths == width).all():
        # Half the size of int64, and so twice as fast to go through.
        place = np.arange(width, dtype=np.int32)
        first_padding = lengths.astype(np.int32)[:, None]
        real = place < first_padding if side == "right" else place >= width - first_padding
        return Rows(real.ravel().view(np.uint8), widths)
    if side == "right":
        return repeat_in_rows((1, 0), (lengths, widths - lengths))
    return repeat_in_rows((0, 1), (widths - lengths, lengths))


def _parts(values: Values, lengths: Array) -> list[Values]:
    """The rows of a list or of bytes."""
    if len(lengths) == 1:
        return [values]
    ends: list[int] = np.cumsum(lengths).tolist()
    return [values[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _is_constant(values: NDArray[np.integer]) -> bool:
    """Whether one value stands for all: lists of it are made without going through an array."""
    return values.strides == (0,) and len(values) > 0
