"""Choices of optical flow are checked, and become the model's configuration."""

import pytest

from perceivers.errors import ConfigurationError
from perceivers.tasks.optical_flow.options import OpticalFlowArguments


def test_sizes_become_keys_of_the_configuration():
    chosen = OpticalFlowArguments(
        size="usual",
        train_height=17, train_width=23, patch_size=5, patch_channels=29, num_fourier_bands=3,
        target_scale=7.0, output_scale=2.0, tile_overlap=6, num_latents=11,
    )  # fmt: skip
    values = chosen.config_values()
    assert values["num_latents"] == 11
    assert values["train_size"] == (17, 23)
    assert values["flow_patch_size"] == 5
    assert values["flow_projection_channels"] == 29
    assert values["fourier_num_bands"] == 3
    assert values["flow_target_scale"] == 7.0
    assert values["flow_rescale_factor"] == 2.0
    assert values["flow_tile_overlap"] == 6


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("train_height", 0, "at least 1"),
        ("pairs_per_epoch", 0, "at least 1"),
        ("pyramid_levels", 0, "at least 1"),
        ("max_objects", -1, "at least 0"),
        ("noise", -0.1, "at least 0"),
        ("target_scale", 0.0, "above 0"),
        ("max_motion", -1.0, "above 0"),
        ("first_motion", 0.0, r"in \(0, 1\]"),
        ("resize", 1.5, r"in \(0, 1\]"),
        ("deformation", 1.5, r"in \[0, 1\]"),
        ("flip", -0.5, r"in \[0, 1\]"),
        ("contrast", 1.0, "below 1"),
        ("growing_share", 1.0, r"in \[0, 1\)"),
        ("plain_share", -0.1, r"in \[0, 1\)"),
        ("contrast_window", 4, "0, or odd and 3 or more"),
        ("contrast_window", 1, "0, or odd and 3 or more"),
    ],
)
def test_values_out_of_range_are_named(name, value, expected):
    with pytest.raises(ConfigurationError, match=f"`{name}` must be {expected}, received {value}"):
        OpticalFlowArguments(**{name: value})


def test_tiles_must_be_larger_than_their_overlap():
    with pytest.raises(ConfigurationError, match=r"`tile_overlap` must be below .* \(8 and 24\), received 8"):
        OpticalFlowArguments(train_height=8, train_width=24, tile_overlap=8)
