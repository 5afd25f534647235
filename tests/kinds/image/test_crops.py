"""Random crops stay inside the picture, with areas and shapes inside their bounds; mirroring is Pillow's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from perceivers.kinds.image.crops import random_box, random_crop, random_flip


class Scripted:
    """A generator that gives what the test says: `uniform` and `integers` in turn, and records its bounds."""

    def __init__(self, *values: float) -> None:
        self.values = list(values)
        self.bounds: list[tuple[float, float]] = []

    def uniform(self, low: float, high: float) -> float:
        self.bounds.append((low, high))
        return self.values.pop(0)

    def integers(self, low: int, high: int) -> float:
        self.bounds.append((low, high))
        return self.values.pop(0)


def test_a_box_has_the_drawn_area_and_shape() -> None:
    # 36 x 100 pixels; an eighth of the area is 450; width / height = e^ln(9/8) = 9/8: 20 high, 22.5 wide.
    drawn = Scripted(0.125, np.log(9 / 8), 3, 41)
    assert random_box(36, 100, drawn, smallest_area=0.08) == (3, 41, 20, 22)  # type: ignore[arg-type]
    assert drawn.bounds[0] == (0.08, 1.0)
    assert drawn.bounds[1] == pytest.approx((-np.log(4 / 3), np.log(4 / 3)))
    # Whatever is drawn for the corner, the box ends inside: 16 rows and 78 columns remain.
    assert drawn.bounds[2:] == [(0, 17), (0, 79)]


def test_a_box_that_does_not_fit_is_drawn_again() -> None:
    # The whole area as a square is 60 x 60, too high for 36 rows; then a quarter of it: 30 x 30.
    drawn = Scripted(1.0, 0.0, 0.25, 0.0, 6, 70)
    assert random_box(36, 100, drawn, smallest_area=0.08) == (6, 70, 30, 30)  # type: ignore[arg-type]


def test_after_ten_attempts_the_largest_middle_part_is_taken() -> None:
    # 3 high and 100 wide: a full area never fits. The widest shape is 4/3 of 3 rows: 4 columns.
    drawn = Scripted(*[1.0, 0.0] * 10)
    assert random_box(3, 100, drawn, smallest_area=1.0) == (0, 48, 3, 4)  # type: ignore[arg-type]
    drawn = Scripted(*[1.0, 0.0] * 10)
    assert random_box(100, 3, drawn, smallest_area=1.0) == (48, 0, 4, 3)  # type: ignore[arg-type]


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    seed=st.integers(0, 10_000),
    smallest_area=st.sampled_from([0.08, 0.5, 1.0]),
)
@settings(max_examples=60, deadline=None)
def test_every_box_lies_inside_its_picture(height: int, width: int, seed: int, smallest_area: float) -> None:
    top, left, tall, wide = random_box(
        height, width, np.random.default_rng(seed), smallest_area=smallest_area
    )
    assert 0 <= top < top + tall <= height
    assert 0 <= left < left + wide <= width


def test_areas_fill_their_range_evenly() -> None:
    generator = np.random.default_rng(0)
    areas = [np.prod(random_box(300, 300, generator, smallest_area=0.2)[2:]) / 90_000 for _ in range(2_000)]
    assert min(areas) == pytest.approx(0.2, abs=0.01)
    # Even on [0.2, 1] but for shapes that do not fit near 1: the quarter up to 0.4 holds a little over a quarter.
    assert np.mean(np.asarray(areas) < 0.4) == pytest.approx(0.29, abs=0.04)


def test_a_crop_shows_the_part_at_the_asked_size() -> None:
    # Left half dark, right half bright; a crop of columns 30..49 of 50 is bright throughout.
    pixels = np.zeros((20, 50), np.uint8)
    pixels[:, 25:] = 200
    drawn = Scripted(0.4, 0.0, 0, 30)
    cropped = random_crop(Image.fromarray(pixels), drawn, size=(7, 11), smallest_area=0.4)  # type: ignore[arg-type]
    assert (cropped.size, cropped.mode) == ((11, 7), "L")
    assert np.asarray(cropped).min() == 200


def test_a_flip_swaps_left_and_right_with_its_probability() -> None:
    picture = Image.fromarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    generator = np.random.default_rng(0)
    assert random_flip(picture, generator, 0.0) is picture
    assert np.asarray(random_flip(picture, generator, 1.0)).tolist() == [[2, 1, 0], [5, 4, 3]]
    flipped = [random_flip(picture, generator, 0.3) is not picture for _ in range(1_000)]
    assert np.mean(flipped) == pytest.approx(0.3, abs=0.05)


def test_equal_generators_give_equal_crops() -> None:
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 255, (23, 31, 3), dtype=np.uint8))
    crops = [
        np.asarray(random_crop(picture, np.random.default_rng(seed), size=(5, 7), smallest_area=0.1))
        for seed in (3, 3, 4)
    ]
    assert np.array_equal(crops[0], crops[1])
    assert not np.array_equal(crops[0], crops[2])
