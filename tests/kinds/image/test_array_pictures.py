"""Arrays as pictures: every type and layout that can be read in one way, and what is said of all others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from perceivers.errors import DataError
from perceivers.kinds.image.array_pictures import picture_of
from perceivers.kinds.image.reading import decode_image, read_plain

BYTES = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "given",
    [
        BYTES,
        BYTES.transpose(2, 0, 1),
        BYTES / 255.0,
        (BYTES / 255.0).astype(np.float32),
        (BYTES / 255.0).astype(np.float32).transpose(2, 0, 1),
        BYTES.astype(np.uint16) * 257,
        (BYTES.astype(np.uint16) * 257).transpose(2, 0, 1),
        torch.tensor(BYTES),
        torch.tensor(BYTES).permute(2, 0, 1) / 255,
        torch.tensor(BYTES).permute(2, 0, 1).to(torch.float64) / 255,
    ],
)
def test_bytes_16_bits_floats_and_tensors_are_one_picture_in_either_layout(given: Any) -> None:
    picture = decode_image(given)
    assert picture.mode == "RGB"
    assert np.array_equal(np.asarray(picture), BYTES)


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        (BYTES[..., 0], "L"),
        (BYTES[..., :1], "L"),
        (BYTES[..., :1].transpose(2, 0, 1), "L"),
        (BYTES[..., 0] / 255, "L"),
        (BYTES[..., :2], "LA"),
        (BYTES[..., :2] / 255, "LA"),
        (BYTES[..., [0, 1, 2, 0]], "RGBA"),
        (BYTES[..., [0, 1, 2, 0]].transpose(2, 0, 1), "RGBA"),
        (BYTES[..., 0] > 100, "1"),
    ],
)
def test_the_number_of_channels_says_what_they_are(given: Any, mode: str) -> None:
    picture = decode_image(given)
    assert (picture.mode, picture.size) == (mode, (7, 5))


def test_what_shines_through_two_channels_is_white() -> None:
    # (100 * 51 + 255 * 204) / 255 = 224
    assert read_plain(np.array([[[100, 51]]], np.uint8), channels=1).getpixel((0, 0)) == 224


def test_three_rows_of_three_channels_have_their_channels_last() -> None:
    square = BYTES[:3]
    assert np.array_equal(np.asarray(picture_of(square)), square)


def test_the_value_that_is_white_may_be_said() -> None:
    assert np.array_equal(np.asarray(picture_of(BYTES.astype(np.float32), white_level=255)), BYTES)
    assert np.array_equal(np.asarray(picture_of(BYTES.astype(np.uint16), white_level=255)), BYTES)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            BYTES.astype(np.float32) + 0.5,
            r"floating-point numbers of a picture must be in \[0, 1\], received .* to 248\.5 in an array of float32 of the "
            r"shape \[5, 7, 3\]: divide them by what is white, or give that, `--white-level NUMBER`",
        ),
        (np.full((5, 7), -0.5), r"must be in \[0, 1\], received -0\.5 to -0\.5 in an array of float64"),
        (np.full((5, 7), np.nan), "must be finite, received NaN or infinity in an array of float64"),
        (
            BYTES.astype(np.int64),
            r"must hold uint8 in \[0, 255\], uint16 .* received an array of int64 of the shape \[5, 7, 3\]: make it",
        ),
        (BYTES.astype(bool), "received an array of bool of the shape"),
        (np.array([["a"]]), "must hold uint8"),
        (
            BYTES[None],
            r"must be \[height, width\], .* received an array of uint8 of the shape \[1, 5, 7, 3\]: give each picture by "
            r"itself, list\(array\)$",
        ),
        (
            np.zeros((5, 7, 6), np.uint8),
            r"with 1 \(grey\), 3 .* received an array of uint8 of the shape \[5, 7, 6\]$",
        ),
        (np.zeros((2, 5, 7), np.uint8), r"of the shape \[2, 5, 7\]$"),
        (np.zeros((0, 5), np.uint8), r"of the shape \[0, 5\]$"),
        (np.zeros(5, np.uint8), r"of the shape \[5\]$"),
    ],
)
def test_other_arrays_are_named_with_type_shape_and_cure(given: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        decode_image(given)
