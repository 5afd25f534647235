"""Point sets: coordinates of each sample's own, features, range."""

from __future__ import annotations

import math

import pytest
import torch

import perceivers
from perceivers.errors import ConfigurationError, ShapeError


@pytest.fixture
def config():
    return perceivers.PerceiverConfig()


def preprocessor(config, **options):
    torch.manual_seed(0)
    options = {"num_coordinates": 2, "num_features": 1, "num_bands": 2, "max_resolution": (6, 10), **options}
    return perceivers.PerceiverPointsPreprocessor(config, **options).eval()


def points(*shape):
    return torch.rand(*shape) * 2 - 1


def test_a_token_is_a_points_features_and_its_own_coordinates(config):
    model, some = preprocessor(config), points(3, 5, 3)
    tokens, sizes, features = model(some)
    assert sizes is None
    assert (model.num_channels, model.index_dims(some)) == (1 + 2 + 8, (5,))
    assert torch.equal(features, some[..., 2:])
    assert torch.equal(tokens[..., 0], some[..., 2])
    assert torch.equal(tokens[..., 1:3], some[..., :2])
    x, y = some[2, 4, :2].tolist()
    # Bands 1 and 3 of the first coordinate, 1 and 5 of the second; sines, then cosines.
    phases = [math.pi * value for value in (x, 3 * x, y, 5 * y)]
    expected = [*map(math.sin, phases), *map(math.cos, phases)]
    assert tokens[2, 4, 3:].tolist() == pytest.approx(expected, abs=1e-5)


def test_tokens_follow_their_points_whatever_the_order(config):
    model, some = preprocessor(config), points(2, 7, 3)
    order = torch.tensor([3, 0, 6, 2, 5, 1, 4])
    assert torch.equal(model(some[:, order])[0], model(some)[0][:, order])


def test_points_without_features_are_their_coordinates_alone(config):
    model = preprocessor(config, num_coordinates=3, num_features=0, max_resolution=8)
    tokens, _, features = model(points(2, 5, 3))
    assert tokens.shape == (2, 5, 3 + 3 * 2 * 2)
    assert features.shape == (2, 5, 0)


def test_the_first_perceivers_settings_are_the_defaults(config):
    model = perceivers.PerceiverPointsPreprocessor(config)
    assert model.position_embeddings.num_bands == 64
    assert model.position_embeddings.max_resolution == (2240, 2240, 2240)
    assert model.num_channels == 3 + 3 * 64 * 2


def test_features_are_mapped(config):
    model, some = preprocessor(config, num_features=3, out_channels=4), points(2, 5, 5)
    tokens, _, features = model(some)
    assert model.num_channels == tokens.shape[2] == 4 + 10
    torch.testing.assert_close(features, model.projection(some[..., 2:]))


def test_coordinates_are_divided_by_their_range(config):
    some = points(2, 5, 3)
    scaled = torch.cat([some[..., :2] * 28, some[..., 2:]], dim=2)
    received, _, _ = preprocessor(config, coordinate_range=28)(scaled)
    torch.testing.assert_close(received, preprocessor(config)(some)[0], atol=1e-5, rtol=0)


def test_coordinates_may_be_given_apart(config):
    model, some, others = preprocessor(config), points(2, 5, 3), points(2, 5, 2)
    received, _, _ = model(some, pos=others)
    assert torch.equal(received, model(torch.cat([others, some[..., 2:]], dim=2))[0])
    with pytest.raises(ShapeError, match=r"`pos` must have shape \[2, 5, 2\], received \[2, 4, 2\]"):
        model(some, pos=others[:, :4])


def test_coordinates_out_of_range_are_refused(config):
    some = points(2, 5, 3)
    some[1, 3, 1] = -1.5
    message = r"`inputs` must have coordinates in \[-1, 1\].*received coordinates up to 1.5: centre and scale"
    with pytest.raises(ShapeError, match=message):
        preprocessor(config)(some)
    message = r"`pos` must have coordinates in \[-1, 1\].*received coordinates up to 1.5"
    with pytest.raises(ShapeError, match=message):
        preprocessor(config)(points(2, 5, 3), pos=some[..., :2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_coordinates": 0}, "`num_coordinates` must be a whole number of at least 1, received 0"),
        ({"num_features": -1}, "`num_features` must be a whole number of at least 0, received -1"),
        ({"num_bands": 0}, "`num_bands` must be a whole number of at least 1, received 0"),
        ({"coordinate_range": 0}, "`coordinate_range` must be a finite number above 0, received 0"),
        ({"max_resolution": (5,)}, r"`max_resolution` must be a number, or 2 numbers .*received \(5,\)"),
        ({"out_channels": 0}, "`out_channels` must be a whole number of at least 1, received 0"),
        ({"num_features": 0, "out_channels": 4}, "`out_channels` needs features to map.*received 4"),
    ],
)
def test_settings_out_of_range_are_refused(options, message, config):
    with pytest.raises(ConfigurationError, match=message):
        preprocessor(config, **options)


def around(config, **options):
    given = {"neighbourhood_widths": (5, 7), "neighbourhood_centres": (11, 3), "num_neighbours": 4, **options}
    return preprocessor(config, **given)


def test_tokens_of_neighbourhoods_are_spread_out_points_with_what_lies_around_them(config):
    model, some = around(config), points(2, 13, 3)
    tokens, _, features = model(some)
    assert (model.num_channels, model.index_dims(some)) == (7 + 2 + 8, (3,))
    assert (tokens.shape, features.shape) == ((2, 3, 17), (2, 3, 7))
    # Behind the features stand the coordinates of points of the set itself.
    assert (torch.cdist(tokens[..., 7:9], some[..., :2]).amin(dim=2) < 1e-6).all()
    # Small sets stay whole.
    assert model.index_dims(some[:, :2]) == (2,)
    assert torch.equal(model(some[:, :2])[0][..., 7:9], some[:, :2, :2])


def test_points_without_features_have_neighbourhoods_too(config):
    model = around(config, num_coordinates=3, num_features=0, max_resolution=8)
    assert model(points(2, 13, 3))[0].shape == (2, 3, 7 + 3 + 12)


@pytest.mark.parametrize("count", [2, 8])
def test_neighbourhoods_are_the_same_whatever_the_mask_hides(config, count):
    model, some = around(config), points(1, 13, 3)
    shown = torch.arange(13)[None] < count
    alone = model(some[:, :count])[0]
    given = model(some, pos=model.own_positions(some, shown))[0]
    mask = model.input_mask(shown, given, None)
    assert mask.tolist() == [[place < count for place in range(3)]]
    kept = given[mask]
    order = alone[0, :, 7].argsort(), kept[:, 7].argsort()
    torch.testing.assert_close(kept[order[1]], alone[0][order[0]])
    # A mask of tokens is taken as it is, and points by themselves need no positions of their own.
    assert model.input_mask(mask, given, None).tolist() == mask.tolist()
    assert preprocessor(config).own_positions(some, shown) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"neighbourhood_centres": None}, r"must be given together, received \(5, 7\) and None"),
        ({"neighbourhood_widths": (5,)}, r"of one stage or more.*received \[5\] and \[11, 3\]"),
        ({"num_neighbours": 0}, "`num_neighbours` must be a whole number of at least 1, received 0"),
    ],
)
def test_neighbourhoods_out_of_range_are_refused(options, message, config):
    with pytest.raises(ConfigurationError, match=message):
        around(config, **options)


def test_the_fast_form_gives_the_same_for_ragged_sets():
    config = perceivers.PerceiverConfig(
        num_latents=3,
        d_latents=8,
        num_blocks=1,
        num_self_attends_per_block=1,
        num_self_attention_heads=2,
        num_cross_attention_heads=1,
        modalities={
            "points": {
                "type": "points",
                "num_coordinates": 2,
                "num_features": 1,
                "num_bands": 2,
                "max_resolution": 6,
                "neighbourhood_widths": [5, 7],
                "neighbourhood_centres": [11, 3],
                "num_neighbours": 4,
            }
        },
        answers={"kind": {"type": "class", "id2label": {"0": "a", "1": "b"}}},
    )
    torch.manual_seed(0)
    model = perceivers.PerceiverForPrediction(config).eval()
    some = points(2, 13, 3)
    mask = torch.arange(13) < torch.tensor([[13], [5]])
    with torch.no_grad():
        answers = model({"points": some}, attention_mask={"points": mask}).logits["kind"]
        prepared = model.prepare()
        fast = prepared({"points": some}, attention_mask={"points": mask}).logits["kind"]
        alone = model({"points": some[1:, :5]}).logits["kind"]
        other = some.clone()
        other[1, 5:] = 0.5
        changed = model({"points": other}, attention_mask={"points": mask}).logits["kind"]
    torch.testing.assert_close(fast, answers, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(alone[0], answers[1], atol=1e-4, rtol=1e-4)
    assert torch.equal(changed, answers)
