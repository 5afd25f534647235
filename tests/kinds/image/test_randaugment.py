"""Each operation of RandAugment against pixels worked out by hand, and the drawing of them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from perceivers.errors import ConfigurationError
from perceivers.kinds.image.randaugment import OPERATIONS, apply_operation, rand_augment


def grey(*rows: list[int]) -> Image.Image:
    return Image.fromarray(np.array(rows, np.uint8))


def changed(name: str, image: Image.Image, magnitude: float) -> np.ndarray:
    return np.asarray(apply_operation(name, image, magnitude))


def test_there_are_the_papers_fourteen_operations() -> None:
    assert set(OPERATIONS) == {
        "identity", "auto_contrast", "equalize", "rotate", "solarize", "colour", "posterize", "contrast", "brightness",
        "sharpness", "shear_x", "shear_y", "translate_x", "translate_y",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "magnitude", "pixels", "expected"),
    [
        ("identity", 10.0, [0, 100, 255], [0, 100, 255]),
        # 50..150 is stretched over 0..255: 75 is a quarter, 63.75.
        ("auto_contrast", 3.0, [50, 75, 150], [0, 63, 255]),
        # Half strength: values from 128 on are inverted.
        ("solarize", 5.0, [0, 127, 128, 255], [0, 127, 127, 0]),
        ("solarize", -5.0, [0, 127, 128, 255], [0, 127, 127, 0]),
        ("solarize", 10.0, [0, 100], [255, 155]),
        # 10: four bits, steps of 16. 5: six bits, steps of 4.
        ("posterize", 10.0, [0, 31, 255], [0, 16, 240]),
        ("posterize", 5.0, [0, 31, 255], [0, 28, 252]),
        # 1 + 0.9 * 5 / 10 = 1.45 and 0.55 times the value.
        ("brightness", 5.0, [0, 100, 200], [0, 145, 255]),
        ("brightness", -5.0, [0, 100, 200], [0, 55, 110]),
        # The mean is 100; 1.9 and 0.1 times the distance from it.
        ("contrast", 10.0, [90, 100, 110], [81, 100, 119]),
        ("contrast", -10.0, [50, 100, 150], [95, 100, 105]),
        # Ten columns: half strength shifts by 0.45 / 2 of them, 2.25: the picture reads between its columns.
        ("translate_x", 10.0 * 2 / 4.5, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90],
         [20, 30, 40, 50, 60, 70, 80, 90, 128, 128]),
        ("translate_x", -10.0 * 2 / 4.5, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90],
         [128, 128, 0, 10, 20, 30, 40, 50, 60, 70]),
    ],
)  # fmt: skip
def test_values_change_as_worked_out(
    name: str, magnitude: float, pixels: list[int], expected: list[int]
) -> None:
    assert changed(name, grey(pixels), magnitude).tolist() == [expected]


def test_a_vertical_shift_moves_rows() -> None:
    column = grey(*[[value] for value in (0, 10, 20, 30, 40, 50, 60, 70, 80, 90)])
    shifted = changed("translate_y", column, 10.0 * 2 / 4.5)
    assert shifted[:, 0].tolist() == [20, 30, 40, 50, 60, 70, 80, 90, 128, 128]


def test_a_rotation_turns_by_three_degrees_a_unit() -> None:
    # A bar of one row through the middle of 21 x 21; at 10 it stands at 30 degrees.
    pixels = np.zeros((21, 21), np.uint8)
    pixels[10] = 255
    turned = changed("rotate", Image.fromarray(pixels), 10.0).astype(float)
    rows, columns = np.mgrid[-10:11, -10:11]
    inside = np.hypot(rows, columns) < 9
    inked = (turned > 128) & inside
    angle = np.degrees(np.arctan2(-rows[inked] * np.sign(columns[inked]), np.abs(columns[inked])))
    assert np.median(angle) == pytest.approx(30.0, abs=4.0)
    assert turned[0, 0] == 128  # what comes in from outside is grey


def test_shears_keep_the_middle_and_move_the_borders() -> None:
    # 0.3 * 20 / 2 = 3 pixels at the top and the bottom, in opposite directions.
    pixels = np.zeros((20, 21), np.uint8)
    pixels[:, 10] = 255
    sheared = changed("shear_x", Image.fromarray(pixels), 10.0)
    assert abs(int(sheared[9].argmax()) - 10) <= 1
    assert int(sheared[0].argmax()) - int(sheared[19].argmax()) == pytest.approx(6, abs=1)
    other = changed("shear_x", Image.fromarray(pixels), -10.0)
    assert int(other[0].argmax()) - int(other[19].argmax()) == pytest.approx(-6, abs=1)
    transposed = changed("shear_y", Image.fromarray(np.ascontiguousarray(pixels.T)), 10.0)
    assert np.array_equal(transposed, sheared.T)


def test_colour_moves_away_from_and_towards_grey() -> None:
    red = Image.new("RGB", (1, 1), (200, 0, 0))
    # Pillow's luma of it is 60; 0.1 of the distance remains.
    assert changed("colour", red, -10.0)[0, 0].tolist() == [74, 54, 54]
    assert changed("colour", red, 5.0)[0, 0].tolist() == [255, 0, 0]


def test_sharpness_blurs_and_sharpens() -> None:
    step = np.zeros((5, 6), np.uint8)
    step[:, 3:] = 100
    assert changed("sharpness", Image.fromarray(step), -10.0)[2, 2] > 0
    assert changed("sharpness", Image.fromarray(step), 10.0)[2, 3] > 100


def test_equalizing_spreads_values_evenly() -> None:
    values = np.repeat(np.array([10, 20, 30, 40], np.uint8), 256).reshape(32, 32)
    # A quarter of the pixels lies below the second value, half below the third: thirds of 255, as the last counts as full.
    spread = np.unique(changed("equalize", Image.fromarray(values), 1.0))
    assert spread.tolist() == pytest.approx([0, 85, 170, 255], abs=1)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_every_operation_keeps_size_and_mode(name: str, mode: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (7, 11, 3), dtype=np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    for magnitude in (-10.0, 0.0, 7.5):
        result = apply_operation(name, image, magnitude)
        assert (result.size, result.mode) == ((11, 7), mode)


@pytest.mark.parametrize(
    "name", sorted(set(OPERATIONS) - {"identity", "auto_contrast", "equalize", "solarize"})
)
def test_strength_zero_changes_nothing(name: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (7, 11, 3), dtype=np.uint8)
    assert np.array_equal(changed(name, Image.fromarray(pixels), 0.0), pixels)


def test_operations_are_drawn_with_replacement_from_the_generator() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (13, 11, 3), dtype=np.uint8)
    image = Image.fromarray(pixels)

    def augmented(seed: int, count: int) -> np.ndarray:
        generator = np.random.default_rng(seed)
        return np.asarray(rand_augment(image, generator, num_operations=count, magnitude=5.0))

    assert rand_augment(image, np.random.default_rng(0), num_operations=0, magnitude=5.0) is image
    assert np.array_equal(augmented(1, 4), augmented(1, 4))
    # Fourteen operations, four of which give the picture back or nearly so: results of one operation differ.
    assert len({augmented(seed, 1).tobytes() for seed in range(200)}) > 14


def test_what_no_operation_takes_is_named() -> None:
    with pytest.raises(ConfigurationError, match="`image` must have mode L or RGB, received CMYK"):
        apply_operation("rotate", Image.new("CMYK", (2, 2)), 1.0)
    with pytest.raises(ConfigurationError, match=r"`magnitude` must be in \[-10, 10\], received 11"):
        apply_operation("rotate", Image.new("L", (2, 2)), 11.0)
