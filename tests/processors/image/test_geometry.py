"""Crops and sizes, worked out by hand."""

import pytest

from perceivers.processors.image.geometry import centre_box, deepmind_box, largest_box, resized_shape

SIZE, CROP = {"height": 224, "width": 224}, {"height": 256, "width": 256}


def test_the_middle_seven_eighths_of_the_shorter_side_are_kept():
    # 224 / 256 = 0.875; 0.875 * 37 = 32.4; (37 - 32) / 2 = 2.5, (53 - 32) / 2 = 10.5, both rounded down.
    assert centre_box(37, 53, SIZE, CROP) == (2, 10, 32, 32)


def test_deepmind_rounds_the_border_up():
    assert deepmind_box(37, 53, SIZE, CROP) == (3, 11, 32, 32)
    assert deepmind_box(480, 640, SIZE, CROP) == (30, 110, 420, 420)


def test_deepmind_keeps_the_shape_of_the_size():
    # Each axis is divided by its crop size, the smaller quotient counts: min(90 / 30, 100 / 50) = 2.
    assert deepmind_box(90, 100, {"height": 20, "width": 40}, {"height": 30, "width": 50}) == (25, 10, 40, 80)


def test_a_part_larger_than_the_picture_begins_before_it():
    # 30 / 20 * 10 = 15 rows of 10: two and a half before, rounded away from the picture.
    assert centre_box(10, 20, {"height": 30, "width": 30}, {"height": 20, "width": 20}) == (-3, 2, 15, 15)


def test_a_tiny_picture_keeps_one_pixel():
    assert centre_box(1, 1, SIZE, CROP) == (0, 0, 1, 1)
    assert deepmind_box(1, 1, SIZE, CROP) == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ({"height": 31, "width": 41}, (31, 41)),
        ({"shortest_edge": 31}, (31, 44)),  # 31 * 53 / 37 = 44.4
        ({"shortest_edge": 31, "longest_edge": 60}, (31, 44)),
        ({"shortest_edge": 31, "longest_edge": 30}, (21, 30)),  # 30 * 37 / 53 = 20.9
        ({"max_height": 20, "max_width": 30}, (20, 28)),  # 53 * 20 / 37 = 28.6
        ({"max_height": 200, "max_width": 300}, (200, 286)),
    ],
)
def test_every_form_of_size_gives_height_and_width(size, expected):
    assert resized_shape(37, 53, size) == expected
    swapped = {"max_height": "max_width", "max_width": "max_height", "height": "width", "width": "height"}
    turned = {swapped.get(key, key): value for key, value in size.items()}
    assert resized_shape(53, 37, turned) == expected[::-1]


def test_no_side_vanishes():
    assert resized_shape(3, 900, {"max_height": 20, "max_width": 30}) == (1, 30)
    assert resized_shape(3, 900, {"shortest_edge": 5, "longest_edge": 30}) == (1, 30)


def test_what_would_lose_less_than_a_pixel_of_its_shorter_side_stays_as_it_is() -> None:
    # 20 * 5 / 21 = 4.8 is 5 pixels, which the shorter side has; found by comparing with Transformers on any picture.
    assert resized_shape(5, 21, {"shortest_edge": 5, "longest_edge": 20}) == (5, 21)
    assert resized_shape(21, 5, {"shortest_edge": 7, "longest_edge": 20}) == (21, 5)
    assert resized_shape(5, 24, {"shortest_edge": 5, "longest_edge": 20}) == (4, 20)


def test_the_largest_box_has_the_proportions_and_fits_either_way() -> None:
    # 20 : 40 of 90 x 100 pixels: all columns and 50 rows, from row 20 on; of 30 x 100: all rows and 60 columns.
    assert largest_box(90, 100, 20, 40) == (20, 0, 50, 100)
    assert largest_box(30, 100, 20, 40) == (0, 20, 30, 60)
    assert largest_box(1, 1, 7, 500) == (0, 0, 1, 1)
