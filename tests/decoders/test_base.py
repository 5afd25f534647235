"""Which outputs are asked for, and the contract of a decoder that says only what it must."""

from __future__ import annotations

import pytest
import torch

from perceivers.configuration import PerceiverConfig
from perceivers.decoders.base import (
    EVERYTHING,
    OutputPoints,
    PerceiverAbstractDecoder,
    PointsByModality,
    Queries,
    ask_for,
    gather_rows,
    one_array,
    require_indices,
)
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.models.perceiver import PerceiverModel
from perceivers.outputs import Encoded, PerceiverDecoderOutput


def test_nothing_said_asks_for_everything():
    assert ask_for() == EVERYTHING
    assert EVERYTHING.count((3, 5)) == 15
    assert EVERYTHING.select(None, torch.device("cpu")) is None
    assert EVERYTHING.select(slice(2, 5), torch.device("cpu")).tolist() == [2, 3, 4]


def test_another_size_asks_for_that_many():
    points = ask_for(output_dims=[2, 7], coordinate_rule="subsampled")
    assert (points.index_dims, points.rule, points.indices) == ((2, 7), "subsampled", None)
    assert points.count((3, 5)) == 14
    assert ask_for(output_dims=11).index_dims == (11,)


def test_points_are_counted_and_taken_by_rows():
    points = ask_for(positions=[7, 3, 9])
    assert points.rule == "grid"
    assert points.count((100,)) == 3
    assert points.select(None, torch.device("cpu")).tolist() == [7, 3, 9]
    assert points.select(slice(1, 3), torch.device("cpu")).tolist() == [3, 9]
    each = ask_for(positions=torch.tensor([[1, 2, 3], [4, 5, 6]]))
    assert each.count((100,)) == 3
    assert each.select(slice(0, 2), torch.device("cpu")).tolist() == [[1, 2], [4, 5]]


def test_the_rule_belongs_to_the_argument():
    assert ask_for(subsampled_output_points=[1]).rule == "subsampled"
    assert ask_for(positions=[1], coordinate_rule="subsampled").rule == "subsampled"


def test_mappings_are_joined_by_modality():
    asked_for = ask_for(
        positions={"a": [1, 2], "b": None}, output_dims={"b": (3, 4), "c": (5,)}, coordinate_rule="subsampled"
    )
    assert isinstance(asked_for, PointsByModality)
    assert asked_for.of("a").indices.tolist() == [1, 2]
    assert asked_for.of("a").index_dims is None
    assert asked_for.of("b") == OutputPoints(None, "subsampled", (3, 4))
    assert asked_for.of("c") == OutputPoints(None, "subsampled", (5,))
    assert asked_for.of("d") == OutputPoints(None, "subsampled", None)


def test_an_empty_list_asks_for_no_points():
    points = ask_for(positions={"a": []}).of("a")
    assert points.count((100,)) == 0
    assert points.indices.dtype == torch.int64


def test_questions_that_contradict_themselves_are_refused():
    with pytest.raises(
        ShapeError, match="give `subsampled_output_points` or `positions`, not both: their coordinates"
    ):
        ask_for(subsampled_output_points=[1], positions=[1])
    with pytest.raises(
        ShapeError, match=r"`coordinate_rule` must be one of \('grid', 'subsampled'\), received 'both'"
    ):
        ask_for(coordinate_rule="both")


@pytest.mark.parametrize(
    "wrong", [[0.5], torch.ones(3, dtype=torch.bool), torch.tensor(3), torch.ones(1, 2, 3).long()]
)
@pytest.mark.parametrize("argument", ["positions", "subsampled_output_points"])
def test_points_are_whole_numbers(argument, wrong):
    message = rf"`{argument}` must be whole numbers \[num_points\] or \[batch, num_points\], received \["
    with pytest.raises(ShapeError, match=message):
        ask_for(**{argument: wrong})


def test_a_single_array_has_no_modalities():
    assert one_array(EVERYTHING) is EVERYTHING
    message = r"output points by modality need a decoder of several modalities, received \['a', 'b'\]"
    with pytest.raises(ShapeError, match=message):
        one_array(ask_for(positions={"b": [1], "a": [2]}))


def test_points_lie_in_their_array_and_batch():
    require_indices(torch.tensor([0, 14]), (3, 5), 2)
    require_indices(torch.tensor([[0], [14]]), (3, 5), 2)
    require_indices(torch.tensor([], dtype=torch.long), (3, 5), 2)
    for wrong, low, high in ([[15, 3], 3, 15], [[-2, 0], -2, 0]):
        message = (
            rf"must be in \[0, 14\] for an output array of \[3, 5\], received indices from {low} to {high}"
        )
        with pytest.raises(ShapeError, match=message):
            require_indices(torch.tensor(wrong), (3, 5), 2)
    with pytest.raises(
        ShapeError, match=r"must be of shape \[num_points\] or \[2, num_points\], received \[3, 1\]"
    ):
        require_indices(torch.zeros(3, 1).long(), (3, 5), 2)


def test_rows_are_shared_or_each_samples_own():
    values = torch.arange(12).reshape(2, 3, 2)
    assert gather_rows(values, torch.tensor([2, 0])).tolist() == [[[4, 5], [0, 1]], [[10, 11], [6, 7]]]
    assert gather_rows(values, torch.tensor([[2], [1]])).tolist() == [[[4, 5]], [[8, 9]]]


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
