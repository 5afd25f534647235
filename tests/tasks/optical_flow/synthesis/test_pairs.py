"""Synthetic pairs: the flow is the motion of the layer that is seen, to the last digit, in both directions."""

import numpy as np
import pytest

from perceivers.errors import ConfigurationError
from perceivers.tasks.optical_flow.sampling import sample_bilinear
from perceivers.tasks.optical_flow.synthesis.layers import Outline, Texture
from perceivers.tasks.optical_flow.synthesis.pairs import Layer, pixel_grid, render_pair, synthesize_pair
from perceivers.tasks.optical_flow.synthesis.warps import Warp

HEIGHT, WIDTH = 31, 43
NO_WAVES = (np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0))


def smooth_picture(seed, height=67, width=97):
    """Waves of 38 pixels and more: interpolation between pixels is then good to a few hundredths."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    waves = [np.sin(a * columns / 18 + b * rows / 18 + c) for a, b, c in generator.uniform(-3, 3, (9, 3))]
    return np.stack([sum(waves[i::3]) / 6 + 0.5 for i in range(3)], axis=-1).astype(np.float32)


def moving(shift, seed=0, outline=None):
    texture = Texture(smooth_picture(seed), np.eye(2), np.array([20.0, 15.0]))
    return Layer(texture, outline, Warp(np.eye(2), np.array(shift), np.zeros(2), *NO_WAVES))


def disc(x, y, radius):
    return Outline(np.array([x, y]), np.array([radius, radius]), 0.0, np.zeros(1), np.zeros(1))


def test_one_layer_moves_as_a_whole():
    pair = render_pair([moving([3.0, -2.0])], HEIGHT, WIDTH)
    np.testing.assert_array_equal(pair.flow, np.broadcast_to(np.float32([3, -2]), pair.flow.shape))
    np.testing.assert_array_equal(pair.reversed_flow, -pair.flow)
    # What is at (x, y) of frame 1 is at (x + 3, y - 2) of frame 2.
    np.testing.assert_allclose(pair.second[:-2, 3:], pair.first[2:, :-3], atol=1e-6)
    expected = np.zeros((HEIGHT, WIDTH), dtype=bool)
    expected[2:, :-3] = True
    np.testing.assert_array_equal(pair.visible, expected)
    np.testing.assert_array_equal(pair.reversed_visible, expected[::-1, ::-1])


def test_an_object_hides_what_it_moves_over_and_uncovers_what_it_leaves():
    layers = [moving([0.0, 0.0]), moving([6.0, 0.0], seed=1, outline=disc(15.0, 15.0, 5.0))]
    pair = render_pair(layers, HEIGHT, WIDTH)
    row = 15
    # Frame 1: pixels 10 to 20 of the middle row are the disc's, and move 6 pixels.
    assert np.flatnonzero(pair.flow[row, :, 0] == 6).tolist() == list(range(10, 21))
    assert np.flatnonzero(pair.flow[row, :, 0] == 0).tolist() == [*range(10), *range(21, WIDTH)]
    # Frame 2: the disc is at 16 to 26. It hides frame 1's background at 21 to 26, and uncovers 10 to 15.
    assert np.flatnonzero(pair.reversed_flow[row, :, 0] == -6).tolist() == list(range(16, 27))
    assert np.flatnonzero(~pair.visible[row]).tolist() == list(range(21, 27))
    assert np.flatnonzero(~pair.reversed_visible[row]).tolist() == list(range(10, 16))


def test_the_upper_of_two_objects_is_the_one_that_moves():
    layers = [
        moving([0.0, 0.0]),
        moving([2.0, 0.0], seed=1, outline=disc(15.0, 15.0, 8.0)),
        moving([0.0, 4.0], seed=2, outline=disc(15.0, 15.0, 3.0)),
    ]
    pair = render_pair(layers, HEIGHT, WIDTH)
    assert pair.flow[15, 15].tolist() == [0, 4]
    assert pair.flow[15, 20].tolist() == [2, 0]
    assert pair.flow[2, 2].tolist() == [0, 0]


@pytest.mark.parametrize("seed", range(4))
def test_frame_2_fetched_back_along_the_flow_is_frame_1_where_it_is_visible(seed):
    generator = np.random.default_rng(seed)
    pictures = [smooth_picture(index) for index in range(3)]
    pair = synthesize_pair(
        pictures, generator, height=HEIGHT, width=WIDTH, max_motion=7.0, max_objects=3, deformation=0.6
    )
    grid = pixel_grid(HEIGHT, WIDTH)
    for first, second, flow, visible in (
        (pair.first, pair.second, pair.flow, pair.visible),
        (pair.second, pair.first, pair.reversed_flow, pair.reversed_visible),
    ):
        assert visible.mean() > 0.2
        fetched = sample_bilinear(second, grid + flow)
        # Rims of objects blend with what is behind, so some pixels may differ.
        difference = np.abs(fetched - first).max(axis=-1)[visible]
        assert np.quantile(difference, 0.8) < 0.06
        unmoved = np.abs(second - first).max(axis=-1)[visible]
        assert difference.mean() < 0.35 * unmoved.mean()


def test_the_way_there_and_back_ends_where_it_began():
    generator = np.random.default_rng(5)
    pair = synthesize_pair(
        [smooth_picture(0)],
        generator,
        height=HEIGHT,
        width=WIDTH,
        max_motion=5.0,
        max_objects=0,
        deformation=1.0,
    )
    grid = pixel_grid(HEIGHT, WIDTH)
    back = sample_bilinear(pair.reversed_flow, grid + pair.flow)
    inside = pair.visible
    # The reversed flow is read between its pixels, which bends it a little.
    assert np.abs(back + pair.flow)[inside].max() < 0.1
    assert np.abs(pair.flow - pair.flow.mean(axis=(0, 1))).max() > 0.5


def test_equal_generators_give_equal_pairs_and_others_do_not():
    def make(seed):
        return synthesize_pair(
            [smooth_picture(0)],
            np.random.default_rng(seed),
            height=11,
            width=13,
            max_motion=3.0,
            max_objects=2,
            deformation=0.5,
        )

    np.testing.assert_array_equal(make(1).second, make(1).second)
    np.testing.assert_array_equal(make(1).flow, make(1).flow)
    assert np.abs(make(1).flow - make(2).flow).max() > 0.01


def test_a_scene_needs_a_background():
    with pytest.raises(ConfigurationError, match="`layers` must begin with a background"):
        render_pair([moving([0.0, 0.0], outline=disc(5.0, 5.0, 3.0))], HEIGHT, WIDTH)
