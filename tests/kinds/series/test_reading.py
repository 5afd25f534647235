"""Cells as series: values, files, and what a model cannot take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.kinds.series.files import SeriesColumns
from perceivers.kinds.series.reading import looks_like_series, require_shape, require_values, series_of

TABLE = ListTable([{"path": "a.npy"}], "list.csv")


def test_a_cell_with_values_and_a_cell_with_a_file_give_the_same(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.float32([[1, 2], [3, 4]]))
    table = ListTable([{"path": "a.npy"}], "list.csv", root=tmp_path)
    from_file = series_of("a.npy", table, SeriesColumns())
    from_values = series_of([[1, 2], [3, 4]], table, SeriesColumns())
    assert from_file is not None
    assert from_values is not None
    assert from_file.tolist() == from_values.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("cell", [None, "", "  "])
def test_an_empty_cell_is_no_series(cell: Any) -> None:
    assert series_of(cell, TABLE, SeriesColumns()) is None


@pytest.mark.parametrize(
    ("values", "limits", "message"),
    [
        ([[1, 2]], (3, None), "must have 3 channels, received 2"),
        ([[1], [2], [3]], (None, 2), r"at most 2 steps long \(`max_length`\), received 3"),
    ],
)
def test_another_shape_than_the_models_is_named(
    values: Any, limits: tuple[int | None, int | None], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        require_shape(np.float32(values), *limits)


@pytest.mark.parametrize(
    ("values", "allow_missing", "message"),
    [
        (
            [[1, np.nan], [np.nan, 4]],
            False,
            "step 1, channel 2 is missing .and 1 more values.; take `--missing interpolate` or `--missing mark`",
        ),
        ([[1, 2], [3, np.inf]], True, "step 2, channel 2 is infinite$"),
    ],
)
def test_values_that_cannot_be_used_are_named(values: Any, allow_missing: bool, message: str) -> None:
    with pytest.raises(DataError, match=message):
        require_values(np.float32(values), allow_missing=allow_missing)


def test_a_gap_is_taken_where_it_is_allowed() -> None:
    require_values(np.float32([[1, np.nan]]), allow_missing=True)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("a.npy", True),
        ("a.wav", False),
        ([1.0, 2.0], True),
        ([[1, 2], [3, 4]], True),
        (["a", "b"], False),
        (np.zeros((7, 3), dtype=np.float32), True),
        (np.zeros((7, 3), dtype=np.uint8), False),
        (3.5, False),
    ],
)
def test_numbers_in_steps_and_their_files_look_like_series(cell: Any, expected: bool) -> None:
    assert looks_like_series(cell) is expected
