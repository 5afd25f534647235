"""Patches hold the pixels they should, in the published order, and turn back into the picture."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from perceivers.errors import ShapeError
from perceivers.nn.patches import depth_to_space, same_padding, space_to_depth

counts = st.integers(1, 4)


def numbered(*shape):
    """Every entry its own number, so that none can be mistaken for another."""
    return torch.arange(math.prod(shape)).reshape(shape)


@given(batch=counts, channels=counts, rows=counts, columns=counts, size=counts)
def test_depth_to_space_undoes_space_to_depth_for_pictures(batch, channels, rows, columns, size):
    pictures = numbered(batch, channels, rows * size, columns * size)
    patches = space_to_depth(pictures, spatial_block_size=size)
    assert patches.shape == (batch, rows, columns, size * size * channels)
    assert torch.equal(depth_to_space(patches, spatial_block_size=size), pictures.movedim(1, -1))


@given(channels=counts, steps=counts, rows=counts, columns=counts, time=counts, size=counts)
def test_depth_to_space_undoes_space_to_depth_for_videos(channels, steps, rows, columns, time, size):
    videos = numbered(2, steps * time, channels, rows * size, columns * size)
    patches = space_to_depth(videos, time, size)
    assert patches.shape == (2, steps, rows, columns, time * size * size * channels)
    assert torch.equal(depth_to_space(patches, time, size), videos.movedim(2, -1))


def test_a_patch_lists_rows_then_columns_then_channels():
    picture = numbered(1, 3, 4, 6)
    patch = space_to_depth(picture, spatial_block_size=2)[0, 1, 2]
    pixels = [picture[0, :, row, column].tolist() for row in (2, 3) for column in (4, 5)]
    assert patch.tolist() == [value for pixel in pixels for value in pixel]


def test_a_video_patch_lists_frames_first():
    video = numbered(1, 4, 3, 2, 6)
    patch = space_to_depth(video, 2, 2)[0, 1, 0, 2]
    pixels = [
        video[0, frame, :, row, column].tolist() for frame in (2, 3) for row in (0, 1) for column in (4, 5)
    ]
    assert patch.tolist() == [value for pixel in pixels for value in pixel]


@pytest.mark.parametrize(("shape", "time", "size"), [((2, 3, 6, 10), 1, 2), ((2, 4, 3, 6, 9), 2, 3)])
def test_patches_are_those_of_transformers(shape, time, size):
    from transformers.models.perceiver import modeling_perceiver

    frames = torch.randn(shape)
    assert torch.equal(
        space_to_depth(frames, time, size), modeling_perceiver.space_to_depth(frames, time, size)
    )


@pytest.mark.parametrize("shape", [(3, 4, 4), (1, 1, 1, 3, 4, 4)])
def test_neither_pictures_nor_videos_are_an_error(shape):
    with pytest.raises(ShapeError, match=r"`inputs` must have shape \[batch, channels, height, width\] or"):
        space_to_depth(torch.zeros(shape))


def test_frames_of_pictures_are_an_error():
    with pytest.raises(ShapeError, match=r"`inputs` must be videos for patches of 2 frames, received \[2, 3"):
        space_to_depth(torch.zeros(2, 3, 4, 4), temporal_block_size=2)
    with pytest.raises(ShapeError, match=r"`inputs` must be videos for patches of 2 frames, received \[2, 3"):
        depth_to_space(torch.zeros(2, 3, 5, 8), temporal_block_size=2, spatial_block_size=2)


@pytest.mark.parametrize(
    ("shape", "time", "size"), [((1, 3, 5, 4), 1, 2), ((1, 3, 4, 5), 1, 2), ((1, 3, 3, 4, 4), 2, 2)]
)
def test_part_of_a_patch_is_an_error(shape, time, size):
    with pytest.raises(ShapeError, match=r"`inputs` must have sizes divisible by the patch sizes \[1, "):
        space_to_depth(torch.zeros(shape), time, size)


@pytest.mark.parametrize("shape", [(1, 2, 2, 7), (2, 2, 8), (1, 1, 1, 2, 2, 8)])
def test_channels_that_are_not_whole_patches_are_an_error(shape):
    with pytest.raises(ShapeError, match=r"`inputs` must be patches .* 1 \* 2 \* 2 \* channels"):
        depth_to_space(torch.zeros(shape), spatial_block_size=2)


def test_same_padding_of_the_released_stem():
    # ceil(224 / 2) = 112 windows reach over 111 * 2 + 7 = 229 pixels: 5 more than there are, 2 before and 3 after.
    assert same_padding(224, 7, 2) == (2, 3)
    # ceil(112 / 2) = 56 windows reach over 55 * 2 + 3 = 113.
    assert same_padding(112, 3, 2) == (0, 1)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [(7, 3, 1, (1, 1)), (7, 3, 2, (1, 1)), (8, 1, 2, (0, 0)), (5, 4, 1, (1, 2)), (1, 7, 2, (3, 3))],
)
def test_same_padding_of_small_axes(size, kernel, stride, padding):
    assert same_padding(size, kernel, stride) == padding


@given(size=st.integers(1, 300), kernel=st.integers(1, 9), stride=st.integers(1, 4))
def test_same_padding_makes_room_for_as_many_windows_as_strides_begin(size, kernel, stride):
    before, after = same_padding(size, kernel, stride)
    assert 0 <= before <= after <= before + 1
    padded = size + before + after
    assert (padded - kernel) // stride + 1 == math.ceil(size / stride)
    # No more than needed: with one pixel less, a window would be lost.
    assert before + after == 0 or (padded - 1 - kernel) // stride + 1 < math.ceil(size / stride)
