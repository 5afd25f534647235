"""The single steps equal Transformers' Pillow processor's, and both of ours agree."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.processors.image.fast import PerceiverImageProcessorFast
from perceivers.processors.image.pillow import PerceiverImageProcessor


def pictures(*shapes: tuple[int, int, int]) -> list[np.ndarray]:
    generator = np.random.default_rng(3)
    return [generator.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]


@pytest.fixture(scope="module")
def reference():
    return pytest.importorskip("transformers").PerceiverImageProcessorPil()


@pytest.fixture(scope="module")
def size_of():
    return pytest.importorskip("transformers.image_utils").SizeDict


@pytest.fixture(params=[PerceiverImageProcessor, PerceiverImageProcessorFast])
def ours(request):
    return request.param()


def check(ours, received, expected) -> None:
    kind = torch.Tensor if isinstance(ours, PerceiverImageProcessorFast) else np.ndarray
    assert isinstance(received, kind)
    values = np.asarray(received)
    assert values.dtype == expected.dtype
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize(
    "size",
    [
        {"height": 11, "width": 7},
        {"shortest_edge": 11},
        {"shortest_edge": 11, "longest_edge": 13},
        {"max_height": 29, "max_width": 31},
    ],
)
@pytest.mark.parametrize("resample", [None, 3])
def test_resizing_is_the_references(ours, reference, size_of, size, resample):
    [picture] = pictures((3, 17, 23))
    expected = reference.resize(picture, size_of(**size), resample=resample)
    check(ours, ours.resize(picture, size, resample=resample), expected)


def test_a_size_may_be_one_number_or_an_attribute_of_a_processor(ours):
    [picture] = pictures((3, 17, 23))
    assert ours.resize(picture, 11).shape == (3, 11, 11)
    assert ours.resize(picture, ours.size).shape == (3, ours.size.height, ours.size.width) == (3, 224, 224)


def test_rescaling_and_normalising_are_the_references(ours, reference):
    [picture] = pictures((3, 5, 7))
    rescaled = reference.rescale(picture, 1 / 255)
    check(ours, ours.rescale(picture, 1 / 255), rescaled)
    for mean, std in (([0.1, 0.2, 0.3], [0.5, 0.7, 1.1]), (0.5, 0.25)):
        received = ours.normalize(rescaled, mean, std)
        np.testing.assert_allclose(received, reference.normalize(rescaled, mean, std), rtol=1e-6, atol=1e-6)
    with pytest.raises(ConfigurationError, match="`image_std` must not be 0"):
        ours.normalize(rescaled, 0.5, 0)


@pytest.mark.parametrize(("size", "crop_size"), [((7, 11), (8, 13)), ((9, 9), (8, 8)), ((3, 5), (256, 256))])
def test_the_middle_is_the_references(ours, reference, size_of, size, crop_size):
    [picture] = pictures((3, 19, 31))
    both = [{"height": height, "width": width} for height, width in (size, crop_size)]
    # The reference may crop to nothing; here one pixel is left.
    expected = reference.center_crop(picture, *(size_of(**each) for each in both))
    if 0 not in expected.shape:
        check(ours, ours.center_crop(picture, *both), expected)
    else:
        assert ours.center_crop(picture, *both).shape == (3, 1, 1)


def test_without_a_second_size_the_processors_own_is_used(ours):
    [picture] = pictures((3, 64, 64))
    assert ours.center_crop(picture, 128).shape == (3, 32, 32)
    with pytest.raises(ConfigurationError, match="`size` must have height and width"):
        ours.center_crop(picture, {"shortest_edge": 7})


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
@pytest.mark.parametrize("pad_size", [None, (13, 17)])
def test_padding_is_the_references(ours, reference, size_of, mode, pad_size):
    some = pictures((3, 5, 7), (3, 6, 4))
    size = None if pad_size is None else size_of(height=13, width=17)
    expected, places = reference.pad(some, size, fill_value=9, padding_mode=mode, return_mask=True)
    received, masks = ours.pad(some, pad_size, fill_value=9, padding_mode=mode, return_mask=True)
    for one, other in zip([*received, *masks], [*expected, *places], strict=True):
        check(ours, one, other)
    for one, other in zip(ours.pad(some, pad_size, padding_mode=mode, fill_value=9), expected, strict=True):
        check(ours, one, other)


def test_padding_says_what_it_cannot_do(ours):
    some = pictures((3, 5, 7))
    with pytest.raises(ShapeError, match=r"`pad_size` must be at least as large .* 4 x 9 .* 5 x 7 pixels"):
        ours.pad(some, (4, 9))
    with pytest.raises(ConfigurationError, match=r"`padding_mode` must be one of constant, .* 'mirror'"):
        ours.pad(some, padding_mode="mirror")
    with pytest.raises(ConfigurationError, match="`pad_size` must have height and width"):
        ours.pad(some, {"shortest_edge": 9})


def test_grey_and_pillow_pictures_become_three_channels(ours):
    grey = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    check(ours, ours.convert_to_rgb(grey), np.repeat(grey, 3, axis=0))
    palette = Image.new("RGB", (3, 2), (51, 102, 204)).convert("P")
    assert np.asarray(ours.convert_to_rgb(palette))[:, 1, 2].tolist() == [51, 102, 204]


def test_the_steps_one_after_another_are_the_whole(ours):
    [picture] = pictures((3, 300, 280))
    part = ours.center_crop(picture, ours.size, ours.crop_size)
    resized = ours.resize(part, ours.size, resample=ours.resample)
    values = ours.normalize(ours.rescale(resized, ours.rescale_factor), ours.image_mean, ours.image_std)
    whole = ours(picture, return_tensors="pt", input_data_format="channels_first").pixel_values[0]
    np.testing.assert_array_equal(np.asarray(values), whole.numpy())
