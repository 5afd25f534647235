"""Labels and projections: one token of class memberships, scores of the first token, a linear map of each."""

from __future__ import annotations

import math

import pytest
import torch

import perceivers
from perceivers.errors import ShapeError


@pytest.fixture
def config():
    return perceivers.PerceiverConfig(num_labels=5)


def test_memberships_are_one_token(config):
    model = perceivers.PerceiverOneHotPreprocessor(config)
    label = torch.eye(5)[[3, 1]]
    token, sizes, same = model(label)
    assert token.tolist() == [[[0, 0, 0, 1, 0]], [[0, 1, 0, 0, 0]]]
    assert sizes is None
    assert torch.equal(token, same)
    assert (model.num_channels, model.index_dims(label)) == (5, (1,))


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (
            torch.zeros(2, 3),
            r"must be floating-point class memberships \[batch, 5\], received \[2, 3\] of torch.float32",
        ),
        (
            torch.zeros(2, 5).long(),
            r"must be floating-point class memberships \[batch, 5\], received \[2, 5\] of torch.int",
        ),
        (torch.tensor([3.0, 1.0]), r"must be floating-point class memberships \[batch, 5\], received \[2\]"),
        (torch.zeros(0, 5), r"must not be empty, received \[0, 5\]"),
        (torch.full((2, 5), math.inf), "must hold finite numbers"),
    ],
)
def test_labels_that_are_none_are_refused(label, message, config):
    with pytest.raises(ShapeError, match=f"`inputs` {message}"):
        perceivers.PerceiverOneHotPreprocessor(config)(label)


def test_the_first_token_is_scored(config):
    model = perceivers.PerceiverClassificationPostprocessor(config, in_channels=3)
    decoded = torch.randn(2, 4, 3)
    torch.testing.assert_close(model(decoded), model.classifier(decoded[:, 0]))
    assert model(decoded).shape == (2, 5)


@pytest.mark.parametrize("shape", [(2, 3), (2, 4, 5)])
def test_tokens_that_cannot_be_scored_are_refused(shape, config):
    model = perceivers.PerceiverClassificationPostprocessor(config, in_channels=3)
    with pytest.raises(ShapeError, match=r"`inputs` must have shape \[batch, num_tokens, 3\], received"):
        model(torch.randn(shape))


def test_a_projection_maps_the_last_axis():
    model = perceivers.PerceiverProjectionPostprocessor(3, 7)
    decoded = torch.randn(2, 4, 5, 3)
    values = model(decoded)
    assert values.shape == (2, 4, 5, 7)
    torch.testing.assert_close(
        values[1, 2, 3], model.classifier.weight @ decoded[1, 2, 3] + model.classifier.bias
    )
    with pytest.raises(ShapeError, match="`inputs`"):
        model(torch.randn(2, 4, 5))
