"""Optical flow: the tokens of the inputs are the queries."""

from __future__ import annotations

import pytest
import torch

import perceivers
from perceivers.decoders.asked_for import ask_for
from perceivers.errors import ShapeError


@pytest.fixture
def decoder(config, lively):
    return lively(
        perceivers.PerceiverOpticalFlowDecoder(
            config, output_image_shape=(3, 5), num_channels=8, rescale_factor=4.0
        )
    )


@pytest.fixture
def encoded(encode):
    return encode(tokens=torch.randn(2, 15, 8), index_dims=(3, 5))


def test_queries_are_the_tokens(decoder, encoded):
    assert decoder.needs_tokens
    assert torch.equal(decoder.build_queries(encoded).tokens, encoded.tokens)
    assert torch.equal(decoder.build_queries(encoded, rows=slice(4, 9)).tokens, encoded.tokens[:, 4:9])
    some = decoder.build_queries(encoded, ask_for(positions=[14, 0])).tokens
    assert torch.equal(some, encoded.tokens[:, [14, 0]])
    assert (decoder.num_query_channels, decoder.own_dims()) == (8, (3, 5))


def test_answers_are_divided_and_laid_out_as_a_picture(decoder, encoded):
    answered = decoder.attend(encoded.tokens, encoded.latents)
    inner = decoder.decoder.attend(encoded.tokens, encoded.latents).logits
    torch.testing.assert_close(answered.logits, inner / 4)
    assert answered.cross_attentions is None
    picture = decoder(encoded.tokens, encoded.latents, output_attentions=True)
    torch.testing.assert_close(picture.logits, answered.logits.reshape(2, 3, 5, 2))
    assert picture.cross_attentions[0].shape == (2, 1, 15, 5)


def test_the_picture_is_the_inputs_own(decoder, encode):
    other = encode(tokens=torch.randn(2, 14, 8), index_dims=(2, 7))
    assert decoder.whole_grid(other, ask_for()) == (2, 7)
    assert decoder.num_outputs(other, ask_for()) == 14
    message = r"`output_dims` must be the input's own \[2, 7\], received \(3, 5\)"
    with pytest.raises(ShapeError, match=message):
        decoder.build_queries(other, ask_for(output_dims=(3, 5)))
    assert torch.equal(decoder.build_queries(other, ask_for(output_dims=(2, 7))).tokens, other.tokens)


def test_the_reference_calls_it_with_tokens_alone(decoder, encoded):
    assert torch.equal(decoder.decoder_query(encoded.tokens), encoded.tokens)
    points = torch.tensor([3, 1])
    assert torch.equal(
        decoder.decoder_query(encoded.tokens, subsampled_points=points), encoded.tokens[:, points]
    )
    longer = torch.randn(2, 17, 8)
    assert torch.equal(decoder.decoder_query(longer), longer)


def test_without_tokens_there_are_no_queries(decoder, encode):
    with pytest.raises(
        ShapeError, match="`encoded` must hold the input tokens, which are the queries of optical flow"
    ):
        decoder.build_queries(encode())


def test_points_outside_the_picture_are_refused(decoder, encoded):
    with pytest.raises(ShapeError, match=r"must be in \[0, 14\] for an output array of \[3, 5\]"):
        decoder.build_queries(encoded, ask_for(positions=[15]))


def test_the_head_starts_at_zero(config):
    model = perceivers.PerceiverModel(
        config,
        decoder=perceivers.PerceiverOpticalFlowDecoder(config, (3, 5), num_channels=7),
    )
    flow = model(torch.randn(2, 15, 7)).logits
    assert not flow.any()
