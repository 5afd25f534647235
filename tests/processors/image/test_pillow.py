"""The Pillow processor equals Transformers' Pillow processor, and handles what that one refuses."""

import copy
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from perceivers.errors import ConfigurationError, DataError
from perceivers.processors.image.geometry import deepmind_box
from perceivers.processors.image.pillow import PerceiverImageProcessor, PerceiverImageProcessorPil
from perceivers.processors.image.resize import resize_tensorflow_bicubic

MEAN = np.array([0.485, 0.456, 0.406], np.float32)[:, None, None]
STD = np.array([0.229, 0.224, 0.225], np.float32)[:, None, None]
OFF = {"do_center_crop": False, "do_resize": False, "do_rescale": False, "do_normalize": False}

PIXELS = st.integers(1, 61)
SQUARE_OR_BOTH = st.one_of(
    PIXELS, st.tuples(PIXELS, PIXELS), st.fixed_dictionaries({"height": PIXELS, "width": PIXELS})
)
KEYED_SIZES = st.one_of(
    st.fixed_dictionaries({"shortest_edge": PIXELS}),
    st.fixed_dictionaries({"shortest_edge": PIXELS, "longest_edge": st.integers(20, 61)}),
    st.fixed_dictionaries({"max_height": st.integers(9, 61), "max_width": st.integers(9, 61)}),
)
KINDS = [
    "RGB",
    "HSV",
    "YCbCr",
    "hwc",
    "chw",
    "torch",
    "int32",
    "uint16",
    "float32",
    "float64",
    "float16",
    "whole",
]


@pytest.fixture(scope="module")
def reference():
    transformers = pytest.importorskip("transformers")
    return transformers.PerceiverImageProcessorPil


@st.composite
def pictures(draw):
    height, width = draw(st.integers(5, 71)), draw(st.integers(5, 71))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
    kind = draw(st.sampled_from(KINDS))
    if kind in ("RGB", "HSV", "YCbCr"):
        return Image.fromarray(values).convert(kind)
    if kind.startswith("float"):
        return (values / 255).astype(kind)
    if kind in ("int32", "uint16"):
        return values.astype(kind)
    return {
        "hwc": values,
        "chw": values.transpose(2, 0, 1),
        "torch": torch.from_numpy(values).permute(2, 0, 1),
        "whole": values.astype(np.float32),
    }[kind]


@st.composite
def options(draw):
    chosen = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "size": SQUARE_OR_BOTH,
                "resample": st.integers(0, 5),
                "do_resize": st.booleans(),
                "do_rescale": st.booleans(),
                "do_normalize": st.booleans(),
                "do_convert_rgb": st.sampled_from([True, False, None]),
                "rescale_factor": st.sampled_from([1 / 127.5, 0.3]),
                "image_mean": st.sampled_from([0.5, [0.1, 0.2, 0.3], (0.7, 0.8, 0.9)]),
                "image_std": st.sampled_from([0.5, [0.1, 0.2, 0.3]]),
            },
        )
    )
    if draw(st.booleans()):
        # Large enough a part of the picture for at least one pixel: the reference makes nothing of less.
        chosen["crop_size"] = draw(
            st.one_of(st.integers(9, 61), st.tuples(st.integers(9, 61), st.integers(9, 61)))
        )
        chosen["size"] = draw(st.tuples(st.integers(13, 61), st.integers(13, 61)))
    elif draw(st.booleans()) or "size" in chosen:
        chosen["do_center_crop"] = False
        chosen["size"] = draw(st.one_of(SQUARE_OR_BOTH, KEYED_SIZES))
    return chosen


@settings(max_examples=80)
@given(picture=pictures(), chosen=options())
@pytest.mark.filterwarnings("ignore:`images` hold floats")
def test_any_option_gives_the_references_values(reference, picture, chosen):
    expected = reference(**chosen)(picture, return_tensors="np").pixel_values
    received = PerceiverImageProcessor(**chosen)(picture, return_tensors="np").pixel_values
    np.testing.assert_array_equal(received, expected)
    if expected.dtype.kind == "f":
        assert received.dtype == expected.dtype


@settings(max_examples=40)
@given(
    mode=st.sampled_from(["1", "L", "LA", "P", "PA", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F"]),
    seed=st.integers(0, 2**32 - 1),
    see_through=st.booleans(),
)
def test_every_mode_becomes_the_references_rgb(reference, mode, seed, see_through):
    generator = np.random.default_rng(seed)
    values = generator.integers(0, 256, (37, 53, 4), dtype=np.uint8)
    picture = Image.fromarray(values if see_through or mode == "RGBA" else values[..., :3]).convert(
        "RGB" if mode not in ("LA", "PA", "RGBA") else "RGBA"
    )
    picture = picture.convert("L").convert(mode) if mode in ("I", "F") else picture.convert(mode)
    if mode == "P" and see_through:
        picture.info["transparency"] = 3
    expected = reference()(picture, do_convert_rgb=True, return_tensors="np").pixel_values
    for chosen in (True, None):
        processor = PerceiverImageProcessor(do_convert_rgb=chosen)
        if chosen is None and mode in ("YCbCr", "HSV"):
            continue  # three channels already, taken as they are, as in the reference
        received = processor(picture, return_tensors="np").pixel_values
        np.testing.assert_array_equal(received, expected)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "CMYK", "I"])
def test_channels_stay_where_nothing_asks_for_rgb(reference, mode):
    values = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    picture = Image.fromarray(values).convert("L" if mode == "I" else mode).convert(mode)
    for chosen in ({"do_normalize": False}, {"image_mean": 0.5, "image_std": 0.3}):
        expected = reference(**chosen)(picture, return_tensors="np").pixel_values
        received = PerceiverImageProcessor(**chosen)(picture, return_tensors="np").pixel_values
        np.testing.assert_array_equal(received, expected)


@pytest.mark.parametrize("name", ["china.jpg", "flower.jpg"])
def test_photographs_equal_the_reference(reference, name):
    picture = pytest.importorskip("sklearn.datasets").load_sample_image(name)
    expected = reference()(picture, return_tensors="np").pixel_values
    np.testing.assert_array_equal(
        PerceiverImageProcessor()(picture, return_tensors="np").pixel_values, expected
    )


def test_the_default_is_the_middle_resized_and_normalised():
    values = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    pixels = PerceiverImageProcessor()(Image.fromarray(values), return_tensors="pt").pixel_values
    middle = Image.fromarray(values[2:34, 10:42]).resize((224, 224), Image.Resampling.BICUBIC)
    unit = (np.asarray(middle).transpose(2, 0, 1) * (1 / 255)).astype(np.float32)
    assert (pixels.shape, pixels.dtype) == ((1, 3, 224, 224), torch.float32)
    np.testing.assert_array_equal(pixels[0].numpy(), (unit - MEAN) / STD)
    assert PerceiverImageProcessorPil is PerceiverImageProcessor


def test_options_of_a_call_win_and_do_not_stay():
    processor = PerceiverImageProcessor(size=7)
    picture = Image.new("RGB", (53, 37))
    assert processor(picture, size=(5, 11), return_tensors="pt").pixel_values.shape == (1, 3, 5, 11)
    assert processor(picture, return_tensors="pt").pixel_values.shape == (1, 3, 7, 7)
    processor.size = 13
    assert processor.size == {"height": 13, "width": 13}
    assert processor.preprocess(picture, return_tensors="pt").pixel_values.shape == (1, 3, 13, 13)


def test_forms_of_the_result():
    processor = PerceiverImageProcessor(size=7)
    picture = Image.new("RGB", (53, 37))
    listed = processor([picture, picture]).pixel_values
    assert [type(entry) for entry in listed] == [np.ndarray, np.ndarray]
    assert isinstance(processor(picture, return_tensors="np")["pixel_values"], np.ndarray)
    last = processor(picture, return_tensors="pt", data_format="channels_last").pixel_values
    first = processor(picture, return_tensors="pt").pixel_values
    assert torch.equal(last, first.permute(0, 2, 3, 1))
    assert processor(picture, return_tensors="pt", device="meta").pixel_values.device.type == "meta"


def test_nested_lists_and_batched_arrays_come_out_in_order():
    values = np.random.default_rng(0).integers(0, 256, (5, 37, 53, 3), dtype=np.uint8)
    processor = PerceiverImageProcessor(size=7, return_tensors="pt")
    whole = processor(values).pixel_values
    nested = processor([[values[0], Image.fromarray(values[1])], (values[2:4],), torch.from_numpy(values[4])])
    assert torch.equal(nested.pixel_values, whole)


def test_pictures_of_different_sizes_become_one_batch():
    processor = PerceiverImageProcessor(size=7, return_tensors="pt")
    several = [Image.effect_noise((width, 23), 90) for width in (31, 37, 31, 41)]
    alone = torch.cat([processor(picture).pixel_values for picture in several])
    assert torch.equal(processor(several).pixel_values, alone)


def test_results_of_different_sizes_are_listed_but_not_stacked():
    processor = PerceiverImageProcessor(do_resize=False, do_center_crop=False)
    several = [Image.new("RGB", (53, 37)), Image.new("RGB", (37, 53))]
    assert [entry.shape for entry in processor(several).pixel_values] == [(3, 37, 53), (3, 53, 37)]
    with pytest.raises(
        DataError, match=r"different shapes, \(3, 37, 53\) and \(3, 53, 37\).*cannot be stacked"
    ):
        processor(several, return_tensors="pt")


def test_grey_follows_the_number_of_means():
    grey = Image.effect_noise((53, 37), 90)
    three = PerceiverImageProcessor(**{**OFF, "do_normalize": True}, return_tensors="np")(grey).pixel_values
    assert three.shape == (1, 3, 37, 53)
    one = PerceiverImageProcessor(
        **{**OFF, "do_normalize": True}, image_mean=[0.5], image_std=[0.5], return_tensors="np"
    )
    assert one(grey).pixel_values.shape == (1, 1, 37, 53)
    np.testing.assert_array_equal(one(grey.convert("RGB")).pixel_values, one(grey).pixel_values)


def test_deepminds_crop_is_theirs():
    values = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    received = PerceiverImageProcessor(crop_mode="deepmind", return_tensors="np")(values).pixel_values[0]
    top, left, height, width = deepmind_box(
        37, 53, {"height": 224, "width": 224}, {"height": 256, "width": 256}
    )
    assert (top, left, height, width) == (3, 11, 32, 32)
    part = torch.from_numpy(values[top : top + height, left : left + width]).permute(2, 0, 1)[None]
    resized = resize_tensorflow_bicubic(part, 224, 224)[0].numpy()
    expected = ((resized.astype(np.float64) / 255).astype(np.float32) - MEAN) / STD
    np.testing.assert_allclose(received, expected, atol=2e-6)
    # It matters: the crop begins a pixel later and overshoots are kept.
    default = PerceiverImageProcessor(return_tensors="np")(values).pixel_values[0]
    assert np.abs(received - default).max() > 0.1


def test_floats_in_0_1_that_are_rescaled_again_are_warned_about(reference):
    picture = np.random.default_rng(0).random((37, 53, 3))
    with pytest.warns(UserWarning, match=r"floats in \[0, 1\] and `do_rescale` is True"):
        received = PerceiverImageProcessor()(picture, return_tensors="np").pixel_values
    np.testing.assert_array_equal(received, reference()(picture, return_tensors="np").pixel_values)


def test_floats_up_to_255_are_rounded_to_bytes():
    values = np.random.default_rng(0).random((37, 53, 3)) * 255
    processor = PerceiverImageProcessor(size=11, return_tensors="np")
    rounded = processor(values.round().astype(np.uint8)).pixel_values
    np.testing.assert_array_equal(processor(values).pixel_values, rounded)


@pytest.mark.parametrize(("low", "high"), [(-0.5, 0.5), (0.0, 1.2), (0.0, 256.5)])
def test_floats_of_unclear_range_are_refused_when_bytes_are_needed(low, high):
    values = np.linspace(low, high, 37 * 53 * 3).reshape(37, 53, 3)
    with pytest.raises(DataError, match=r"`images\[1\]` must hold floats in \[0, 1\], or in \[0, 255\]"):
        PerceiverImageProcessor(do_center_crop=False)([np.zeros((37, 53, 3)), values])
    unresized = PerceiverImageProcessor(do_center_crop=False, do_resize=False)
    assert unresized(values).pixel_values[0].shape == (3, 37, 53)


def test_channels_without_a_mean_are_an_error():
    with pytest.raises(
        DataError, match=r"`image_mean` must have one entry for each of the picture's 1 channels, received 3"
    ):
        PerceiverImageProcessor(do_convert_rgb=False)(Image.new("L", (53, 37)))
    with pytest.raises(DataError, match=r"`image_std` must have one entry .* 3 channels, received 2"):
        PerceiverImageProcessor(image_std=[0.1, 0.2])(Image.new("RGB", (53, 37)))


def test_options_that_lack_something_are_named():
    picture = Image.new("RGB", (53, 37))
    for missing, switch in (
        ("crop_size", "do_center_crop"),
        ("resample", "do_resize"),
        ("rescale_factor", "do_rescale"),
        ("image_std", "do_normalize"),
    ):
        message = f"`{missing}` must be given when `{switch}` is True, received None"
        with pytest.raises(ConfigurationError, match=message):
            PerceiverImageProcessor()(picture, **{missing: None})


def test_a_processor_is_copied_and_sent_to_other_processes():
    processor = PerceiverImageProcessor(size=7, crop_mode="deepmind")
    assert pickle.loads(pickle.dumps(processor)) == processor
    assert copy.deepcopy(processor) == processor
    with pytest.raises(AttributeError, match="`PerceiverImageProcessor` has no attribute `colour`"):
        processor.colour  # noqa: B018


def test_the_given_pictures_are_left_as_they_were():
    values = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    before = values.copy()
    for options in (OFF, {}, {**OFF, "do_rescale": True}, {**OFF, "do_normalize": True}):
        PerceiverImageProcessor(**options)(values, return_tensors="pt")
    np.testing.assert_array_equal(values, before)
    PerceiverImageProcessor(**OFF)(values).pixel_values[0][:] = 0
    np.testing.assert_array_equal(values, before)
