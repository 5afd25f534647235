"""Textures and outlines are functions of the plane, right at and between pixels."""

import numpy as np
import pytest

from perceivers.tasks.optical_flow.synthesis.layers import (
    Outline,
    Texture,
    random_outline,
    random_texture,
)

RAMP = (np.arange(3)[:, None] * 10.0 + np.arange(5))[..., None].astype(np.float32)  # value = 10 y + x


def test_a_texture_looks_at_the_picture_through_its_matrix():
    texture = Texture(RAMP, np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([1.0, 0.0]))
    # (x, y) = (2, 3) of the frame is (3 + 1, 2) of the picture.
    np.testing.assert_allclose(texture.at(np.array([[2.0, 3.0]]))[:, 0], [24.0])


def test_an_ellipse_covers_its_inside_with_a_soft_edge():
    outline = Outline(np.array([20.0, 10.0]), np.array([8.0, 4.0]), 0.0, np.zeros(4), np.zeros(4))
    points = np.array([[20.0, 10.0], [27.0, 10.0], [28.0, 10.0], [29.5, 10.0], [20.0, 13.0], [20.0, 15.0]])
    # The rim, at 8 pixels across and 4 down, is half covered.
    np.testing.assert_allclose(outline.coverage(points), [1.0, 1.0, 0.5, 0.0, 1.0, 0.0])


def test_an_outline_turns_by_its_angle():
    turned = Outline(np.zeros(2), np.array([8.0, 4.0]), np.pi / 2, np.zeros(4), np.zeros(4))
    assert turned.coverage(np.array([0.0, 7.0])) == pytest.approx(1.0)
    assert turned.coverage(np.array([7.0, 0.0])) == pytest.approx(0.0)


def test_waves_bend_the_rim():
    # Second harmonic, phase 90 degrees: sin(2 a + pi / 2) is 1 at a = 0 and -1 at a right angle.
    bent = Outline(np.zeros(2), np.array([10.0, 10.0]), 0.0, np.array([0.5]), np.array([np.pi / 2]))
    assert bent.coverage(np.array([14.0, 0.0])) == 1.0
    assert bent.coverage(np.array([0.0, 6.0])) == 0.0


def test_random_layers_stay_near_the_frame_and_differ():
    generator = np.random.default_rng(0)
    picture = generator.random((61, 83, 3)).astype(np.float32)
    textures = [random_texture(generator, picture, height=17, width=23) for _ in range(20)]
    assert len({tuple(texture.offset) for texture in textures}) == 20
    outlines = [random_outline(generator, height=17, width=23) for _ in range(200)]
    centres = np.array([outline.centre for outline in outlines])
    assert centres.min() >= 0
    assert (centres.max(axis=0) <= [22, 16]).all()
    radii = np.array([outline.radii for outline in outlines])
    assert radii.min() >= 1.7
    assert radii.max() <= 8.5
