"""Random changes of points stay inside their bounds, and what they turn about."""

from __future__ import annotations

import math

import numpy as np
import pytest

from perceivers.kinds.points.augmentation import radius, rotation_matrix, vary_points

POINTS = np.random.default_rng(0).uniform(-1, 1, (211, 5)).astype(np.float32)


def vary(
    seed: int = 0, points: np.ndarray = POINTS, num_coordinates: int = 3, **amounts: float | str
) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return vary_points(points, generator, num_coordinates=num_coordinates, **amounts)  # type: ignore[arg-type]


@pytest.mark.parametrize(("axis", "start", "end"), [("z", 0, 1), ("x", 1, 2), ("y", 2, 0)])
def test_a_quarter_turn_takes_each_axis_to_the_next(axis: str, start: int, end: int) -> None:
    turned = rotation_matrix(math.pi / 2, 3, axis) @ np.eye(3)[start]
    np.testing.assert_allclose(turned, np.eye(3)[end], atol=1e-12)
    still = {"x": 0, "y": 1, "z": 2}[axis]
    np.testing.assert_allclose(rotation_matrix(1.0, 3, axis) @ np.eye(3)[still], np.eye(3)[still])


def test_a_turn_in_the_plane_goes_from_x_to_y() -> None:
    np.testing.assert_allclose(rotation_matrix(math.pi / 6, 2) @ [1, 0], [math.cos(math.pi / 6), 0.5])


def test_coordinates_past_the_third_stay() -> None:
    assert rotation_matrix(1.0, 4)[3].tolist() == [0, 0, 0, 1]


def test_the_radius_is_that_about_the_mean() -> None:
    assert radius(np.array([[0.0, 0], [6, 0], [3, 3], [3, -3]])) == 3.0


def test_nothing_is_changed_and_drawn_by_default() -> None:
    generator = np.random.default_rng(3)
    assert np.array_equal(vary_points(POINTS, generator, num_coordinates=3), POINTS)
    assert generator.random() == np.random.default_rng(3).random()


def test_rotation_keeps_distances_heights_and_features_within_its_angle() -> None:
    angles = []
    for seed in range(50):
        turned = vary(seed, rotation=30.0)
        np.testing.assert_allclose(turned[:, 2:], POINTS[:, 2:], atol=1e-6)
        np.testing.assert_allclose(
            np.hypot(*turned[:, :2].T), np.hypot(*POINTS[:, :2].T), rtol=1e-4, atol=1e-6
        )
        before, after = complex(*POINTS[0, :2]), complex(*turned[0, :2])
        angles.append(math.degrees(np.angle(after / before)))
    assert 25 < max(angles) <= 30.001
    assert -30.001 <= min(angles) < -25
    about_x = vary(1, rotation=90.0, rotation_axis="x")
    np.testing.assert_allclose(about_x[:, 0], POINTS[:, 0], atol=1e-6)
    assert not np.allclose(about_x[:, 1], POINTS[:, 1])


def test_scale_is_one_factor_a_coordinate_and_point_scale_one_a_number() -> None:
    factors = vary(scale=0.2)[:, :3] / POINTS[:, :3]
    np.testing.assert_allclose(factors, np.broadcast_to(factors[0], factors.shape), rtol=1e-4)
    assert len(np.unique(factors[0].round(4))) == 3
    assert np.abs(factors - 1).max() <= 0.2 + 1e-5
    factors = vary(point_scale=0.01)[:, :3] / POINTS[:, :3]
    assert 0.009 < np.abs(factors - 1).max() <= 0.01 + 1e-5
    assert np.std(factors) == pytest.approx(0.01 / math.sqrt(3), rel=0.1)


def test_jitter_is_a_share_of_the_radius() -> None:
    size = radius(POINTS[:, :3].astype(float))
    added = vary(jitter=0.05)[:, :3] - POINTS[:, :3]
    assert added.std() == pytest.approx(0.05 * size, rel=0.1)
    larger = vary(points=POINTS * 10, jitter=0.05)[:, :3] - POINTS[:, :3] * 10
    np.testing.assert_allclose(larger, added * 10, atol=1e-4)


def test_a_shift_is_one_a_coordinate() -> None:
    shifts = vary(shift=0.5)[:, :3] - POINTS[:, :3]
    np.testing.assert_allclose(shifts, np.broadcast_to(shifts[0], shifts.shape), atol=1e-6)
    assert np.abs(shifts).max() <= 0.5
    drawn = np.array([vary(seed, shift=0.5)[0, :3] - POINTS[0, :3] for seed in range(60)])
    assert np.abs(drawn).max() > 0.45


def test_points_that_stay_keep_their_values_and_order() -> None:
    counts = []
    for seed in range(60):
        left = vary(seed, drop=0.5)
        rows = [int(np.flatnonzero((row == POINTS).all(axis=1))[0]) for row in left]
        assert rows == sorted(rows)
        counts.append(len(left) / len(POINTS))
    # Shares even on [0, 1/2] go: three quarters stay on average.
    assert np.mean(counts) == pytest.approx(0.75, abs=0.05)
    assert min(counts) > 0.4


def test_one_point_at_least_stays() -> None:
    assert all(len(vary(seed, points=POINTS[:2], drop=0.99)) >= 1 for seed in range(60))


def test_features_are_never_changed() -> None:
    changed = vary(rotation=90.0, scale=0.3, point_scale=0.1, jitter=0.1, shift=0.3)
    assert np.array_equal(changed[:, 3:], POINTS[:, 3:])
    in_plane = vary(num_coordinates=2, rotation=90.0, scale=0.3, jitter=0.1)
    assert np.array_equal(in_plane[:, 2:], POINTS[:, 2:])
    assert changed.dtype == np.float32
