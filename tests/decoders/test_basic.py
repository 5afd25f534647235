"""The general decoder: learned and Fourier queries, input features in them, their answers."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

import perceivers
from perceivers.decoders.asked_for import ask_for
from perceivers.errors import ConfigurationError, ShapeError

LEARNED = {"num_channels": 8, "index_dims": 15}
FOURIER = {"num_bands": 2, "max_resolution": (3, 5)}


@pytest.fixture
def build(config, lively):
    def decoder(**options):
        options = {
            "output_num_channels": 4,
            "output_index_dims": (3, 5),
            "num_channels": 8,
            "trainable_position_encoding_kwargs": LEARNED,
            "fourier_position_encoding_kwargs": FOURIER,
            **options,
        }
        return lively(perceivers.PerceiverBasicDecoder(config, **options))

    return decoder


def test_learned_queries_are_rows_of_the_table(build, encode):
    decoder, encoded = build(), encode()
    table = decoder.output_position_encodings.position_embeddings
    queries = decoder.build_queries(encoded).tokens
    assert torch.equal(queries, table.expand(2, -1, -1))
    some = decoder.build_queries(encoded, ask_for(positions=[14, 2])).tokens
    assert torch.equal(some, table[[14, 2]].expand(2, -1, -1))
    # A learned vector has no coordinate: both rules give the same.
    assert torch.equal(decoder.build_queries(encoded, ask_for(subsampled_output_points=[14, 2])).tokens, some)
    each = torch.tensor([[0], [7]])
    assert torch.equal(decoder.build_queries(encoded, ask_for(positions=each)).tokens, table[[0, 7]][:, None])
    assert decoder.num_query_channels == 8
    assert decoder.own_dims() == (3, 5)


def test_fourier_queries_follow_one_of_two_coordinate_rules(build, encode):
    decoder, encoded = build(position_encoding_type="fourier", position_encoding_only=True), encode()
    # Point 8 is row 1 of 3, column 3 of 5.
    for argument, expected in (
        ("positions", [0.0, 0.5]),
        ("subsampled_output_points", [-1 + 2 / 3, -1 + 6 / 5]),
    ):
        (query,) = decoder.build_queries(encoded, ask_for(**{argument: [8]})).tokens[0]
        torch.testing.assert_close(query[:2], torch.tensor(expected))
        torch.testing.assert_close(query[3], torch.sin(math.pi * 1.5 * query[0]))
    whole = decoder.build_queries(encoded).tokens
    assert whole.shape == (2, 15, 10)
    rows = decoder.build_queries(encoded, rows=slice(6, 11)).tokens
    torch.testing.assert_close(rows, whole[:, 6:11])


def test_queries_for_another_array(build, encode):
    encoded, asked_for = encode(), ask_for(output_dims=(2, 4))
    fourier = build(position_encoding_type="fourier", position_encoding_only=True)
    assert fourier.build_queries(encoded, asked_for).tokens[0, -1, :2].tolist() == [1, 1]
    assert fourier.num_outputs(encoded, asked_for) == 8
    assert fourier.whole_grid(encoded, asked_for) == (2, 4)
    learned = build(trainable_position_encoding_kwargs={"num_channels": 8, "index_dims": (3, 5)})
    table = learned.output_position_encodings.position_embeddings
    resized = F.interpolate(table.T.reshape(1, 8, 3, 5), size=(2, 4), mode="bicubic", align_corners=False)
    queries = learned.build_queries(encoded, asked_for).tokens
    torch.testing.assert_close(queries[1], resized[0].flatten(1).T)
    points = ask_for(positions=[7, 0], output_dims=(2, 4))
    torch.testing.assert_close(learned.build_queries(encoded, points).tokens, queries[:, [7, 0]])


@pytest.mark.parametrize("position_encoding_type", ["trainable", "fourier"])
def test_positions_of_queries_are_projected(position_encoding_type, build, encode):
    plain = build(position_encoding_type=position_encoding_type, position_encoding_only=True)
    projected = build(
        position_encoding_type=position_encoding_type, position_encoding_only=True, project_pos_dim=3
    )
    encoded = encode()
    assert projected.num_query_channels == 3
    layer = projected.positions_projection
    if position_encoding_type == "trainable":
        plain.load_state_dict({k: v for k, v in projected.state_dict().items() if "projection" not in k})
    expected = layer(plain.build_queries(encoded).tokens)
    torch.testing.assert_close(projected.build_queries(encoded).tokens, expected)


def test_features_of_the_inputs_go_in_front(build, encode):
    decoder = build(concat_preprocessed_input=True, num_channels=8 + 2)
    features = torch.randn(2, 15, 2)
    encoded = encode(features=features)
    table = decoder.output_position_encodings.position_embeddings
    queries = decoder.build_queries(encoded).tokens
    assert torch.equal(queries, torch.cat([features, table.expand(2, -1, -1)], dim=-1))
    each = torch.tensor([[3, 4], [14, 0]])
    some = decoder.build_queries(encoded, ask_for(positions=each)).tokens
    assert torch.equal(some[1, 0], torch.cat([features[1, 14], table[14]]))
    assert torch.equal(decoder.build_queries(encoded, rows=slice(2, 5)).tokens, queries[:, 2:5])
    assert decoder.num_query_channels == 10
    assert decoder.attend(queries, encoded.latents).logits.shape == (2, 15, 4)
    assert torch.equal(decoder.decoder_query(features, inputs_without_pos=features), queries)
    with pytest.raises(
        ShapeError, match="`inputs_without_pos` must be given where `concat_preprocessed_input` is"
    ):
        decoder.build_queries(encode())
    with pytest.raises(
        ShapeError, match=r"`inputs_without_pos` must have a row for each output of \[3, 5\] where"
    ):
        decoder.build_queries(encode(features=features[:, 1:]))


@pytest.mark.parametrize("use_query_residual", [False, True])
@pytest.mark.parametrize("final_project", [False, True])
def test_answers_are_one_cross_attend_and_a_linear_map(use_query_residual, final_project, build, encode):
    decoder = build(
        use_query_residual=use_query_residual,
        final_project=final_project,
        num_heads=2,
        qk_channels=4,
        v_channels=10,
        widening_factor=3,
    )
    encoded = encode()
    query = decoder.build_queries(encoded).tokens
    answered = decoder.attend(query, encoded.latents, output_attentions=True)
    layer = decoder.decoding_cross_attention
    attention = layer.attention
    q = attention.self.query(attention.self.layernorm1(query)).reshape(2, 15, 2, 2)
    kv = attention.self.layernorm2(encoded.latents)
    k = attention.self.key(kv).reshape(2, 5, 2, 2)
    v = attention.self.value(kv).reshape(2, 5, 2, 5)
    weights = torch.einsum("bqhc,bkhc->bhqk", q, k).div(2**0.5).softmax(dim=-1)
    context = torch.einsum("bhqk,bkhc->bqhc", weights, v).reshape(2, 15, 10)
    attended = attention.output.dense(context) + (query if use_query_residual else 0)
    expected = attended + layer.mlp(layer.layernorm(attended))
    expected = decoder.final_layer(expected) if final_project else expected
    assert expected.shape == (2, 15, 4 if final_project else 8)
    torch.testing.assert_close(answered.logits, expected)
    torch.testing.assert_close(answered.cross_attentions[0], weights)
    assert layer.mlp.dense1.out_features == 24
    assert torch.equal(decoder(query, encoded.latents).logits, decoder.attend(query, encoded.latents).logits)


def test_subsampled_points_may_have_a_fixed_number(build, encode):
    decoder, encoded = build(subsampled_index_dims=4), encode()
    assert decoder.build_queries(encoded, ask_for(subsampled_output_points=[0, 1, 2, 3])).tokens.shape[1] == 4
    # It is a contract of subsampled points alone.
    assert decoder.build_queries(encoded, ask_for(positions=[0, 1])).tokens.shape[1] == 2
    message = r"`subsampled_points` must be 4 points \(`subsampled_index_dims` \[4\]\), received 2"
    with pytest.raises(ShapeError, match=message):
        decoder.decoder_query(torch.zeros(2, 7, 3), subsampled_points=torch.tensor([0, 1]))


def test_a_decoder_without_positions_answers_queries_from_elsewhere(build, encode):
    decoder, encoded = build(position_encoding_type="none"), encode()
    assert decoder.attend(torch.randn(2, 3, 8), encoded.latents).logits.shape == (2, 3, 4)
    with pytest.raises(
        ConfigurationError, match="`position_encoding_type` is 'none': this decoder builds no queries"
    ):
        decoder.build_queries(encoded)
    with pytest.raises(
        ConfigurationError, match="`num_query_channels` is not known where `position_encoding_type` is"
    ):
        _ = decoder.num_query_channels
    with pytest.raises(
        ConfigurationError, match="`position_encoding_only` needs a `position_encoding_type`, rec"
    ):
        build(position_encoding_type="none", position_encoding_only=True)


def test_a_decoder_of_positions_alone_answers_nothing(build, encode):
    decoder = build(position_encoding_only=True)
    assert not hasattr(decoder, "decoding_cross_attention")
    with pytest.raises(
        ConfigurationError, match="`position_encoding_only` is set: this decoder builds queries and can"
    ):
        decoder.attend(torch.randn(2, 3, 8), encode().latents)


def test_a_decoder_needs_to_know_its_array(build, encode):
    decoder = build(output_index_dims=None)
    with pytest.raises(
        ConfigurationError, match="`output_index_dims` must be given to build queries, received None"
    ):
        decoder.build_queries(encode())
    assert decoder.build_queries(encode(), ask_for(output_dims=15)).tokens.shape == (2, 15, 8)


@pytest.mark.parametrize("shape", [(2, 3, 7), (3, 8)])
def test_queries_of_other_channels_are_refused(shape, build, encode):
    message = r"`query` must have shape \[batch, num_queries, 8\] \(`num_channels`\), received \["
    with pytest.raises(ShapeError, match=message):
        build().attend(torch.randn(shape), encode().latents)


def test_heads_divide_the_channels(build):
    for options, name, value in (
        ({"qk_channels": 7}, "qk_channels", 7),
        ({"v_channels": 5}, "v_channels", 5),
    ):
        message = rf"`{name}` must be divisible by the number of heads \(2\), received {value}"
        with pytest.raises(ConfigurationError, match=message):
            build(num_heads=2, **options)


@pytest.mark.parametrize("queries_at_a_time", [4, 16_384])
def test_gradient_checkpointing_recomputes_answers_and_changes_no_gradient(
    build, encode, monkeypatch, queries_at_a_time
):
    from perceivers.decoders import basic

    monkeypatch.setattr(basic, "_RECOMPUTED_QUERIES", queries_at_a_time)
    decoder, latents = build().double().train(), encode().latents.detach().double().requires_grad_()
    decoder.decoding_cross_attention.attention.dropout = 0.0
    queries = torch.randn(latents.shape[0], 15, 8, dtype=torch.float64, requires_grad=True)
    mask = torch.arange(15).remainder(3).expand(latents.shape[0], -1)
    rows = []
    decoder.final_layer.register_forward_pre_hook(lambda _, given: rows.append(given[0].shape[1]))
    outcomes, counts = [], []
    for checkpointing in (False, True):
        decoder.gradient_checkpointing = checkpointing
        rows.clear()
        answers = decoder.attend(queries, latents, mask).logits
        wanted = [queries, latents, *decoder.decoding_cross_attention.parameters()]
        outcomes.append((answers, *torch.autograd.grad(answers.square().sum(), wanted)))
        counts.append(list(rows))
    torch.testing.assert_close(*outcomes)
    pieces = [4, 4, 4, 3] if queries_at_a_time == 4 else [15]
    assert counts[0] == [15]
    assert sorted(counts[1]) == sorted(2 * pieces)
    rows.clear()
    decoder.eval().attend(queries, latents, mask).logits.sum().backward()
    assert rows == [15]
