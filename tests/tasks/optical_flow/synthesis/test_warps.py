"""Warps go where the formula says, and come back exactly."""

import numpy as np
import pytest

from perceivers.errors import ConfigurationError
from perceivers.tasks.optical_flow.synthesis.warps import LARGEST_STEEPNESS, Warp, random_warp, steepness

NO_WAVES = (np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))


def grid(height, width):
    rows, columns = np.mgrid[:height, :width].astype(float)
    return np.stack([columns, rows], axis=-1)


def test_a_translation_adds_its_shift():
    warp = Warp(np.eye(2), np.array([3.0, -5.0]), np.array([7.0, 11.0]), *NO_WAVES)
    np.testing.assert_array_equal(warp.forward(np.array([[2.0, 13.0]])), [[5.0, 8.0]])
    np.testing.assert_array_equal(warp.inverse(np.array([[5.0, 8.0]])), [[2.0, 13.0]])


def test_a_matrix_turns_about_the_centre():
    # A quarter turn from x to y about (7, 11): the point 2 to the right of the centre comes to lie 2 below it.
    warp = Warp(np.array([[0.0, -1.0], [1.0, 0.0]]), np.zeros(2), np.array([7.0, 11.0]), *NO_WAVES)
    np.testing.assert_allclose(warp.forward(np.array([9.0, 11.0])), [7.0, 13.0])
    np.testing.assert_allclose(warp.inverse(np.array([7.0, 13.0])), [9.0, 11.0])


def test_a_wave_moves_points_by_its_sine():
    # One cycle every 20 pixels along x, 1 pixel high, along y: at x = 5 a quarter of the cycle, so the whole amplitude.
    waves = (np.array([[0.0, 1.0]]), np.array([[0.05, 0.0]]), np.zeros(1))
    warp = Warp(np.eye(2), np.zeros(2), np.zeros(2), *waves)
    np.testing.assert_allclose(warp.forward(np.array([[5.0, 3.0], [10.0, 3.0]])), [[5.0, 4.0], [10.0, 3.0]])
    assert steepness(waves[0], waves[1]) == pytest.approx(2 * np.pi * 0.05)


@pytest.mark.parametrize("seed", range(5))
def test_random_warps_come_back_to_a_millionth_of_a_pixel(seed):
    generator = np.random.default_rng(seed)
    warp = random_warp(generator, height=37, width=53, max_motion=29.0, deformation=1.0)
    assert len(warp.phases) > 0
    points = grid(37, 53)
    assert np.abs(warp.forward(points) - points).max() > 1
    np.testing.assert_allclose(warp.inverse(warp.forward(points)), points, atol=4e-6)
    np.testing.assert_allclose(warp.forward(warp.inverse(points)), points, atol=4e-6)


def test_random_warps_move_as_far_as_they_may_and_no_farther():
    generator = np.random.default_rng(0)
    points = grid(37, 53)
    lengths = []
    for _ in range(300):
        warp = random_warp(generator, height=37, width=53, max_motion=5.0, deformation=0.0)
        assert not len(warp.phases)
        lengths.append(np.linalg.norm(warp.shift))
        # Every entry of the linear part is at most max_motion / radius / 4, twice that with the turn.
        assert np.linalg.norm(warp.forward(points) - points, axis=-1).max() < 5.0 + 5.0
    assert max(lengths) <= 5.0
    # Uniformly long: a mean of 2.5, with a standard error of 5 / sqrt(12 * 300) = 0.08.
    assert np.mean(lengths) == pytest.approx(2.5, abs=0.35)


def test_warps_without_a_way_back_are_refused():
    with pytest.raises(ConfigurationError, match="`matrix` must be invertible, received"):
        Warp(np.zeros((2, 2)), np.zeros(2), np.zeros(2), *NO_WAVES)
    folding = (np.array([[9.0, 0.0]]), np.array([[0.1, 0.0]]), np.zeros(1))
    with pytest.raises(
        ConfigurationError, match=f"a steepness of at most {LARGEST_STEEPNESS}, received 5.65"
    ):
        Warp(np.eye(2), np.zeros(2), np.zeros(2), *folding)
