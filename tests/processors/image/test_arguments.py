"""Options are brought to one form, and every mistake has a message."""

import copy
import json
import pickle

import pytest

from perceivers.errors import ConfigurationError
from perceivers.processors.image.arguments import ImageOptions, size_mapping
from perceivers.processors.image.pillow import PerceiverImageProcessor


def test_sizes_have_one_form():
    assert size_mapping("size", 7, square=True) == {"height": 7, "width": 7}
    assert size_mapping("size", 7, square=False) == {"shortest_edge": 7}
    assert size_mapping("size", [5, 7], square=True) == {"height": 5, "width": 7}
    assert size_mapping("size", {"height": 5, "width": 7, "longest_edge": None}, square=True) == {
        "height": 5,
        "width": 7,
    }
    assert ImageOptions(size=7, default_to_square=False).size == {"shortest_edge": 7}


@pytest.mark.parametrize("resample", ["bicubic", "BICUBIC", 3])
def test_filters_go_by_number_or_name(resample):
    assert ImageOptions(resample=resample).resample == 3


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("size", 0, "`size` must be whole pixels, at least 1; received height = 0"),
        ("size", 31.5, "`size` must be an int, .* received 31.5"),
        ("size", {"height": 3}, "`size` must have one of these sets of keys: .* received height"),
        ("crop_size", [3], r"`crop_size` must be \(height, width\), received \(3,\)"),
        ("crop_size", {}, "`crop_size` must have one of these sets of keys: .* received none"),
        ("resample", 6, r"`resample` must be one of 0 \(nearest\), .* received 6"),
        ("resample", "cubic", "`resample` must be one of .* received 'cubic'"),
        ("crop_mode", "middle", "`crop_mode` must be one of 'transformers', 'deepmind'; received 'middle'"),
        ("data_format", "none", "`data_format` must be one of .* received 'none'"),
        ("input_data_format", "hwc", "`input_data_format` must be one of .* received 'hwc'"),
        ("return_tensors", "tf", "`return_tensors` must be one of None, 'pt', 'np'; received 'tf'"),
        ("rescale_factor", float("nan"), "`rescale_factor` must be finite, received nan"),
        ("image_mean", [], r"`image_mean` must be finite numbers, one a channel, received \[\]"),
        ("image_std", [0.5, 0.0, 0.5], r"`image_std` must not be 0, received \[0.5, 0.0, 0.5\]"),
    ],
)
def test_every_mistake_is_named(option, value, message):
    with pytest.raises(ConfigurationError, match=message):
        PerceiverImageProcessor(**{option: value})


def test_an_unknown_option_brings_a_proposal():
    with pytest.raises(
        TypeError, match=r"`do_centre_crop` is not an option .*; did you mean `do_center_crop`"
    ):
        PerceiverImageProcessor(do_centre_crop=True)
    with pytest.raises(
        TypeError, match="`zzz` is not an option of the image processor: known are do_convert_rgb"
    ):
        PerceiverImageProcessor(zzz=True)


def test_a_crop_needs_height_and_width():
    with pytest.raises(
        ConfigurationError, match="`size` must have height and width when `do_center_crop` is True"
    ):
        ImageOptions(size={"shortest_edge": 7}).check_together()
    ImageOptions(size={"shortest_edge": 7}, do_center_crop=False).check_together()


def test_deepminds_mode_needs_bicubic_and_a_full_size():
    with pytest.raises(ConfigurationError, match=r"`resample` must be 3 \(bicubic\) .* received 2"):
        ImageOptions(crop_mode="deepmind", resample=2).check_together()
    with pytest.raises(
        ConfigurationError, match="`size` must have height and width when `crop_mode` is 'deepmind'"
    ):
        ImageOptions(crop_mode="deepmind", do_center_crop=False, size={"shortest_edge": 7}).check_together()


def test_options_without_effect_are_said_to_be():
    with pytest.warns(UserWarning, match="`do_pad` has no effect on Perceiver's pictures"):
        PerceiverImageProcessor(do_pad=True)
    PerceiverImageProcessor(do_pad=False, pad_size=None)


def test_a_sizes_keys_are_attributes_too():
    options = ImageOptions(size={"shortest_edge": 7, "longest_edge": 11})
    assert (options.sizes.shortest_edge, options.sizes.longest_edge, options.sizes.height) == (7, 11, None)
    assert options.size == {"shortest_edge": 7, "longest_edge": 11}
    assert json.dumps(options.size) == '{"shortest_edge": 7, "longest_edge": 11}'
    assert (
        copy.deepcopy(options.size).shortest_edge
        == pickle.loads(pickle.dumps(options.size)).shortest_edge
        == 7
    )
    with pytest.raises(AttributeError, match=r"a size has the attributes height, width, .*, not `depth`"):
        _ = options.sizes.depth
