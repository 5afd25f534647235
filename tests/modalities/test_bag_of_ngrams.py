"""Texts as bags of n-grams: the sum over their number's root, texts that are absent, a table that learns slowly from zero."""

from __future__ import annotations

import math

import pytest
import torch

import perceivers
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.bag_of_ngrams import NOTHING, UNKNOWN, PerceiverBagOfNgramsPreprocessor
from perceivers.models.prediction import PerceiverForPrediction
from perceivers.nn.learning_rates import learning_rate_factors


@pytest.fixture
def config():
    return perceivers.PerceiverConfig(d_model=14)


@pytest.fixture
def bags(config):
    bags = PerceiverBagOfNgramsPreprocessor(config, num_columns=2, num_rows=5, out_channels=3)
    torch.nn.init.normal_(bags.table.weight)
    return bags


def test_a_token_is_the_sum_over_the_root_of_the_number(bags):
    # A repeated n-gram counts as often as it comes; where the fill stands makes no difference.
    ids = torch.tensor([[[2, 6, 6], [NOTHING, 4, NOTHING]], [[NOTHING] * 3, [UNKNOWN, NOTHING, NOTHING]]])
    tokens, sizes, features = bags(ids)
    rows = bags.table.weight
    expected = torch.stack(
        [
            torch.stack([(rows[2] + 2 * rows[6]) / math.sqrt(3), rows[4]]),
            torch.stack([bags.missing[0], rows[1]]),
        ]
    )
    torch.testing.assert_close(features, expected)
    torch.testing.assert_close(tokens, expected + bags.columns)
    assert sizes is None
    assert (bags.num_channels, bags.index_dims(ids)) == (3, (2,))


def test_an_absent_text_teaches_its_column_s_vector_alone(bags):
    ids = torch.tensor([[[2, 3], [NOTHING, NOTHING]]])
    bags(ids)[0].sum().backward()
    assert bags.missing.grad.tolist() == [[0.0] * 3, [1.0] * 3]
    touched = bags.table.weight.grad[:, 0]
    assert touched.nonzero().flatten().tolist() == [2, 3]


def test_the_table_starts_at_zero_and_learns_at_a_rate_of_its_own():
    config = perceivers.PerceiverConfig(
        num_latents=3,
        d_latents=8,
        d_model=10,
        num_self_attends_per_block=1,
        num_self_attention_heads=2,
        num_cross_attention_heads=1,
        modalities={
            "texts": {"type": "bag_of_ngrams", "num_columns": 2, "num_rows": 5, "learning_rate_factor": 0.1}
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
        (torch.zeros(2, 3, dtype=torch.int64), r"must be ids \[batch, 2, num_ids\] .* received \[2, 3\]"),
        (torch.zeros(1, 3, 1, dtype=torch.int64), r"received \[1, 3, 1\] of torch.int64"),
        (torch.zeros(1, 2, 1), r"received \[1, 2, 1\] of torch.float32"),
        (torch.zeros(0, 2, 1, dtype=torch.int64), r"must not be empty, received \[0, 2, 1\]"),
        (torch.zeros(1, 2, 0, dtype=torch.int64), r"must not be empty, received \[1, 2, 0\]"),
        (torch.tensor([[[7], [0]]]), r"must hold ids in \[0, 6\], received ids from 0 to 7"),
        (torch.tensor([[[-1], [0]]]), r"received ids from -1 to 0"),
        ([[[1], [2]]], "`inputs` must be a torch.Tensor, received list"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(bags, ids, message):
    with pytest.raises(ShapeError, match=message):
        bags(ids)


def test_a_column_has_no_position_of_its_own(bags):
    with pytest.raises(ShapeError, match="`pos` must be None for columns"):
        bags(torch.ones(1, 2, 1, dtype=torch.int64), pos=torch.zeros(1, 2, 1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_columns": 0}, "`num_columns`"),
        ({"num_rows": 0}, "`num_rows`"),
        ({"out_channels": 0}, "`out_channels`"),
        ({"learning_rate_factor": 0.0}, "`learning_rate_factor`"),
    ],
)
def test_settings_out_of_range_are_refused(config, settings, message):
    with pytest.raises(ConfigurationError, match=message):
        PerceiverBagOfNgramsPreprocessor(config, **{"num_columns": 2, "num_rows": 5, **settings})
