"""Learned tables and Fourier features give one vector a point, of any grid, for whole grids and single points."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.nn.fourier import fourier_features, grid_coordinates
from perceivers.nn.position_encoding import (
    PerceiverFourierPositionEncoding,
    PerceiverTrainablePositionEncoding,
    build_position_encoding,
    resize_table,
)


def linear_weights(old, new):
    """[new, old]: each new place between its two neighbours (half-pixel centres, borders repeated)."""
    weights = torch.zeros(new, old, dtype=torch.float64)
    for place in range(new):
        at = max((place + 0.5) * old / new - 0.5, 0.0)
        low = min(math.floor(at), old - 1)
        share = at - low
        weights[place, low] += 1 - share
        weights[place, min(low + 1, old - 1)] += share
    return weights


def cubic_weights(old, new, a=-0.75):
    """[new, old]: Keys' cubic convolution over four neighbours (half-pixel centres, borders repeated)."""

    def kernel(distance):
        x = abs(distance)
        if x <= 1:
            return (a + 2) * x**3 - (a + 3) * x**2 + 1
        return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0

    weights = torch.zeros(new, old, dtype=torch.float64)
    for place in range(new):
        at = (place + 0.5) * old / new - 0.5
        for neighbour in range(math.floor(at) - 1, math.floor(at) + 3):
            weights[place, min(max(neighbour, 0), old - 1)] += kernel(at - neighbour)
    return weights


@settings(max_examples=40)
@given(old=st.integers(1, 12), new=st.integers(1, 12))
def test_a_sequence_is_interpolated_linearly(old, new):
    table = torch.randn(old, 3, dtype=torch.float64)
    torch.testing.assert_close(resize_table(table, (old,), (new,)), linear_weights(old, new) @ table)


@settings(max_examples=40)
@given(*(st.integers(1, 8) for _ in range(4)))
def test_a_picture_is_interpolated_bicubically_whatever_its_sides(old_rows, old_columns, rows, columns):
    table = torch.randn(old_rows * old_columns, 2, dtype=torch.float64)
    expected = torch.einsum(
        "Yy,Xx,yxc->YXc",
        cubic_weights(old_rows, rows),
        cubic_weights(old_columns, columns),
        table.reshape(old_rows, old_columns, 2),
    ).reshape(-1, 2)
    received = resize_table(table, (old_rows, old_columns), (rows, columns))
    torch.testing.assert_close(received, expected)


def test_a_table_of_the_right_size_is_the_table_itself():
    table = torch.randn(6, 2)
    assert resize_table(table, (2, 3), [2, 3]) is table
    assert resize_table(table, (1, 2, 3), (1, 2, 3)) is table


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_tables_keep_their_dtype(dtype):
    table = torch.randn(6, 2).to(dtype)
    resized = resize_table(table, (2, 3), (5, 7))
    assert resized.dtype == dtype
    torch.testing.assert_close(resized, resize_table(table.float(), (2, 3), (5, 7)).to(dtype))


@pytest.mark.parametrize(("old", "new"), [((6,), (2, 3)), ((2, 3), (5,)), ((1, 2, 3), (3, 2, 1))])
def test_grids_that_cannot_be_fitted_are_an_error(old, new):
    with pytest.raises(ShapeError, match=r"learned positions exist for a grid of \[.*\], received one of \["):
        resize_table(torch.zeros(6, 2), old, new)


class TestLearned:
    def test_the_table_has_a_row_for_every_point_of_the_grid(self):
        encoding = PerceiverTrainablePositionEncoding((3, 5), num_channels=7)
        assert encoding.position_embeddings.shape == (15, 7)
        assert encoding.output_size() == encoding.output_size("anything") == 7
        assert encoding.num_dimensions == 2
        assert PerceiverTrainablePositionEncoding(15).num_dimensions == 1
        assert PerceiverTrainablePositionEncoding(15).output_size() == 128

    def test_it_starts_within_two_standard_deviations(self):
        values = PerceiverTrainablePositionEncoding(1009, 11).position_embeddings
        assert 0 < values.abs().max() <= 0.04
        assert abs(values.std().item() - 0.0176) < 5e-4  # 0.88 * 0.02: a normal cut at two deviations

    def test_every_sample_gets_the_same_table(self):
        encoding = PerceiverTrainablePositionEncoding(5, 3)
        assert torch.equal(encoding(2), encoding.position_embeddings.expand(2, 5, 3))
        assert encoding(None) is encoding.position_embeddings

    def test_it_is_resized_when_asked_for(self):
        encoding = PerceiverTrainablePositionEncoding((3, 5), 2).double()
        expected = resize_table(encoding.position_embeddings, (3, 5), (4, 7))
        assert torch.equal(encoding(2, interpolate_pos_encoding=True, input_size=(4, 7))[1], expected)
        assert torch.equal(encoding(None, True, (4, 7)), expected)

    def test_a_number_of_positions_is_taken_for_a_square(self):
        encoding = PerceiverTrainablePositionEncoding(9, 2)
        assert torch.equal(
            encoding.interpolate_pos_encoding(encoding.position_embeddings, 4, 7),
            resize_table(encoding.position_embeddings, (3, 3), (4, 7)),
        )

    @pytest.mark.parametrize("index_dims", [11, (1, 3, 3)])
    def test_positions_that_are_no_picture_cannot_be_resized_to_one(self, index_dims):
        encoding = PerceiverTrainablePositionEncoding(index_dims, 2)
        with pytest.raises(
            ShapeError, match=r"`interpolate_pos_encoding` needs positions on a \(height, width\)"
        ):
            encoding(1, interpolate_pos_encoding=True, input_size=(4, 7))

    def test_resizing_without_a_size_is_an_error(self):
        with pytest.raises(ShapeError, match=r"`input_size` must be \(height, width\) .* received None"):
            PerceiverTrainablePositionEncoding(9)(1, interpolate_pos_encoding=True)

    @pytest.mark.parametrize(
        ("learned_for", "asked"), [((3, 5), (3, 5)), ((3, 5), (15,)), (15, (3, 5)), (15, (15,))]
    )
    def test_a_grid_of_the_learned_size_is_the_table(self, learned_for, asked):
        encoding = PerceiverTrainablePositionEncoding(learned_for, 2)
        assert encoding.grid(asked) is encoding.position_embeddings

    @pytest.mark.parametrize("asked", [(4, 7), (5, 3), (15, 1)])
    def test_a_grid_of_another_layout_is_interpolated_even_with_as_many_points(self, asked):
        encoding = PerceiverTrainablePositionEncoding((3, 5), 2)
        expected = resize_table(encoding.position_embeddings, (3, 5), asked)
        assert torch.equal(encoding.grid(asked), expected)

    def test_a_longer_sequence_is_interpolated_linearly(self):
        encoding = PerceiverTrainablePositionEncoding(5, 2)
        expected = resize_table(encoding.position_embeddings, (5,), (7,))
        assert torch.equal(encoding.grid((7,)), expected)

    @pytest.mark.parametrize("rule", ["grid", "subsampled"])
    def test_points_have_the_vectors_that_the_grid_gives_them(self, rule):
        encoding = PerceiverTrainablePositionEncoding((3, 5), 2)
        indices = torch.tensor([[14, 0], [7, 7]])
        assert torch.equal(encoding.at(indices, (3, 5), rule), encoding.position_embeddings[indices])
        resized = resize_table(encoding.position_embeddings, (3, 5), (4, 7))
        assert torch.equal(encoding.at(indices, (4, 7), rule), resized[indices])

    def test_the_gradient_reaches_the_table_through_interpolation(self):
        encoding = PerceiverTrainablePositionEncoding((3, 5), 2)
        encoding(2, True, (4, 7)).square().sum().backward()
        assert (encoding.position_embeddings.grad != 0).all()


class TestFourier:
    encoding = PerceiverFourierPositionEncoding(num_bands=3, max_resolution=(4, 8))

    def test_it_has_no_weights(self):
        assert not list(self.encoding.parameters())
        assert not self.encoding.state_dict()

    @pytest.mark.parametrize(
        ("concat_pos", "sine_only", "channels"),
        [(True, False, 14), (False, False, 12), (True, True, 8), (False, True, 6)],
    )
    def test_its_size_is_announced(self, concat_pos, sine_only, channels):
        encoding = PerceiverFourierPositionEncoding(3, (4, 8), concat_pos, sine_only)
        assert encoding.num_dimensions == 2
        assert encoding.output_size() == channels
        assert encoding((5, 7), batch_size=2).shape == (2, 35, channels)

    def test_a_grid_has_the_features_of_its_coordinates(self):
        expected = fourier_features(grid_coordinates((5, 7)), 3, (4, 8))
        assert torch.equal(self.encoding((5, 7), batch_size=2), expected.expand(2, -1, -1))
        assert torch.equal(self.encoding.grid((5, 7)), expected)
        subsampled = fourier_features(grid_coordinates((5, 7), "subsampled"), 3, (4, 8))
        assert torch.equal(self.encoding.grid((5, 7), "subsampled"), subsampled)
        assert not torch.equal(subsampled, expected)

    @pytest.mark.parametrize("rule", ["grid", "subsampled"])
    def test_points_have_the_features_that_the_grid_gives_them(self, rule):
        indices = torch.tensor([[34, 0], [7, 7]])
        expected = self.encoding.grid((5, 7), rule)[indices]
        assert torch.equal(self.encoding.at(indices, (5, 7), rule), expected)

    def test_each_sample_has_its_own_positions(self):
        positions = torch.rand(2, 35, 2) * 2 - 1
        expected = fourier_features(positions, 3, (4, 8))
        assert torch.equal(self.encoding((5, 7), 2, pos=positions), expected)
        assert torch.equal(self.encoding((5, 7), 2, pos=positions.reshape(2, 5, 7, 2)), expected)

    def test_positions_without_a_batch_serve_every_sample(self):
        positions = torch.rand(35, 2) * 2 - 1
        expected = fourier_features(positions, 3, (4, 8)).expand(3, -1, -1)
        assert torch.equal(self.encoding((5, 7), 3, pos=positions), expected)
        assert torch.equal(self.encoding((5, 7), 3, pos=positions.reshape(5, 7, 2)), expected)

    @pytest.mark.parametrize("shape", [(3, 35, 2), (2, 34, 2), (2, 35, 3), (35,), (2, 7, 5, 2)])
    def test_positions_of_another_shape_are_an_error(self, shape):
        with pytest.raises(ShapeError, match=r"`pos` must have shape \[2, 35, 2\], received \["):
            self.encoding((5, 7), 2, pos=torch.zeros(shape))

    def test_half_precision_is_rounded_once_at_the_end(self):
        encoding = PerceiverFourierPositionEncoding(64, (30720,))
        received = encoding((1009,), 1, dtype=torch.bfloat16)
        assert torch.equal(received, encoding((1009,), 1).to(torch.bfloat16))

    def test_it_runs_on_the_device_asked_for(self):
        assert self.encoding((5, 7), 2, device=torch.device("meta")).device.type == "meta"


class TestBuilding:
    def test_learned_positions(self):
        encoding, projection = build_position_encoding(
            "trainable", trainable_position_encoding_kwargs={"index_dims": (3, 5), "num_channels": 7}
        )
        assert isinstance(encoding, PerceiverTrainablePositionEncoding)
        assert encoding.index_dims == (3, 5)
        assert isinstance(projection, nn.Identity)

    def test_fourier_positions(self):
        encoding, projection = build_position_encoding(
            "fourier", fourier_position_encoding_kwargs={"num_bands": 3, "max_resolution": (4, 8)}
        )
        assert isinstance(encoding, PerceiverFourierPositionEncoding)
        assert encoding.max_resolution == (4, 8)
        assert isinstance(projection, nn.Identity)

    @pytest.mark.parametrize("out_channels", [None, 14])
    def test_projected_positions(self, out_channels):
        _, projection = build_position_encoding(
            "fourier",
            out_channels=out_channels,
            project_pos_dim=5,
            fourier_position_encoding_kwargs={"num_bands": 3, "max_resolution": (4, 8)},
        )
        assert isinstance(projection, nn.Linear)
        assert (projection.in_features, projection.out_features) == (14, 5)

    def test_a_projection_of_other_channels_is_an_error(self):
        with pytest.raises(
            ConfigurationError, match=r"`out_channels` must be the 14 channels .* received 13"
        ):
            build_position_encoding(
                "fourier",
                out_channels=13,
                project_pos_dim=5,
                fourier_position_encoding_kwargs={"num_bands": 3, "max_resolution": (4, 8)},
            )

    def test_missing_arguments_are_an_error(self):
        with pytest.raises(ConfigurationError, match="`trainable_position_encoding_kwargs` must be given"):
            build_position_encoding("trainable")
        with pytest.raises(ConfigurationError, match="`fourier_position_encoding_kwargs` must be given"):
            build_position_encoding("fourier")

    def test_an_unknown_type_is_an_error(self):
        with pytest.raises(
            ConfigurationError,
            match="`position_encoding_type` must be 'trainable' or 'fourier', received 'rotary'",
        ):
            build_position_encoding("rotary")
