"""Numbers of a table: each column by its own weights, gaps by their own vectors."""

from __future__ import annotations

import math

import pytest
import torch

import perceivers
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.number import PerceiverNumberPreprocessor

EDGES = [[0.0, 1.0, 3.0], [-2.0, 2.0], [1.0, 2.0, 3.0, 5.0]]
SETTINGS = {
    "piecewise": {"encoding": "piecewise", "bin_edges": EDGES},
    "periodic": {"encoding": "periodic", "num_frequencies": 4, "sigma": 0.3},
}


@pytest.fixture
def config():
    return perceivers.PerceiverConfig(d_model=14)


@pytest.fixture(params=list(SETTINGS))
def numbers(request, config):
    return PerceiverNumberPreprocessor(config, 3, 5, **SETTINGS[request.param])


def test_there_is_a_token_a_column(numbers):
    values = torch.randn(2, 3)
    tokens, sizes, features = numbers(values)
    assert tokens.shape == features.shape == (2, 3, 5)
    assert sizes is None
    assert numbers.num_channels == 5
    assert numbers.index_dims(values) == numbers.output_dims(values) == (3,)
    torch.testing.assert_close(tokens - features, numbers.columns.expand(2, -1, -1))


def test_a_column_knows_its_own_number_alone(numbers):
    values = torch.tensor([[0.5, 0.3, 1.5]])
    tokens, _, _ = numbers(values)
    changed, _, _ = numbers(values + torch.tensor([[0.0, 0.4, 0.0]]))
    assert torch.equal(changed[:, [0, 2]], tokens[:, [0, 2]])
    assert (changed - tokens)[:, 1].abs().max() > 1e-3


def test_a_missing_number_has_a_vector_of_its_column_and_no_value(numbers):
    values = torch.tensor([[0.5, math.nan, 1.5], [math.nan, 0.3, math.nan]])
    tokens, _, _ = numbers(values)
    known, _, _ = numbers(torch.nan_to_num(values, 7.0))
    gaps = torch.isnan(values)
    torch.testing.assert_close(tokens[gaps], (numbers.missing + numbers.columns)[[1, 0, 2]])
    assert torch.equal(tokens[~gaps], known[~gaps])
    tokens.sum().backward()
    assert all(torch.isfinite(parameter.grad).all() for parameter in numbers.parameters())
    assert numbers.missing.grad.tolist() == [[1.0] * 5] * 3


def test_bins_go_through_a_linear_map_and_waves_through_a_rectified_one(config):
    values = torch.tensor([[0.5, 0.3, 1.5]])
    bins = PerceiverNumberPreprocessor(config, 3, 5, **SETTINGS["piecewise"])
    _, _, features = bins(values)
    torch.testing.assert_close(features, bins.projection(bins.encoding(values)))
    assert (features < 0).any()
    waves = PerceiverNumberPreprocessor(config, 3, 5, **SETTINGS["periodic"])
    _, _, features = waves(values)
    torch.testing.assert_close(features, waves.projection(waves.encoding(values)).relu())
    for name, relu in (("piecewise", True), ("periodic", False)):
        other = PerceiverNumberPreprocessor(config, 3, 5, **SETTINGS[name], relu=relu)
        assert bool((other(values)[2] < 0).any()) != relu


def test_settings_have_defaults(config):
    numbers = PerceiverNumberPreprocessor(config, 3)
    assert numbers.num_channels == 14
    assert numbers.encoding.frequencies.shape == (3, 32)
    # 96 draws of standard deviation 0.1.
    assert 0.07 < numbers.encoding.frequencies.std() < 0.13


def test_the_structure_is_the_tokens_themselves(numbers):
    values = torch.randn(2, 3)
    (structure,) = numbers.structure().parts(values, False).values()
    assert numbers.structure().whole_because == "every column has a linear map of its own"
    assert torch.equal(structure.features, numbers(values)[0])
    assert (structure.num_tokens, structure.num_channels) == (3, 5)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (torch.zeros(2, 4), r"`inputs` must be floating-point numbers \[batch, 3\], received \[2, 4\]"),
        (torch.zeros(2, 3, 1), r"received \[2, 3, 1\]"),
        (torch.zeros(2, 3, dtype=torch.int64), "of torch.int64"),
        (torch.zeros(0, 3), "`inputs` must not be empty"),
        (torch.full((2, 3), math.inf), "`inputs` must hold finite numbers"),
        ([[0.0, 1.0, 2.0]], "`inputs` must be a torch.Tensor, received list"),
    ],
)
def test_other_inputs_are_refused(inputs, message, numbers):
    with pytest.raises(ShapeError, match=message):
        numbers(inputs)


def test_positions_are_refused(numbers):
    with pytest.raises(ShapeError, match="`pos` must be None for columns"):
        numbers(torch.zeros(2, 3), pos=torch.zeros(2, 3, 1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_columns": 0}, "`num_columns` must be a whole number of at least 1, received 0"),
        ({"out_channels": 0}, "`out_channels` must be a whole number of at least 1, received 0"),
        (
            {"encoding": "soft"},
            r"`encoding` must be one of \['combined', 'periodic', 'piecewise'\], received 'soft'",
        ),
        ({"encoding": "piecewise"}, "`bin_edges` must give the edges of 3 columns .*received None"),
        ({"encoding": "piecewise", "bin_edges": EDGES[:2]}, "of 3 columns .*received those of 2"),
        (
            {"encoding": "piecewise", "bin_edges": EDGES, "sigma": 0.1},
            "`sigma` has no effect where `encoding` is 'piecewise'",
        ),
        ({"bin_edges": EDGES}, "`bin_edges` has no effect where `encoding` is 'periodic'"),
        ({"num_frequencies": 0}, "`num_frequencies` must be a whole number of at least 1, received 0"),
        ({"sigma": 0.0}, "`sigma` must be a finite number above 0, received 0.0"),
        ({"sigma": math.inf}, "`sigma` must be a finite number above 0, received inf"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message, config):
    with pytest.raises(ConfigurationError, match=message):
        PerceiverNumberPreprocessor(config, **{"num_columns": 3, **settings})
