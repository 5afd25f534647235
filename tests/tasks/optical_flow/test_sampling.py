"""Pictures are interpolated between pixels and mirrored beyond their borders."""

import numpy as np

from perceivers.tasks.optical_flow.sampling import mirrored, sample_bilinear

RAMP = (np.arange(3)[:, None] * 10.0 + np.arange(5))[..., None].astype(np.float32)  # value = 10 y + x


def test_sampling_between_pixels_is_linear():
    points = np.array([[0.0, 0.0], [4.0, 2.0], [1.5, 0.25]])
    np.testing.assert_allclose(sample_bilinear(RAMP, points)[:, 0], [0.0, 24.0, 4.0])


def test_a_picture_is_mirrored_beyond_its_borders():
    # x = -1 is x = 1, x = 5 is x = 3, y = 3 is y = 1; and again after 2 * (size - 1).
    points = np.array([[-1.0, 0.0], [5.0, 0.0], [0.0, 3.0], [9.0, 4.0]])
    np.testing.assert_allclose(sample_bilinear(RAMP, points)[:, 0], [1.0, 3.0, 10.0, 1.0])
    np.testing.assert_array_equal(mirrored(np.array([-3.0, 2.0]), 1), [0.0, 0.0])


def test_whole_numbers_are_interpolated_as_floats():
    halfway = sample_bilinear(np.array([[[0], [255]]], dtype=np.uint8), np.array([[0.5, 0.0]]))
    assert halfway.dtype == np.float32
    assert halfway.item() == 127.5
