"""Tiles cover the frame, overlap enough, and blend back to what they were cut from."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.nn.tile_layout import tile_layout, tile_starts
from perceivers.nn.tiles import blend_tiles, tile_weights


@st.composite
def axes(draw):
    tile = draw(st.integers(1, 40))
    min_overlap = draw(st.integers(0, tile - 1))
    length = draw(st.integers(tile, 200))
    return length, tile, min_overlap


@settings(deadline=None)
@given(axes())
def test_tiles_cover_the_axis_with_the_overlap_asked_for(axis):
    length, tile, min_overlap = axis
    starts = tile_starts(length, tile, min_overlap)
    assert starts[0] == 0
    assert starts[-1] == length - tile
    for this, following in itertools.pairwise(starts):
        assert 0 < following - this <= tile - min_overlap


def test_a_sintel_frame_takes_two_by_three_tiles():
    layout = tile_layout(436, 1024, 368, 496)
    assert layout.boxes == ((0, 0), (0, 476), (0, 528), (68, 0), (68, 476), (68, 528))
    assert len(layout) == 6


def test_a_frame_of_the_tile_size_is_one_tile():
    assert tile_starts(368, 368, 20) == [0]
    assert tile_layout(5, 7, 5, 7).boxes == ((0, 0),)


def test_weights_are_the_distance_to_the_nearest_edge_plus_one():
    expected = [
        [1, 1, 1, 1, 1, 1],
        [1, 2, 2, 2, 2, 1],
        [1, 2, 3, 3, 2, 1],
        [1, 2, 2, 2, 2, 1],
        [1, 1, 1, 1, 1, 1],
    ]
    assert tile_weights(5, 6).tolist() == expected
    assert tile_weights(5, 6, dtype=torch.float64).dtype == torch.float64


@settings(deadline=None)
@given(st.integers(5, 23), st.integers(7, 29), st.integers(0, 4))
def test_tiles_cut_from_a_frame_blend_back_to_it(height, width, min_overlap):
    layout = tile_layout(height, width, 5, 7, min_overlap)
    frame = torch.arange(2 * height * width * 3, dtype=torch.float64).reshape(2, height, width, 3)
    tiles = [frame[:, top : top + 5, left : left + 7] for top, left in layout.boxes]
    torch.testing.assert_close(blend_tiles(tiles, layout), frame)


def test_overlapping_pixels_are_the_weighted_mean():
    layout = tile_layout(3, 4, 3, 3, min_overlap=2)  # tiles at columns 0 and 1; middle row weighs 1, 2, 1
    tiles = torch.stack([torch.full((1, 3, 3, 1), 10.0), torch.full((1, 3, 3, 1), 40.0)])
    blended = blend_tiles(tiles, layout)[0, :, :, 0]
    # Middle row: column 1 is 2 parts of 10 and 1 part of 40, column 2 the reverse.
    expected = torch.tensor([[10, 25, 25, 40], [10, 20, 30, 40], [10, 25, 25, 40]], dtype=torch.float32)
    torch.testing.assert_close(blended, expected)


def test_a_pixel_of_one_tile_is_kept_to_the_last_bit():
    layout = tile_layout(7, 19, 7, 11, min_overlap=3)
    tiles = [torch.randn(2, 7, 11, 2, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)]
    blended = blend_tiles(tiles, layout)
    assert torch.equal(blended[:, :, :8], tiles[0][:, :, :8])
    assert torch.equal(blended[:, :, 11:], tiles[1][:, :, 3:])


def test_gradients_reach_every_tile():
    layout = tile_layout(3, 5, 3, 4, min_overlap=1)
    tiles = torch.randn(2, 1, 3, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda values: blend_tiles(values, layout), (tiles,))


def test_half_precision_is_summed_in_single_precision():
    layout = tile_layout(3, 4, 3, 3, min_overlap=2)
    tiles = torch.randn(2, 1, 3, 3, 2).to(torch.bfloat16)
    blended = blend_tiles(tiles, layout)
    assert blended.dtype == torch.bfloat16
    assert torch.equal(blended, blend_tiles(tiles.float(), layout).to(torch.bfloat16))


def test_a_generator_of_tiles_is_enough():
    layout = tile_layout(3, 5, 3, 4, min_overlap=1)
    tiles = torch.randn(2, 1, 3, 4, 2)
    assert torch.equal(blend_tiles((tile for tile in tiles), layout), blend_tiles(tiles, layout))


def test_mistakes_are_named():
    with pytest.raises(ShapeError, match=r"`length` must be at least one tile \(368 pixels\), received 367"):
        tile_starts(367, 368, 20)
    with pytest.raises(ConfigurationError, match=r"`min_overlap` must lie in \[0, 7\).*received 7"):
        tile_starts(11, 7, 7)
    with pytest.raises(ConfigurationError, match=r"`tile` must be at least 1 pixel, received 0"):
        tile_starts(11, 0, 0)
    layout = tile_layout(3, 5, 3, 4, min_overlap=1)
    with pytest.raises(ShapeError, match=r"`tiles` must hold 2 tiles.*received 1"):
        blend_tiles(torch.zeros(1, 1, 3, 4, 2), layout)
    with pytest.raises(ShapeError, match=r"`tiles` must hold 2 tiles.*received more"):
        blend_tiles(torch.zeros(3, 1, 3, 4, 2), layout)
    with pytest.raises(ShapeError, match=r"\[batch, 3, 4, channels\], received \[1, 3, 5, 2\] as tile 0"):
        blend_tiles(torch.zeros(2, 1, 3, 5, 2), layout)
