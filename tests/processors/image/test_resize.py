"""Pillow's bytes from torch, and TensorFlow's bicubic by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.processors.image.resize import cubic, resize_bytes, resize_tensorflow_bicubic

LENGTHS = st.one_of(st.integers(1, 9), st.integers(10, 97))


def pillow_resize(values, height, width, resample):
    image = Image.fromarray(values[..., 0] if values.shape[2] == 1 else values)
    return np.asarray(image.resize((width, height), resample)).reshape(height, width, -1)


@given(
    rows=LENGTHS,
    columns=LENGTHS,
    height=LENGTHS,
    width=LENGTHS,
    channels=st.sampled_from([1, 2, 3, 4]),
    resample=st.integers(0, 5),
    harsh=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_every_filter_gives_pillows_bytes(rows, columns, height, width, channels, resample, harsh, seed):
    generator = np.random.default_rng(seed)
    values = generator.integers(0, 256, (rows, columns, channels), dtype=np.uint8)
    if harsh:
        values = (values > 127).astype(np.uint8) * 255
    batch = torch.from_numpy(values).permute(2, 0, 1)[None]
    resized = resize_bytes(batch, height, width, resample)[0].permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(resized, pillow_resize(values, height, width, resample))


@pytest.mark.parametrize(
    ("rows", "columns", "height", "width"), [(1201, 7, 5, 11), (7, 1201, 11, 5), (701, 503, 224, 224)]
)
def test_long_and_large_pictures_too(rows, columns, height, width):
    values = np.random.default_rng(0).integers(0, 256, (rows, columns, 3), dtype=np.uint8)
    resized = resize_bytes(torch.from_numpy(values).permute(2, 0, 1)[None], height, width)
    expected = pillow_resize(values, height, width, 3)
    np.testing.assert_array_equal(resized[0].permute(1, 2, 0).numpy(), expected)


def test_pictures_of_a_batch_do_not_mix():
    batch = torch.randint(0, 256, (3, 3, 13, 17), dtype=torch.uint8)
    together = resize_bytes(batch, 7, 19)
    alone = torch.cat([resize_bytes(picture[None], 7, 19) for picture in batch])
    assert torch.equal(together, alone)


def test_keys_cubic_kernel_has_its_known_values():
    assert [cubic(x) for x in (0.0, 0.5, 1.0, 1.5, 2.0)] == [1.0, 0.5625, 0.0, -0.0625, 0.0]


def test_tensorflow_halves_with_four_taps_and_drops_those_outside():
    # Positions 0.5 and 2.5 lie halfway: weights (-1, 9, 9, -1) / 16; the outer tap lies outside, so (9, 9, -1) / 17.
    line = torch.tensor([10.0, 20.0, 40.0, 80.0])
    first = (9 * 10 + 9 * 20 - 40) / 17
    second = (-20 + 9 * 40 + 9 * 80) / 17
    across = resize_tensorflow_bicubic(line[None, None, None], 1, 2)
    down = resize_tensorflow_bicubic(line[None, None, :, None], 2, 1)
    torch.testing.assert_close(across.flatten(), torch.tensor([first, second]))
    torch.testing.assert_close(down.flatten(), torch.tensor([first, second]))


def test_tensorflow_keeps_overshoots():
    edge = torch.tensor([0, 0, 0, 255, 255, 255], dtype=torch.uint8)[None, None, None]
    resized = resize_tensorflow_bicubic(edge, 1, 12)
    assert resized.dtype == torch.float32
    assert float(resized.min()) < -5
    assert float(resized.max()) > 260


def test_tensorflow_upsampling_of_a_slope_stays_a_slope_inside():
    # Keys' kernel reproduces straight lines; 4 output pixels a source pixel, centres at (i + 0.5) / 4 - 0.5.
    slope = torch.arange(11.0)[None, None, None]
    resized = resize_tensorflow_bicubic(slope, 1, 44).flatten()
    expected = (torch.arange(44) + 0.5) / 4 - 0.5
    torch.testing.assert_close(resized[8:-8], expected[8:-8], atol=2e-3, rtol=0)


def test_mistakes_are_named():
    with pytest.raises(
        ShapeError,
        match=r"`pictures` must be \[batch, channels, rows, columns\] uint8, received \[3\] torch.float32",
    ):
        resize_bytes(torch.zeros(3), 5, 7)
    with pytest.raises(
        ConfigurationError, match="`height` and `width` must be at least 1 pixel, received 0 x 7"
    ):
        resize_bytes(torch.zeros(1, 3, 5, 7, dtype=torch.uint8), 0, 7)
