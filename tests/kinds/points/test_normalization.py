"""Coordinates brought to the unit sphere or box, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perceivers.errors import DataError
from perceivers.kinds.points.normalization import normalize_points

# A cross of half-widths 3 and 1 about (10, 20), one feature beside the coordinates.
CROSS = np.array([[7.0, 20, 5], [13, 20, 6], [10, 19, 7], [10, 21, 8]])


@pytest.mark.parametrize("kind", ["sphere", "box"])
def test_a_cross_is_centred_and_scaled_with_its_features_as_they_are(kind: str) -> None:
    normalized = normalize_points(CROSS, 2, kind)
    np.testing.assert_allclose(normalized, [[-1, 0, 5], [1, 0, 6], [0, -1 / 3, 7], [0, 1 / 3, 8]], atol=1e-6)
    assert normalized.dtype == np.float32


def test_sphere_and_box_differ_in_their_centre() -> None:
    # Mean 2, farthest point 6 away; middle of the box 4, half its length 4.
    line = np.array([[0.0], [0], [0], [8]])
    np.testing.assert_allclose(
        normalize_points(line, 1, "sphere")[:, 0], [-1 / 3, -1 / 3, -1 / 3, 1], atol=1e-6
    )
    assert normalize_points(line, 1, "box")[:, 0].tolist() == [-1, -1, -1, 1]


def test_points_in_one_place_come_to_the_middle() -> None:
    assert normalize_points(np.full((3, 2), 9.0), 2, "sphere").tolist() == [[0, 0]] * 3


def test_without_normalisation_the_range_is_kept_or_named() -> None:
    assert normalize_points(CROSS, 2, "none", 21.0).tolist() == CROSS.tolist()
    with pytest.raises(
        DataError, match=r"coordinates must lie in \[-20, 20\], received 21: give a larger `--coord"
    ):
        normalize_points(CROSS, 2, "none", 20.0)


@given(
    shift=st.floats(-100, 100),
    scale=st.floats(0.01, 100),
    seed=st.integers(0, 1_000),
    kind=st.sampled_from(["sphere", "box"]),
)
@settings(max_examples=40, deadline=None)
def test_position_size_and_order_do_not_matter(shift: float, scale: float, seed: int, kind: str) -> None:
    generator = np.random.default_rng(seed)
    points = generator.normal(size=(13, 4))
    moved = points.copy()
    moved[:, :3] = points[:, :3] * scale + shift
    order = generator.permutation(13)
    np.testing.assert_allclose(
        normalize_points(moved[order], 3, kind), normalize_points(points, 3, kind)[order], atol=1e-4
    )
    assert np.abs(normalize_points(points, 3, kind)[:, :3]).max() <= 1.0 + 1e-6
