"""Several modalities in one cross-attend: which of them are asked, how their queries are padded, in which order."""

from __future__ import annotations

import pytest
import torch

import perceivers
from perceivers.decoders.asked_for import ask_for
from perceivers.errors import ConfigurationError, ShapeError

SOUND = {"num_bands": 1, "max_resolution": (7,)}
PLANE = {"num_bands": 1, "max_resolution": (3, 5)}


@pytest.fixture
def build(config, lively):
    def decoder(**options):
        modalities = {
            "words": perceivers.PerceiverBasicDecoder(
                config,
                4,
                output_index_dims=2,
                position_encoding_only=True,
                trainable_position_encoding_kwargs={"num_channels": 8, "index_dims": 2},
            ),
            "depth": perceivers.PerceiverBasicDecoder(
                config,
                4,
                "fourier",
                (3, 5),
                position_encoding_only=True,
                fourier_position_encoding_kwargs=PLANE,
            ),
            "sound": perceivers.PerceiverBasicDecoder(
                config, 4, "fourier", 7, position_encoding_only=True, fourier_position_encoding_kwargs=SOUND
            ),
        }
        return lively(
            perceivers.PerceiverMultimodalDecoder(config, options.pop("modalities", modalities), **options)
        )

    return decoder


def sizes_of(queries):
    return list(queries.modality_sizes.items())


def test_queries_lie_side_by_side_in_the_order_of_names(build, encode):
    decoder, encoded = build(min_padding_size=3), encode()
    # Channels: depth 2 + 4, sound 1 + 2, words 8; the widest is 8.
    assert decoder.num_query_channels == 11
    queries = decoder.build_queries(encoded)
    assert sizes_of(queries) == [("depth", 15), ("sound", 7), ("words", 2)]
    assert queries.tokens.shape == (2, 24, 11)
    assert decoder.num_outputs(encoded, ask_for()) == 24
    first = 0
    for name, size in queries.modality_sizes.items():
        own = decoder.modalities[name].build_queries(encoded).tokens
        part = queries.tokens[:, first : first + size]
        torch.testing.assert_close(part[..., : own.shape[2]], own)
        padding = decoder.padding[name].expand(2, size, -1)
        assert torch.equal(part[..., own.shape[2] :], padding)
        first += size


@pytest.mark.parametrize("rows", [slice(0, 4), slice(13, 23), slice(15, 22), slice(21, 24), slice(0, 24)])
def test_any_rows_are_rows_of_the_whole(rows, build, encode):
    decoder, encoded = build(), encode()
    whole = decoder.build_queries(encoded).tokens
    some = decoder.build_queries(encoded, rows=rows)
    torch.testing.assert_close(some.tokens, whole[:, rows])
    assert sum(some.modality_sizes.values()) == rows.stop - rows.start
    assert 0 not in some.modality_sizes.values()


def test_points_are_asked_for_by_name(build, encode):
    decoder, encoded = build(), encode()
    whole = decoder.build_queries(encoded).tokens
    asked_for = ask_for(positions={"depth": [14, 3], "words": []})
    queries = decoder.build_queries(encoded, asked_for)
    assert sizes_of(queries) == [("depth", 2), ("sound", 7)]
    assert decoder.modality_sizes(encoded, asked_for) == {"depth": 2, "sound": 7, "words": 0}
    torch.testing.assert_close(queries.tokens, whole[:, [14, 3, *range(15, 22)]])
    subsampled = decoder.decoder_query(encoded.latents, subsampled_points={"sound": torch.tensor([3])})
    # Subsampled point 3 of 7 lies at -1 + 6 / 7; what is not named is whole.
    torch.testing.assert_close(subsampled[0, 15, 0], torch.tensor(-1 + 6 / 7))
    torch.testing.assert_close(subsampled[:, :15], whole[:, :15])


def test_queries_are_answered_together(build, encode):
    decoder, encoded = build(output_num_channels=5, num_heads=1, use_query_residual=True), encode()
    query = decoder.build_queries(encoded).tokens
    answered = decoder(query, encoded.latents, output_attentions=True)
    assert answered.logits.shape == (2, 24, 5)
    assert answered.cross_attentions[0].shape == (2, 1, 24, 5)
    torch.testing.assert_close(answered.logits, decoder.decoder.attend(query, encoded.latents).logits)
    assert decoder.decoder.decoding_cross_attention.attention.query_residual
    assert build()(query, encoded.latents).logits.shape == (2, 24, 4)


def test_features_of_a_modality_reach_its_own_decoder(config, build, encode):
    echo = perceivers.PerceiverBasicDecoder(
        config,
        4,
        output_index_dims=3,
        num_channels=8 + 2,
        position_encoding_only=True,
        concat_preprocessed_input=True,
        trainable_position_encoding_kwargs={"num_channels": 8, "index_dims": 3},
    )
    decoder = build(modalities={"echo": echo})
    features = torch.randn(2, 3, 2)
    queries = decoder.build_queries(encode(features={"echo": features, "other": features[:, :1]})).tokens
    assert torch.equal(queries[..., :2], features)
    with pytest.raises(ShapeError, match="`inputs_without_pos` must be given"):
        decoder.build_queries(encode(features={"other": features}))


def test_the_number_of_subsampled_points_may_be_fixed(build, encode):
    decoder, encoded = build(subsampled_index_dims={"depth": (2, 2), "sound": 3}), encode()
    points = {"depth": [0, 1, 2, 3], "sound": [4, 5, 6]}
    assert sizes_of(decoder.build_queries(encoded, ask_for(subsampled_output_points=points))) == [
        ("depth", 4),
        ("sound", 3),
        ("words", 2),
    ]
    assert decoder.build_queries(encoded, ask_for(positions={"depth": [0]})).tokens.shape[1] == 10
    message = r"`subsampled_points\['depth'\]` must be 4 points \(`subsampled_index_dims`\), received 2"
    with pytest.raises(ShapeError, match=message):
        decoder.build_queries(encoded, ask_for(subsampled_output_points={"depth": [0, 1]}))


def test_the_number_of_outputs_is_checked_where_it_is_known(build):
    assert build(num_outputs=24).num_query_channels == 10
    message = "`num_outputs` must be the 24 outputs of `modalities` together, received 23"
    with pytest.raises(ConfigurationError, match=message):
        build(num_outputs=23)


def test_questions_that_no_modality_answers_are_refused(build, encode):
    decoder, encoded = build(), encode()
    names = r"\['depth', 'sound', 'words'\]"
    with pytest.raises(
        ShapeError, match=rf"output points must be of modalities {names}, received \['taste'\]"
    ):
        decoder.build_queries(encoded, ask_for(positions={"taste": [0]}))
    for single in (ask_for(positions=[0]), ask_for(output_dims=(2, 2))):
        with pytest.raises(
            ShapeError, match=rf"output points must be a mapping from some of {names}, received a single"
        ):
            decoder.build_queries(encoded, single)
    nothing = ask_for(positions={"depth": [], "sound": [], "words": []})
    with pytest.raises(ShapeError, match="at least one output point must be asked for, received none"):
        decoder.build_queries(encoded, nothing)
    with pytest.raises(ShapeError, match=r"must be in \[0, 6\] for an output array of \[7\]"):
        decoder.build_queries(encoded, ask_for(positions={"sound": [7]}))


def test_a_decoder_of_nothing_is_refused(config):
    with pytest.raises(
        ConfigurationError, match="`modalities` must name at least one decoder, received none"
    ):
        perceivers.PerceiverMultimodalDecoder(config, {})
