"""Categories of a table: one table for all columns, rows for what is missing and what is unknown."""

from __future__ import annotations

import pytest
import torch

import perceivers
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.modalities.category import PerceiverCategoryPreprocessor
from perceivers.modalities.ids import MISSING, UNKNOWN


@pytest.fixture
def config():
    return perceivers.PerceiverConfig(d_model=14)


@pytest.fixture
def categories(config):
    return PerceiverCategoryPreprocessor(config, [2, 0, 5], 7)


def test_there_is_a_token_a_column(categories):
    ids = torch.tensor([[0, 1, 6], [3, 0, 2]])
    tokens, sizes, features = categories(ids)
    assert tokens.shape == (2, 3, 7)
    assert sizes is None
    assert categories.num_channels == 7
    assert categories.index_dims(ids) == (3,)
    # Columns have 4, 2 and 7 rows: they begin at 0, 4 and 6.
    rows = categories.embeddings.weight[torch.tensor([[0, 5, 12], [3, 4, 8]])]
    assert torch.equal(features, rows)
    torch.testing.assert_close(tokens, rows + categories.columns)
    assert categories.embeddings.num_embeddings == 13


def test_every_category_of_every_column_has_a_row_of_its_own(categories):
    ids = torch.tensor([[MISSING, MISSING, MISSING], [UNKNOWN, UNKNOWN, UNKNOWN], [2, 1, 2], [3, 0, 6]])
    categories(ids)[0].sum().backward()
    touched = categories.embeddings.weight.grad[:, 0]
    assert touched.tolist() == [1, 1, 1, 1, 2, 2, 1, 1, 1, 0, 0, 0, 1]


def test_channels_are_the_model_s_where_none_are_given(config):
    assert PerceiverCategoryPreprocessor(config, [3]).num_channels == 14


def test_nothing_but_weights_is_saved_and_no_memory_is_needed(config):
    with torch.device("meta"):
        categories = PerceiverCategoryPreprocessor(config, [2, 0, 5], 7)
    assert list(categories.state_dict()) == ["columns", "embeddings.weight"]
    assert categories(torch.zeros(2, 3, dtype=torch.int64, device="meta"))[0].device.type == "meta"


def test_the_structure_is_the_tokens_themselves(categories):
    ids = torch.tensor([[0, 1, 6], [3, 0, 2]])
    (structure,) = categories.structure().parts(ids, False).values()
    assert categories.structure().whole_because == "every column has rows of its own in the table"
    assert torch.equal(structure.features, categories(ids)[0])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            torch.zeros(2, 4, dtype=torch.int64),
            r"`inputs` must be ids \[batch, 3\] of dtype int64, received \[2, 4\]",
        ),
        (torch.zeros(2, 3), "of torch.float32"),
        (torch.zeros(0, 3, dtype=torch.int64), "`inputs` must not be empty"),
        (torch.tensor([[0, 0, 0], [3, 2, 0]]), r"`inputs` must hold ids in \[0, 1\] in column 1, received 2"),
        (torch.tensor([[0, 0, -1]]), r"in \[0, 6\] in column 2, received -1"),
        ([[0, 0, 0]], "`inputs` must be a torch.Tensor, received list"),
    ],
)
def test_other_inputs_are_refused(inputs, message, categories):
    with pytest.raises(ShapeError, match=message):
        categories(inputs)


def test_positions_are_refused(categories):
    with pytest.raises(ShapeError, match="`pos` must be None for columns"):
        categories(torch.zeros(2, 3, dtype=torch.int64), pos=torch.zeros(2, 3, 1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cardinalities": []}, r"`cardinalities` must give the number of known categories .*received \[\]"),
        ({"cardinalities": 3}, "received 3"),
        ({"cardinalities": [2, -1]}, "`cardinalities` must be a whole number of at least 0, received -1"),
        ({"out_channels": 0}, "`out_channels` must be a whole number of at least 1, received 0"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message, config):
    with pytest.raises(ConfigurationError, match=message):
        PerceiverCategoryPreprocessor(config, **{"cardinalities": [2], **settings})
