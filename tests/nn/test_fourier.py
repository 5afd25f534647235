"""Fourier features equal their formula, one number after the other, and the arrays of the JAX original."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.nn.fourier import (
    axis_coordinates,
    fourier_features,
    fourier_size,
    grid_coordinates,
    grid_fourier_features,
    indices_along_axes,
    point_coordinates,
)

grids = st.lists(st.integers(1, 6), min_size=1, max_size=3)


def features_slowly(point, num_bands, max_resolution, concat_pos, sine_only):
    """Positions, then the sines of every axis, then the cosines of every axis, of one point."""
    phases = []
    for coordinate, resolution in zip(point, max_resolution, strict=True):
        for band in range(num_bands):
            step = (resolution / 2 - 1) / (num_bands - 1) if num_bands > 1 else 0.0
            phases.append(math.pi * coordinate * (1 + band * step))
    values = list(point) if concat_pos else []
    values += [math.sin(phase) for phase in phases]
    return values if sine_only else values + [math.cos(phase) for phase in phases]


@given(
    num_bands=st.integers(1, 7),
    resolutions=st.lists(st.integers(2, 40), min_size=1, max_size=3),
    concat_pos=st.booleans(),
    sine_only=st.booleans(),
    data=st.data(),
)
def test_features_equal_the_formula(num_bands, resolutions, concat_pos, sine_only, data):
    coordinate = st.floats(-1, 1, width=32)
    points = data.draw(
        st.lists(st.tuples(*(coordinate for _ in resolutions)), min_size=1, max_size=3), label="points"
    )
    received = fourier_features(torch.tensor(points), num_bands, resolutions, concat_pos, sine_only)
    expected = [features_slowly(point, num_bands, resolutions, concat_pos, sine_only) for point in points]
    torch.testing.assert_close(received, torch.tensor(expected), atol=1e-4, rtol=0)
    assert received.shape[-1] == fourier_size(len(resolutions), num_bands, concat_pos, sine_only)


def test_features_equal_the_jax_original():
    expected = torch.from_numpy(np.load(Path(__file__).parent / "data" / "jax_fourier_features.npy"))
    assert expected.shape == (12, 22)
    received = fourier_features(grid_coordinates((3, 4)), num_bands=5, max_resolution=(8, 12))
    torch.testing.assert_close(received, expected, atol=3e-6, rtol=0)


@pytest.mark.parametrize(
    ("num_axes", "num_bands", "max_resolution", "channels"),
    [(2, 64, (224, 224), 258), (1, 192, (30720,), 385), (3, 32, (16, 56, 56), 195)],
)
def test_released_models_have_their_published_numbers_of_channels(
    num_axes, num_bands, max_resolution, channels
):
    assert fourier_size(num_axes, num_bands) == channels
    assert fourier_features(torch.zeros(1, num_axes), num_bands, max_resolution).shape == (1, channels)


@pytest.mark.parametrize(("concat_pos", "sine_only", "channels"), [(False, False, 20), (False, True, 10)])
def test_leaving_positions_or_cosines_out_leaves_their_channels_out(concat_pos, sine_only, channels):
    points = torch.linspace(-1, 1, 14).reshape(7, 2)
    part = fourier_features(points, 5, (8, 12), concat_pos, sine_only)
    assert torch.equal(part, fourier_features(points, 5, (8, 12))[:, 2 : 2 + channels])


def test_features_are_float32_whatever_the_dtype_of_positions():
    positions = torch.tensor([[0.5], [-0.25]])
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        assert torch.equal(
            fourier_features(positions.to(dtype), 3, (30720,)), fourier_features(positions, 3, (30720,))
        )


def test_a_coordinate_too_few_is_an_error():
    with pytest.raises(ShapeError, match=r"`pos` must have 3 coordinates a point .* received \[5, 2\]"):
        fourier_features(torch.zeros(5, 2), 3, (8, 8, 8))


def test_the_grid_rule_includes_both_ends_and_the_subsampled_rule_the_first_alone():
    assert axis_coordinates(5).tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert axis_coordinates(4, "subsampled").tolist() == [-1.0, -0.5, 0.0, 0.5]
    assert axis_coordinates(1).tolist() == axis_coordinates(1, "subsampled").tolist() == [-1.0]


@given(size=st.integers(1, 500))
def test_subsampled_coordinates_never_reach_plus_one(size):
    received = axis_coordinates(size, "subsampled")
    assert received.dtype == torch.float32
    torch.testing.assert_close(received, torch.tensor([-1 + 2 * i / size for i in range(size)]))
    assert received.max() < 1


@given(size=st.integers(2, 500))
def test_grid_coordinates_of_an_axis_are_evenly_spaced(size):
    torch.testing.assert_close(
        axis_coordinates(size, "grid"), torch.tensor([-1 + 2 * i / (size - 1) for i in range(size)])
    )


def test_an_unknown_rule_is_an_error():
    with pytest.raises(ConfigurationError, match=r"`rule` must be one of .*'subsampled'.* received 'half'"):
        axis_coordinates(3, "half")


@given(index_dims=grids, rule=st.sampled_from(["grid", "subsampled"]))
def test_the_last_axis_of_a_grid_runs_fastest(index_dims, rule):
    axes = [axis_coordinates(size, rule).tolist() for size in index_dims]
    assert grid_coordinates(index_dims, rule).tolist() == [list(point) for point in itertools.product(*axes)]


@given(index_dims=grids, rule=st.sampled_from(["grid", "subsampled"]))
def test_points_of_a_grid_have_the_coordinates_that_the_whole_grid_gives_them(index_dims, rule):
    indices = torch.randperm(math.prod(index_dims))
    expected = grid_coordinates(index_dims, rule)
    assert torch.equal(point_coordinates(indices, index_dims, rule), expected[indices])
    assert torch.equal(
        point_coordinates(indices[None, None], index_dims, rule), expected[indices][None, None]
    )


@given(
    grid=grids,
    num_bands=st.integers(1, 7),
    concat_pos=st.booleans(),
    sine_only=st.booleans(),
    rule=st.sampled_from(["grid", "subsampled"]),
    data=st.data(),
)
def test_features_of_a_grid_are_those_of_its_points_to_the_last_bit(
    grid, num_bands, concat_pos, sine_only, rule, data
):
    resolutions = data.draw(st.tuples(*(st.integers(2, 40) for _ in grid)), label="resolutions")
    expected = fourier_features(grid_coordinates(grid, rule), num_bands, resolutions, concat_pos, sine_only)

    received = grid_fourier_features(grid, num_bands, resolutions, concat_pos, sine_only, rule)

    assert torch.equal(received, expected)


def test_a_grid_has_an_axis_for_each_resolution():
    with pytest.raises(ShapeError, match=r"`index_dims` must have 2 sizes .* received \[3, 5, 7\]"):
        grid_fourier_features((3, 5, 7), 2, (4, 4))


# What torch says of its own code.
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_program_has_the_coordinates_and_frequencies_to_the_last_bit() -> None:
    class Features(torch.nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values + grid_fourier_features([1601], 5, [1601])

    values = torch.zeros(1601, 11)
    program = torch.export.export(Features(), (values,)).run_decompositions()
    assert torch.equal(program.module()(values), grid_fourier_features([1601], 5, [1601]))


def test_places_in_a_flattened_grid_are_an_index_along_each_axis():
    # 2 planes of 3 rows of 5: the last point, the first of the second plane, and the third of the second row.
    slow, middle, fast = indices_along_axes(torch.tensor([29, 15, 7]), (2, 3, 5))
    assert (slow.tolist(), middle.tolist(), fast.tolist()) == ([1, 1, 0], [2, 0, 1], [4, 0, 2])


class Coordinates(torch.nn.Module):
    """Of as many points as `inputs` has."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return axis_coordinates(inputs.shape[0])


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 48, 997])
def test_a_program_for_any_size_has_the_coordinates_of_each_to_the_last_bit(size: int) -> None:
    program = torch.export.export(
        Coordinates(), (torch.zeros(11),), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},), strict=False
    )
    assert torch.equal(program.module()(torch.zeros(size)), axis_coordinates(size))
