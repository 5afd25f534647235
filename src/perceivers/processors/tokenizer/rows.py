"""Rows of different lengths kept end to end in one array, padded and handed out as lists or as a matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Integer rows, one after another.

    Attributes:
        values: [sum of lengths].
        lengths: [num_rows].
    """

    values: Array
    lengths: Array

    def padded(self, widths: Array, fill: int, side: str) -> Rows:
        """Each row brought to its width, none of which is smaller than the row.

        Args:
            widths: [num_rows].
            fill: the value of new places.
            side: "right" or "left", where the new places are.
        """
        if np.array_equal(widths, self.lengths):
            return self
        values = np.full(int(widths.sum()), fill, dtype=np.int64)
        values[real_places(self.lengths, widths, side).values.astype(bool)] = self.values
        return Rows(values, widths)

    def to_lists(self) -> list[list[int]]:
        """One list of integers a row."""
        if _is_constant(self.values):
            return [[int(self.values[0])] * length for length in self.lengths.tolist()]
        values = self.values.tolist()
        if len(self.lengths) == 1:
            return [values]
        ends = np.cumsum(self.lengths).tolist()
        return [values[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def to_array(self) -> NDArray[Any]:
        """[num_rows, width], or an object array of rows where their lengths differ."""
        values = self.values.copy() if _is_constant(self.values) else self.values
        if (self.lengths == self.lengths[0]).all():
            return values.reshape(len(self.lengths), int(self.lengths[0]))
        rows = np.empty(len(self.lengths), dtype=object)
        rows[:] = np.split(values, np.cumsum(self.lengths)[:-1])
        return rows


def join_segments(segments: Sequence[Sequence[ArrayLike]], lengths: Array) -> Rows:
    """Rows made of segments.

    Args:
        segments: for each row its segments.
        lengths: [num_rows], the sum of each row's segment lengths.
    """
    return Rows(np.concatenate([part for row in segments for part in row], dtype=np.int64), lengths)


def repeat_in_rows(values: Sequence[int], counts: Sequence[ArrayLike]) -> Rows:
    """Rows of runs: every row holds each value as often as its count says.

    Args:
        values: one value a run, the same for all rows.
        counts: for each run, its lengths [num_rows] (or one for all).
    """
    table = np.stack(np.broadcast_arrays(*counts), axis=1)
    return Rows(
        np.repeat(np.tile(np.asarray(values, dtype=np.int64), len(table)), table.ravel()), table.sum(axis=1)
    )


def real_places(lengths: Array, widths: Array, side: str) -> Rows:
    """1 where a padded row holds its own values, 0 where it is padding."""
    if np.array_equal(widths, lengths):
        return Rows(np.broadcast_to(np.int64(1), int(lengths.sum())), lengths)
    if side == "right":
        return repeat_in_rows((1, 0), (lengths, widths - lengths))
    return repeat_in_rows((0, 1), (widths - lengths, lengths))


def _is_constant(values: Array) -> bool:
    """Whether one value stands for all: lists of it are made without going through an array."""
    return values.strides == (0,) and len(values) > 0
