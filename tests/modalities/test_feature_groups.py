"""Groups of features: a token each by a map of its own, from zero, at a rate of its own."""

from __future__ import annotations

import pytest
import torch

import perceivers
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.feature_groups import PerceiverFeatureGroupsPreprocessor
from perceivers.models.prediction import PerceiverForPrediction
from perceivers.nn.learning_rates import learning_rate_factors

CONFIG = {
    "num_latents": 3,
    "d_latents": 8,
    "d_model": 10,
    "num_self_attends_per_block": 1,
    "num_self_attention_heads": 2,
    "num_cross_attention_heads": 1,
    "modalities": {
        "signal": {
            "type": "feature_groups",
            "group_sizes": [5, 2],
            "out_channels": 7,
            "dropout": 0.25,
            "learning_rate_factor": 0.3,
        }
    },
    "answers": {"kind": {"type": "class", "num_labels": 3}},
}


@pytest.fixture
def config():
    return perceivers.PerceiverConfig(d_model=14)


@pytest.fixture
def groups(config):
    groups = PerceiverFeatureGroupsPreprocessor(config, [2, 3], out_channels=5)
    for each in groups.maps:
        torch.nn.init.normal_(each.weight)
    return groups.eval()


@pytest.fixture
def model():
    return PerceiverForPrediction(perceivers.PerceiverConfig(**CONFIG))


def test_a_token_is_the_map_of_its_own_features_and_the_vector_of_its_group(groups):
    features = torch.randn(7, 5)
    tokens, sizes, alone = groups(features)
    first, second = (each.weight for each in groups.maps)
    expected = torch.stack([features[:, :2] @ first.T, features[:, 2:] @ second.T], dim=1)
    torch.testing.assert_close(alone, expected)
    torch.testing.assert_close(tokens, expected + groups.groups)
    assert sizes is None
    assert (groups.num_channels, groups.index_dims(features)) == (5, (2,))


def test_a_share_of_the_features_is_left_out_while_training_alone(config):
    groups = PerceiverFeatureGroupsPreprocessor(config, [1000], out_channels=1, dropout=0.25)
    torch.nn.init.ones_(groups.maps[0].weight)
    torch.manual_seed(0)
    ones = torch.ones(1, 1000)
    kept = groups(ones)[2].item() * 0.75 / 1000
    assert kept == pytest.approx(0.75, abs=0.05)
    assert kept != 1.0
    assert groups.eval()(ones)[2].item() == 1000.0


def test_the_maps_start_at_zero_and_learn_at_a_rate_of_their_own(model):
    groups = model.perceiver.input_preprocessor
    assert not any(each.weight.any() for each in groups.maps)
    assert groups.groups.any()
    assert learning_rate_factors(model) == {id(each.weight): 0.3 for each in groups.maps}


def test_a_trained_model_is_saved_and_loaded_whole(model, tmp_path):
    model.eval()
    for each in model.perceiver.input_preprocessor.maps:
        torch.nn.init.normal_(each.weight)
    features = torch.randn(5, 7)
    model.save_pretrained(tmp_path)
    again = PerceiverForPrediction.from_pretrained(tmp_path)
    assert again.config.modalities == CONFIG["modalities"]
    torch.testing.assert_close(again(features).logits["kind"], model(features).logits["kind"])


def test_the_fast_form_gives_the_same_and_names_the_tokens_as_plain(model):
    model.eval()
    for each in model.perceiver.input_preprocessor.maps:
        torch.nn.init.normal_(each.weight)
    features, mask = torch.randn(5, 7), torch.tensor([True, True, False, True, True])
    prepared = model.prepare()
    assert prepared.plain_parts == {
        "input_preprocessor": "each group of features has a map of its own: tokens are built whole"
    }
    given = {"inputs": features, "attention_mask": mask}
    expected = model(**given).logits["kind"]
    torch.testing.assert_close(prepared(**given).logits["kind"], expected)
    # A sample without features is answered from the latents alone.
    other = torch.where(mask[:, None], features, torch.zeros(()))
    torch.testing.assert_close(model(other, attention_mask=mask).logits["kind"], expected)


def test_tokens_keep_half_precision(groups):
    assert groups.to(torch.bfloat16)(torch.randn(3, 5, dtype=torch.bfloat16))[0].dtype == torch.bfloat16


def test_channels_are_the_model_s_where_none_are_given(config):
    assert PerceiverFeatureGroupsPreprocessor(config, [3]).num_channels == 14


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (torch.zeros(7, 4), r"must be floating-point features \[batch, 5\], received \[7, 4\]"),
        (torch.zeros(5), r"received \[5\] of torch.float32"),
        (torch.zeros(1, 5, dtype=torch.int64), r"received \[1, 5\] of torch.int64"),
        (torch.zeros(0, 5), r"must not be empty, received \[0, 5\]"),
        (torch.full((1, 5), float("nan")), "`inputs` must hold finite numbers"),
        ([[0.0] * 5], "`inputs` must be a torch.Tensor, received list"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(groups, features, message):
    with pytest.raises(ShapeError, match=message):
        groups(features)


def test_a_group_has_no_position(groups):
    with pytest.raises(ShapeError, match="`pos` must be None for groups of features"):
        groups(torch.zeros(1, 5), pos=torch.zeros(1, 2, 1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"group_sizes": []}, r"`group_sizes` must be the number of features of each group, received \[\]"),
        ({"group_sizes": 3}, "`group_sizes` must be the number of features of each group, received 3"),
        ({"group_sizes": [3, 0]}, "`group_sizes`"),
        ({"out_channels": 0}, "`out_channels`"),
        ({"dropout": 1.0}, r"`dropout` must be in \[0, 1\), received 1.0"),
        ({"dropout": None}, r"`dropout` must be in \[0, 1\), received None"),
        ({"learning_rate_factor": 0.0}, "`learning_rate_factor`"),
    ],
)
def test_settings_out_of_range_are_refused(config, settings, message):
    with pytest.raises(ConfigurationError, match=message):
        PerceiverFeatureGroupsPreprocessor(config, **{"group_sizes": [2, 3], **settings})
