"""Videos: a query for each pixel of each frame, answers laid out as frames."""

from __future__ import annotations

import pytest
import torch

import perceivers
from perceivers.decoders.asked_for import ask_for
from perceivers.errors import ConfigurationError


@pytest.fixture
def build(config, lively):
    def decoder(**options):
        fourier = {"num_bands": 1, "max_resolution": (2, 3, 5)}
        options = {"output_shape": (1, 2, 3, 5), "num_channels": 9, **options}
        return lively(
            perceivers.PerceiverBasicVideoAutoencodingDecoder(
                config, position_encoding_type="fourier", fourier_position_encoding_kwargs=fourier, **options
            )
        )

    return decoder


def test_queries_are_positions_in_time_and_space(build, encode):
    decoder, encoded = build(), encode()
    queries = decoder.build_queries(encoded).tokens
    assert queries.shape == (2, 30, 9)
    assert (decoder.num_query_channels, decoder.own_dims(), decoder.num_outputs(encoded, ask_for())) == (
        9,
        (2, 3, 5),
        30,
    )
    # Frame 1 of 2, row 1 of 3, column 3 of 5.
    assert queries[1, 15 + 5 + 3, :3].tolist() == [1, 0, 0.5]
    assert torch.equal(decoder.build_queries(encoded, ask_for(positions=[23])).tokens, queries[:, 23:24])


def test_answers_are_laid_out_as_frames(build, encode):
    decoder, encoded = build(output_num_channels=7), encode()
    query = decoder.build_queries(encoded).tokens
    answered = decoder.attend(query, encoded.latents, output_attentions=True)
    assert answered.logits.shape == (2, 30, 7)
    assert answered.cross_attentions[0].shape == (2, 1, 30, 5)
    video = decoder(query, encoded.latents).logits
    torch.testing.assert_close(video, answered.logits.reshape(2, 2, 3, 5, 7))
    some = decoder(query[:, :4], encoded.latents).logits
    torch.testing.assert_close(some, answered.logits[:, :4])


def test_channels_of_an_answer_are_the_configurations_unless_given(build, encode):
    decoder, encoded = build(), encode()
    assert decoder(decoder.build_queries(encoded).tokens, encoded.latents).logits.shape == (2, 2, 3, 5, 4)


def test_a_model_gives_a_video_by_chunks_too(config, build):
    model = perceivers.PerceiverModel(config, decoder=build()).eval()
    encoded = model.encode(torch.randn(2, 3, 7))
    video = model.decode(encoded)
    assert video.shape == (2, 2, 3, 5, 4)
    torch.testing.assert_close(model.decode(encoded, chunk_size=7), video)
    assert model.decode(encoded, output_dims=(3, 2, 2)).shape == (2, 3, 2, 2, 4)


@pytest.mark.parametrize("shape", [(2, 3, 5), (1, 1, 2, 3, 5)])
def test_a_video_has_a_batch_frames_height_and_width(shape, build):
    message = r"`output_shape` must be \(batch, frames, height, width\), received \["
    with pytest.raises(ConfigurationError, match=message):
        build(output_shape=shape)
