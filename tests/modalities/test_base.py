"""The contract of a modality: what a class inherits that only gives channels, a grid and tokens."""

from __future__ import annotations

import pytest
import torch

from perceivers.errors import ShapeError
from perceivers.modalities.base import (
    AbstractPostprocessor,
    AbstractPreprocessor,
    require_finite,
    token_mask,
)


class Points(AbstractPreprocessor):
    """Points in space: tokens as they are."""

    num_channels = 3

    def index_dims(self, inputs):
        return (inputs.shape[1],)

    def forward(self, inputs, pos=None, network_input_is_1d=True, interpolate_pos_encoding=False):
        return inputs, None, inputs


class Halves(AbstractPostprocessor):
    def forward(self, inputs, pos=None, modality_sizes=None):
        return inputs / 2


class Mean(AbstractPostprocessor):
    pointwise = False

    def forward(self, inputs, pos=None, modality_sizes=None):
        return inputs.mean(dim=1)


def test_a_preprocessor_says_nothing_more_than_it_must():
    points = torch.zeros(2, 5, 3)
    assert Points().output_dims(points) == (5,)
    assert not Points.single_token
    with pytest.raises(TypeError, match="abstract"):
        AbstractPreprocessor()
    with pytest.raises(TypeError, match="abstract"):
        AbstractPostprocessor()


@pytest.mark.parametrize("dtype", [torch.bool, torch.int64, torch.float32])
def test_a_mask_has_an_entry_for_each_token(dtype):
    tokens, mask = torch.zeros(2, 5, 3), torch.tensor([[1, 1, 0, 0, 0], [1, 1, 1, 1, 1]])
    received = Points().input_mask(mask.to(dtype), tokens, None)
    assert torch.equal(received, mask.bool())
    assert received.dtype == torch.bool
    message = r"`attention_mask` must have shape \[2, 5\] \(one entry a token\), received \[2, 4\]"
    with pytest.raises(ShapeError, match=message):
        token_mask(mask[:, :4], tokens)


def test_values_of_single_tokens_are_made_by_chunks_and_others_of_the_whole():
    decoded = torch.randn(2, 5, 3)
    assert torch.equal(Halves().of_chunk(decoded, None), decoded / 2)
    assert Halves().of_whole(decoded, None) is decoded
    assert Mean().of_chunk(decoded, None) is decoded
    assert torch.equal(Mean().of_whole(decoded, None), decoded.mean(dim=1))


def test_numbers_that_are_none_are_refused():
    require_finite("inputs", torch.tensor([1.0, -3.0]))
    require_finite("inputs", torch.tensor([1, 2]))
    for wrong in (float("nan"), float("inf"), -float("inf")):
        with pytest.raises(
            ShapeError, match=r"`sound` must hold finite numbers, received NaN or infinity in \[2\]"
        ):
            require_finite("sound", torch.tensor([1.0, wrong]))
