"""The contract of a decoder that says only what it must."""

from __future__ import annotations

import pytest
import torch

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.asked_for import (
    EVERYTHING,
    gather_rows,
)
from perceivers.decoders.base import PerceiverAbstractDecoder, Queries
from perceivers.errors import ConfigurationError
from perceivers.models.perceiver import PerceiverModel
from perceivers.outputs import Encoded, PerceiverDecoderOutput


class Nearest(PerceiverAbstractDecoder):
    """A decoder in as few lines as there can be: query i answers with latent i."""

    num_query_channels = 1

    def num_outputs(self, encoded, asked_for):
        return asked_for.count((5,))

    def build_queries(self, encoded, asked_for=EVERYTHING, rows=None):
        indices = asked_for.select(rows, encoded.latents.device)
        indices = torch.arange(5) if indices is None else indices
        return Queries(indices.expand(encoded.latents.shape[0], -1)[..., None].float())

    def attend(self, query, z, query_mask=None, output_attentions=False):
        return PerceiverDecoderOutput(logits=gather_rows(z, query[..., 0].long()))


def test_a_decoder_of_ones_own_inherits_the_rest(encode):
    decoder, encoded = Nearest(), encode()
    assert decoder.own_dims() is None
    assert decoder.whole_grid(encoded, EVERYTHING) is None
    assert decoder.modality_sizes(encoded, EVERYTHING) is None
    query = decoder.decoder_query(torch.zeros(2, 7, 3), subsampled_points=torch.tensor([4, 1]))
    assert torch.equal(decoder(query, encoded.latents).logits, encoded.latents[:, [4, 1]])


class MeanOfTokens(PerceiverAbstractDecoder):
    """A decoder as the reference's users write it: `decoder_query` and `forward`, nothing else."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    @property
    def num_query_channels(self) -> int:
        return self.channels

    def decoder_query(self, inputs, modality_sizes=None, inputs_without_pos=None, subsampled_points=None):
        return inputs if subsampled_points is None else inputs[:, subsampled_points]

    def forward(self, query, z, query_mask=None, output_attentions=False):
        return PerceiverDecoderOutput(logits=query + z.mean())


class TestADecoderOfTheReferencesContract:
    @pytest.fixture
    def model(self):
        torch.manual_seed(0)
        config = PerceiverConfig(
            num_latents=3,
            d_latents=8,
            d_model=7,
            num_self_attends_per_block=1,
            num_self_attention_heads=1,
            num_cross_attention_heads=1,
        )
        return PerceiverModel(config, decoder=MeanOfTokens(7)).eval()

    def test_it_answers_in_forward_and_in_chunks(self, model):
        tokens = torch.randn(2, 11, 7)
        output = model(tokens)
        expected = tokens + output.last_hidden_state.mean()

        torch.testing.assert_close(output.logits, expected)
        torch.testing.assert_close(model.decode(model.encode(tokens), chunk_size=5), expected)

    def test_it_answers_subsampled_points(self, model):
        tokens = torch.randn(2, 11, 7)
        points = torch.tensor([10, 3])

        received = model(tokens, subsampled_output_points=points)

        torch.testing.assert_close(received.logits, tokens[:, [10, 3]] + received.last_hidden_state.mean())

    def test_positions_of_the_full_grid_need_build_queries(self, model):
        encoded = model.encode(torch.randn(2, 11, 7))
        with pytest.raises(
            ConfigurationError, match="`positions` need a decoder with `build_queries`; MeanOfTokens"
        ):
            model.decode(encoded, positions=[1])


def test_a_decoder_without_queries_of_either_kind_is_named():
    class Mute(PerceiverAbstractDecoder):
        num_query_channels = 3

    latents = torch.zeros(2, 3, 5)
    with pytest.raises(
        ConfigurationError, match="Mute must define `build_queries` or `decoder_query`, received neither"
    ):
        Mute().build_queries(Encoded(latents))
    with pytest.raises(ConfigurationError, match="Mute must define `attend` or `forward`, received neither"):
        Mute().attend(latents, latents)
