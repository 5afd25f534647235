"""A set of points as how many lie in each cell of a coarse grid."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.kinds.points.grid import grid_of_counts


def test_counts_are_shares_of_the_points_in_cells_of_the_bounding_box():
    # Corners of a box twice as wide as high: the longest side fills the grid of 8 x 8, the other half of it.
    points = np.array([[10.0, 10.0], [14.0, 10.0], [10.0, 12.0], [14.0, 12.0], [14.0, 12.0]])
    grid = grid_of_counts(points, 2).reshape(8, 8)
    assert grid[0, 2] == grid[7, 2] == grid[0, 6] == np.float32(0.2)
    assert grid[7, 6] == np.float32(0.4)
    assert grid.sum() == pytest.approx(1.0)


def test_features_are_summed_in_their_cells():
    points = np.array([[0.0, 0.0, 3.0], [1.0, 1.0, 5.0], [1.0, 1.0, 2.0]])
    counts, features = grid_of_counts(points, 2).reshape(2, 8, 8)
    assert (counts[7, 7], features[0, 0], features[7, 7]) == pytest.approx((2 / 3, 1.0, 7 / 3))


@pytest.mark.parametrize(("columns", "size"), [(1, 16), (2, 64), (3, 216), (5, 216)])
def test_its_size_follows_the_number_of_coordinates(columns, size):
    assert grid_of_counts(np.random.default_rng(0).random((7, columns)), columns).shape == (size,)
