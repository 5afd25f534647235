"""Class scores: of one learned query, or of the mean latent."""

from __future__ import annotations

import pytest
import torch

import perceivers
from perceivers.decoders.asked_for import ask_for
from perceivers.errors import ShapeError


@pytest.fixture
def one_query(config, lively):
    table = {"num_channels": 8, "index_dims": 1}
    return lively(
        perceivers.PerceiverClassificationDecoder(
            config, num_channels=8, trainable_position_encoding_kwargs=table, use_query_residual=True
        )
    )


def test_one_learned_query_is_answered_by_scores(one_query, encode):
    encoded = encode()
    query = one_query.build_queries(encoded).tokens
    vector = one_query.decoder.output_position_encodings.position_embeddings
    assert torch.equal(query, vector.expand(2, 1, 8))
    assert (one_query.num_query_channels, one_query.own_dims(), one_query.num_labels) == (8, (1,), 3)
    answered = one_query.attend(query, encoded.latents, output_attentions=True)
    assert answered.logits.shape == (2, 1, 3)
    assert answered.cross_attentions[0].shape == (2, 1, 1, 5)
    laid_out = one_query(query, encoded.latents, output_attentions=True)
    assert torch.equal(laid_out.logits, answered.logits[:, 0])
    assert torch.equal(laid_out.cross_attentions[0], answered.cross_attentions[0])


def test_the_decoder_of_a_model_gives_a_row_of_scores(config, one_query):
    model = perceivers.PerceiverModel(config, decoder=one_query).eval()
    tokens = torch.randn(2, 7, 7)
    assert model(tokens).logits.shape == (2, 3)
    encoded = model.encode(tokens)
    assert torch.equal(model.decode(encoded, chunk_size=1), model(tokens).logits)
    assert model.decode(encoded, positions=[0, 0]).shape == (2, 2, 3)


def test_the_mean_latent_is_projected(config, lively, encode):
    decoder, encoded = perceivers.PerceiverProjectionDecoder(config), encode()
    lively(decoder)
    query = decoder.build_queries(encoded).tokens
    assert query.shape == (2, 1, 0)
    assert decoder.num_query_channels == 0
    expected = encoded.latents.mean(dim=1) @ decoder.classifier.weight.T + decoder.classifier.bias
    torch.testing.assert_close(decoder(query, encoded.latents).logits, expected)
    with pytest.raises(
        ShapeError, match="output points must be None: the mean latent is answered by one row"
    ):
        decoder.build_queries(encoded, ask_for(positions=[0]))


def test_a_model_of_the_mean_latent_starts_with_scores_of_zero(config):
    model = perceivers.PerceiverModel(config, decoder=perceivers.PerceiverProjectionDecoder(config))
    tokens = torch.randn(2, 7, 7)
    output = model(tokens, output_attentions=True)
    assert torch.equal(output.logits, torch.zeros(2, 3))
    assert len(output.cross_attentions) == 1
    model.decoder.classifier.bias.data.copy_(torch.tensor([1.0, 2.0, 3.0]))
    encoded = model.encode(tokens)
    assert model.decode(encoded, chunk_size=1).tolist() == [[1, 2, 3]] * 2
