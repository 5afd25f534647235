"""Texts as bags of n-grams: the weighted sum, n-grams left out, absent texts, a table with a learning rate of its own."""

from __future__ import annotations

import pytest
import torch

import perceivers
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.bag_of_ngrams import PerceiverBagOfNgramsPreprocessor
from perceivers.modalities.ids import NOTHING, UNKNOWN, WEIGHT_UNIT
from perceivers.models.prediction import PerceiverForPrediction
from perceivers.nn.learning_rates import learning_rate_factors


@pytest.fixture
def config():
    return perceivers.PerceiverConfig(d_model=14)


@pytest.fixture
def bags(config):
    bags = PerceiverBagOfNgramsPreprocessor(config, num_bags=2, num_rows=5, out_channels=3)
    torch.nn.init.normal_(bags.table.weight)
    return bags


def bag(*pairs: tuple[int, float], length: int = 3) -> list[list[int]]:
    """Ids with their weights, filled up to `length`."""
    held = [[ident, round(weight * WEIGHT_UNIT)] for ident, weight in pairs]
    return held + [[NOTHING, 0]] * (length - len(held))


def test_a_token_is_the_weighted_sum(bags):
    # Where the fill stands makes no difference.
    ids = torch.tensor(
        [
            [bag((2, 0.5), (6, 0.25), (5, 1.0)), [[NOTHING, 0], [4, WEIGHT_UNIT], [NOTHING, 0]]],
            [bag(), bag((UNKNOWN, 1.0))],
        ]
    )
    tokens, sizes, features = bags(ids)
    rows = bags.table.weight
    expected = torch.stack(
        [
            torch.stack([0.5 * rows[2] + 0.25 * rows[6] + rows[5], rows[4]]),
            torch.stack([bags.missing[0], rows[1]]),
        ]
    )
    torch.testing.assert_close(features, expected)
    torch.testing.assert_close(tokens, expected + bags.bags)
    assert sizes is None
    assert (bags.num_channels, bags.index_dims(ids)) == (3, (2,))


def test_a_graph_sums_the_same_rows(bags, monkeypatch):
    # A bag's id of nothing counts for nothing there, too, whatever its weight.
    ids = torch.tensor(
        [[bag((2, 0.5), (6, 0.25)), [[NOTHING, WEIGHT_UNIT], [4, 7], [NOTHING, 0]]], [bag(), bag((3, 1.0))]]
    )
    expected = bags(ids)[0]
    monkeypatch.setattr("perceivers.modalities.bag_of_ngrams.is_traced", lambda: True)
    torch.testing.assert_close(bags(ids)[0], expected)


def test_an_absent_text_teaches_its_bag_s_vector_alone(bags):
    bags(torch.tensor([[bag((2, 0.5), (3, 0.5)), bag()]]))[0].sum().backward()
    assert bags.missing.grad.tolist() == [[0.0] * 3, [1.0] * 3]
    touched = bags.table.weight.grad[:, 0]
    assert touched.nonzero().flatten().tolist() == [2, 3]


def test_ngrams_are_left_out_while_training_alone(config):
    torch.manual_seed(0)
    bags = PerceiverBagOfNgramsPreprocessor(config, 1, 5, out_channels=1, dropout=0.75)
    torch.nn.init.ones_(bags.table.weight)
    ids = torch.tensor([[bag((2, 0.5), length=1)]] * 400)
    seen = bags(ids)[2].flatten()
    # What is left counts four times as much: the mean stays.
    assert set(seen.tolist()) == {0.0, 2.0}
    assert (seen > 0).float().mean().item() == pytest.approx(0.25, abs=0.07)
    assert bags.eval()(ids)[2].unique().tolist() == [0.5]


def test_the_table_starts_at_zero_and_learns_at_a_rate_of_its_own():
    config = perceivers.PerceiverConfig(
        num_latents=3,
        d_latents=8,
        d_model=10,
        num_self_attends_per_block=1,
        num_self_attention_heads=2,
        num_cross_attention_heads=1,
        modalities={
            "texts": {"type": "bag_of_ngrams", "num_bags": 2, "num_rows": 5, "learning_rate_factor": 0.1}
        },
        answers={"kind": {"type": "class", "num_labels": 3}},
    )
    model = PerceiverForPrediction(config)
    table = model.perceiver.input_preprocessor.table
    assert not table.weight.any()
    assert learning_rate_factors(model) == {id(table.weight): 0.1}
    plain = model.eval().prepare().plain_parts
    assert plain == {
        "input_preprocessor": "a token is a sum of any number of table rows: tokens are built whole"
    }


def test_channels_are_the_model_s_where_none_are_given(config):
    assert PerceiverBagOfNgramsPreprocessor(config, 1, 7).num_channels == 14


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (
            torch.zeros(2, 3, dtype=torch.int64),
            r"ids and weights \[batch, 2, num_ids, 2\] .* received \[2, 3\]",
        ),
        (torch.zeros(1, 3, 1, 2, dtype=torch.int64), r"received \[1, 3, 1, 2\] of torch.int64"),
        (torch.zeros(1, 2, 1, 3, dtype=torch.int64), r"received \[1, 2, 1, 3\] of torch.int64"),
        (torch.zeros(1, 2, 1, 2), r"received \[1, 2, 1, 2\] of torch.float32"),
        (torch.zeros(0, 2, 1, 2, dtype=torch.int64), r"must not be empty, received \[0, 2, 1, 2\]"),
        (torch.zeros(1, 2, 0, 2, dtype=torch.int64), r"must not be empty, received \[1, 2, 0, 2\]"),
        (torch.tensor([[[[7, 1]], [[0, 0]]]]), r"must hold ids in \[0, 6\], received ids from 0 to 7"),
        (torch.tensor([[[[-1, 1]], [[0, 0]]]]), r"received ids from -1 to 0"),
        ([[[1], [2]]], "`inputs` must be a torch.Tensor, received list"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(bags, ids, message):
    with pytest.raises(ShapeError, match=message):
        bags(ids)


def test_a_bag_has_no_position_of_its_own(bags):
    with pytest.raises(ShapeError, match="`pos` must be None for bags"):
        bags(torch.ones(1, 2, 1, 2, dtype=torch.int64), pos=torch.zeros(1, 2, 1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_bags": 0}, "`num_bags`"),
        ({"num_rows": 0}, "`num_rows`"),
        ({"out_channels": 0}, "`out_channels`"),
        ({"learning_rate_factor": 0.0}, "`learning_rate_factor`"),
        ({"dropout": 1.0}, "`dropout` must be at least 0 and below 1, received 1.0"),
    ],
)
def test_settings_out_of_range_are_refused(config, settings, message):
    with pytest.raises(ConfigurationError, match=message):
        PerceiverBagOfNgramsPreprocessor(config, **{"num_bags": 2, "num_rows": 5, **settings})
