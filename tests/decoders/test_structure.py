"""What each decoder says of its queries is what `build_queries` makes, and the layers that it names answer them."""

from __future__ import annotations

import pytest
import torch

import perceivers as p
from perceivers.decoders.asked_for import EVERYTHING, ask_for
from perceivers.decoders.structure import AttendedAnswers, PlainAnswers
from perceivers.nn.token_structure import TablePositions

CONFIG = p.PerceiverConfig(num_latents=5, d_latents=8, num_labels=3, num_cross_attention_heads=1)
FOURIER = {"num_bands": 2, "max_resolution": (3, 5)}
LEARNED = {"num_channels": 8, "index_dims": 15}


def basic(**options):
    return p.PerceiverBasicDecoder(CONFIG, 4, **{"output_index_dims": (3, 5), "num_channels": 8, **options})


def fourier(**options):
    return basic(position_encoding_type="fourier", fourier_position_encoding_kwargs=FOURIER, **options)


def queries_of(part):
    positions = part.positions
    if isinstance(positions, TablePositions):
        rows = positions.table if positions.indices is None else positions.table[positions.indices]
        projection = positions.projection
        tokens = (
            rows
            if projection is None
            else torch.nn.functional.linear(rows, projection.weight, projection.bias)
        )
    else:
        indices = torch.arange(part.num_tokens) if positions.indices is None else positions.indices
        tokens = positions.encoding.at(indices, positions.index_dims, positions.rule)
    if part.padding is not None:
        tokens = torch.cat([tokens, part.padding.expand(part.num_tokens, -1)], dim=-1)
    return tokens


@pytest.mark.parametrize("asked_for", [EVERYTHING, ask_for(positions=[3, 14, 0])])
@pytest.mark.parametrize(
    "decoder",
    [
        fourier(),
        basic(trainable_position_encoding_kwargs=LEARNED),
        basic(trainable_position_encoding_kwargs=LEARNED, project_pos_dim=6),
    ],
)
def test_queries_are_what_they_are_said_to_consist_of(decoder, asked_for, encode):
    encoded = encode()
    structure = decoder.structure()
    assert isinstance(structure, AttendedAnswers)
    with torch.no_grad():
        (part,) = structure.queries(encoded, asked_for).values()
        built = decoder.build_queries(encoded, asked_for).tokens
        torch.testing.assert_close(queries_of(part), built[0])
    assert structure.layer is decoder.decoding_cross_attention
    assert structure.final is decoder.final_layer
    assert (structure.factor, structure.names) == (1.0, None)


def test_learned_queries_are_named_and_others_are_not():
    learned = basic(trainable_position_encoding_kwargs=LEARNED)
    assert learned.structure().learned.table is learned.output_position_encodings.position_embeddings
    assert fourier().structure().learned is None


def test_a_decoder_without_its_linear_map_or_without_layers():
    assert fourier(final_project=False).structure().final is None
    only = fourier(position_encoding_only=True).structure()
    assert (only.layer, only.final) == (None, None)
    assert only.queries is not None


def test_decoders_around_another_one_say_what_that_says():
    classes = p.PerceiverClassificationDecoder(
        CONFIG, num_channels=8, trainable_position_encoding_kwargs={"num_channels": 8, "index_dims": 1}
    )
    assert classes.structure().layer is classes.decoder.decoding_cross_attention


def test_queries_that_are_the_tokens_are_given_by_their_places(encode):
    decoder = p.PerceiverOpticalFlowDecoder(
        CONFIG, num_channels=6, output_image_shape=(3, 5), rescale_factor=50
    )
    structure = decoder.structure()
    encoded = encode(tokens=torch.randn(2, 15, 6), index_dims=(3, 5))
    assert structure.queries is None
    assert structure.token_indices(encoded, EVERYTHING) is None
    assert structure.token_indices(encoded, ask_for(positions=[4, 1])).tolist() == [4, 1]
    assert structure.factor == 1 / 50


def test_queries_of_several_modalities_are_padded_parts(encode):
    parts = {
        "b": fourier(position_encoding_only=True),
        "a": basic(trainable_position_encoding_kwargs=LEARNED),
    }
    decoder = p.PerceiverMultimodalDecoder(CONFIG, parts, output_num_channels=4)
    structure, encoded = decoder.structure(), encode()
    assert structure.names == ("a", "b")
    assert structure.layer is decoder.decoder.decoding_cross_attention
    with torch.no_grad():
        for asked_for in (EVERYTHING, ask_for(positions={"a": [2, 7]}), ask_for(positions={"b": []})):
            found = structure.queries(encoded, asked_for)
            built = decoder.build_queries(encoded, asked_for)
            assert {name: part.num_tokens for name, part in found.items()} == built.modality_sizes
            tokens = torch.cat([queries_of(part) for part in found.values()])
            torch.testing.assert_close(tokens, built.tokens[0])
        with pytest.raises(p.ShapeError, match="at least one output point"):
            structure.queries(encoded, ask_for(positions={"a": [], "b": []}))


def test_what_is_not_known_says_why_and_whether_it_needs_the_inputs():
    flow = p.PerceiverOpticalFlowDecoder(CONFIG, num_channels=6, output_image_shape=(3, 5))
    mixed = fourier(project_pos_dim=8)
    cases = [
        (basic(position_encoding_type="none"), "its queries come from elsewhere", True),
        (fourier(concat_preprocessed_input=True, num_channels=17), "queries hold input features", True),
        (mixed, "a linear map mixes the axes", False),
        (p.PerceiverProjectionDecoder(CONFIG), "its answers are a map of the mean latent", False),
        (p.PerceiverMultimodalDecoder(CONFIG, {"a": mixed}, output_num_channels=4), "'a': a linear", False),
        (
            p.PerceiverMultimodalDecoder(CONFIG, {"a": flow}, output_num_channels=4),
            "'a': queries are the tokens",
            True,
        ),
    ]
    for decoder, reason, asks_with_inputs in cases:
        structure = decoder.structure()
        assert isinstance(structure, PlainAnswers)
        assert structure.because.startswith(reason)
        assert structure.asks_with_inputs is asks_with_inputs


def test_a_decoder_that_says_nothing_may_need_anything():
    class Own(p.PerceiverAbstractDecoder):
        num_query_channels = 3

    assert Own().structure() == PlainAnswers("Own does not say what its queries consist of", True)
