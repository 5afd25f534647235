"""The Middlebury colours of known motions."""

import math

import pytest
import torch

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.processors.optical_flow.colours import colour_wheel, flow_to_image


def test_the_wheel_goes_through_the_six_pure_colours():
    wheel = colour_wheel()
    assert wheel.shape == (55, 3)
    pure = {
        0: (255, 0, 0),
        15: (255, 255, 0),
        21: (0, 255, 0),
        25: (0, 255, 255),
        36: (0, 0, 255),
        49: (255, 0, 255),
    }
    for index, colour in pure.items():
        assert tuple(wheel[index].tolist()) == colour
    assert wheel[1].tolist() == [255, 17, 0]  # floor(255 / 15)
    assert wheel[54].tolist() == [255, 0, 255 - 212]  # floor(255 * 5 / 6)


def test_no_motion_is_white_and_the_fastest_is_full_colour():
    flow = torch.zeros(1, 2, 2)
    flow[0, 1] = torch.tensor(
        [-3.0, 0.0]
    )  # left: atan2(-0, 3) = 0, the middle of the wheel, place 27 of 0..54
    image = flow_to_image(flow)
    assert image.dtype == torch.uint8
    assert image[0, 0].tolist() == [255, 255, 255]
    assert image[0, 1].tolist() == colour_wheel()[27].tolist()


def test_right_is_red_and_left_is_blue_green():
    right, left = flow_to_image(torch.tensor([[[5.0, 0.0], [-5.0, 0.0]]]))[0]
    assert right[0] == 255
    assert right[1] == 0
    assert left[0] == 0
    assert left[2] == 255


def test_strength_grows_with_speed_and_faster_than_the_limit_is_darker():
    flow = torch.tensor([[[1.0, 0.0], [2.0, 0.0], [4.0, 0.0], [8.0, 0.0]]])
    green = flow_to_image(flow, max_flow=4.0)[0, :, 1].tolist()
    assert green == [191, 127, 0, 0]
    assert flow_to_image(flow, max_flow=4.0)[0, 3, 0] == 191  # 255 * 0.75


def test_unknown_flow_is_black_and_does_not_set_the_scale():
    flow = torch.tensor([[[1.0, 0.0], [math.nan, 0.0], [0.0, 1e10], [math.inf, 0.0]]])
    image = flow_to_image(flow)
    assert image[0, 1:].eq(0).all()
    assert torch.equal(image[:, :1], flow_to_image(flow[:, :1]))


def test_leading_axes_stay():
    flow = torch.randn(2, 3, 5, 7, 2)
    assert flow_to_image(flow).shape == (2, 3, 5, 7, 3)


def test_mistakes_are_named():
    with pytest.raises(
        ShapeError, match=r"`flow` must have shape \[..., height, width, 2\], received \[2, 5, 7\]"
    ):
        flow_to_image(torch.zeros(2, 5, 7))
    with pytest.raises(ConfigurationError, match="`max_flow` must be above 0 pixels, received 0"):
        flow_to_image(torch.zeros(5, 7, 2), max_flow=0)
