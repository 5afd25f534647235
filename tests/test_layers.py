"""Layers take their numbers from the configuration, and equal Transformers' layers for the same weights."""

from __future__ import annotations

import pytest
import torch

from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.layers import PerceiverEmbeddings, PerceiverEncoder, PerceiverLayer
from perceivers.outputs import EncoderOutput

BATCH, LATENTS, INPUTS, CHANNELS, KV = 2, 3, 5, 12, 7
SMALL = {
    "num_latents": LATENTS,
    "d_latents": CHANNELS,
    "num_blocks": 2,
    "num_self_attends_per_block": 3,
    "num_self_attention_heads": 3,
    "num_cross_attention_heads": 2,
    "attention_probs_dropout_prob": 0.0,
}


def config(**values):
    return PerceiverConfig(**{**SMALL, **values})


def encoder(kv_dim=KV, **values):
    values = {"qk_channels": 6, "v_channels": 18, **values}
    return PerceiverEncoder(config(**values), kv_dim=kv_dim)


def latents():
    return torch.randn(BATCH, LATENTS, CHANNELS)


def inputs(channels=KV):
    return torch.randn(BATCH, INPUTS, channels)


class TestEmbeddings:
    def test_every_sample_gets_the_same_latents(self):
        embeddings = PerceiverEmbeddings(config())
        received = embeddings(BATCH)
        assert received.shape == (BATCH, LATENTS, CHANNELS)
        assert torch.equal(received[0], embeddings.latents)
        assert torch.equal(received[1], embeddings.latents)

    def test_they_start_from_a_cut_normal_of_the_configured_width(self):
        values = PerceiverEmbeddings(config(num_latents=1009, initializer_range=0.5)).latents
        assert 0.9 < values.abs().max() <= 1.0
        assert abs(values.std().item() - 0.5 * 0.8796) < 0.01


class TestLayer:
    @pytest.mark.parametrize(
        ("side", "expected"), [("kv", KV), ("q", CHANNELS)], ids=["by the inputs", "by the queries"]
    )
    def test_the_configuration_says_which_side_sets_the_channels_of_cross_attention(self, side, expected):
        layer = PerceiverLayer(
            config(cross_attention_shape_for_attention=side), True, q_dim=CHANNELS, kv_dim=KV
        )
        projections = layer.attention.self
        assert projections.query.out_features == projections.key.out_features == expected
        assert projections.value.out_features == expected

    @pytest.mark.parametrize("side", ["kv", "q"])
    def test_self_attention_has_the_channels_of_its_queries(self, side):
        layer = PerceiverLayer(config(cross_attention_shape_for_attention=side), q_dim=CHANNELS)
        assert layer.attention.self.value.out_features == CHANNELS

    def test_channels_given_win_and_values_follow_keys(self):
        layer = PerceiverLayer(config(), True, qk_channels=6, q_dim=CHANNELS, kv_dim=KV, num_heads=2)
        assert layer.attention.self.key.out_features == layer.attention.self.value.out_features == 6
        layer = PerceiverLayer(
            config(), True, qk_channels=6, v_channels=10, q_dim=CHANNELS, kv_dim=KV, num_heads=2
        )
        assert layer.attention.self.value.out_features == 10
        assert layer.attention.output.dense.weight.shape == (CHANNELS, 10)

    def test_its_options_come_from_the_configuration(self):
        layer = PerceiverLayer(
            config(
                attention_probs_dropout_prob=0.25,
                norm_eps=0.125,
                zero_fully_masked_rows=True,
                attn_implementation="eager",
                chunk_size_feed_forward=2,
                hidden_act="relu",
            ),
            q_dim=CHANNELS,
            widening_factor=5,
            use_query_residual=False,
        )
        attention = layer.attention
        assert (attention.dropout, attention.zero_masked_rows, attention.implementation) == (
            0.25,
            True,
            "eager",
        )
        assert not attention.query_residual
        assert layer.layernorm.eps == attention.self.layernorm1.eps == 0.125
        assert layer.mlp_chunk_size == 2
        assert layer.mlp.dense1.out_features == 5 * CHANNELS
        assert layer.mlp.activation is torch.nn.functional.relu

    def test_the_released_epsilon_of_the_file_is_not_applied(self):
        assert PerceiverLayer(config(layer_norm_eps=0.5), q_dim=CHANNELS).layernorm.eps == 1e-5

    @pytest.mark.parametrize(
        ("arguments", "received"),
        [
            ({}, "q_dim=None, kv_dim=None"),
            ({"is_cross_attention": True, "q_dim": 6}, "q_dim=6, kv_dim=None"),
            ({"is_cross_attention": True, "kv_dim": 7}, "q_dim=None, kv_dim=7"),
        ],
    )
    def test_missing_channels_are_an_error(self, arguments, received):
        with pytest.raises(ConfigurationError, match=rf"`q_dim` \(and `kv_dim` .* received {received}"):
            PerceiverLayer(config(), **arguments)


class TestEncoder:
    @pytest.mark.parametrize("masked", [False, True])
    @pytest.mark.parametrize("residual", [True, False])
    def test_it_equals_the_encoder_of_transformers(self, residual, masked):
        from transformers import PerceiverConfig as ReferenceConfig
        from transformers.models.perceiver.modeling_perceiver import PerceiverEncoder as Reference

        # Transformers can give self-attends no other value channels than the latents' own.
        values = {**SMALL, "qk_channels": 6, "v_channels": CHANNELS, "use_query_residual": residual}
        values["cross_attention_widening_factor"] = 2
        reference = Reference(ReferenceConfig(**values), kv_dim=KV).eval()
        ours = PerceiverEncoder(PerceiverConfig(**values), kv_dim=KV).eval()
        ours.load_state_dict(reference.state_dict())
        hidden, looked_at = latents(), inputs()
        mask = torch.tensor([[1, 1, 0, 1, 0], [1, 1, 1, 1, 1]]) if masked else None
        additive = None if mask is None else (1.0 - mask)[:, None, None] * torch.finfo(torch.float32).min
        asked = {"output_attentions": True, "output_hidden_states": True}
        expected = reference(hidden, inputs=looked_at, inputs_mask=additive, **asked)
        for form in (mask, additive):
            received = ours(hidden, inputs=looked_at, inputs_mask=form, **asked)
            torch.testing.assert_close(received.last_hidden_state, expected.last_hidden_state)
            for name in ("hidden_states", "attentions", "cross_attentions"):
                torch.testing.assert_close(received[name], tuple(expected[name]), msg=name)

    @pytest.mark.parametrize(("num_blocks", "num_layers"), [(1, 1), (1, 4), (3, 2), (2, 0)])
    def test_each_block_adds_its_layers_and_one_to_the_hidden_states(self, num_blocks, num_layers):
        built = encoder(num_blocks=num_blocks, num_self_attends_per_block=num_layers)
        output = built(latents(), inputs=inputs(), output_hidden_states=True, output_attentions=True)
        assert len(output.hidden_states) == num_blocks * (num_layers + 1)
        assert len(output.attentions) == num_blocks * num_layers
        assert len(output.cross_attentions) == 1
        assert output.cross_attentions[0].shape == (BATCH, 2, LATENTS, INPUTS)
        assert all(each.shape == (BATCH, 3, LATENTS, LATENTS) for each in output.attentions)
        assert torch.equal(output.hidden_states[-1], output.last_hidden_state)

    def test_blocks_share_their_weights(self):
        once, twice = (encoder(num_blocks=number) for number in (1, 2))
        assert once.state_dict().keys() == twice.state_dict().keys()

    def test_cross_attention_has_its_own_width_and_heads(self):
        built = encoder(cross_attention_widening_factor=5, self_attention_widening_factor=4)
        assert built.cross_attention.mlp.dense1.out_features == 5 * CHANNELS
        assert built.self_attends[0].mlp.dense1.out_features == 4 * CHANNELS
        assert built.cross_attention.attention.num_heads == 2
        assert built.self_attends[0].attention.num_heads == 3

    def test_nothing_is_returned_that_was_not_asked_for(self):
        output = encoder()(latents(), inputs=inputs())
        assert isinstance(output, EncoderOutput)
        assert output.keys() == ("last_hidden_state",)

    def test_a_tuple_holds_the_same(self):
        built = encoder().eval()
        hidden, looked_at = latents(), inputs()
        asked = {"output_attentions": True, "output_hidden_states": True}
        output = built(hidden, inputs=looked_at, **asked)
        received = built(hidden, inputs=looked_at, return_dict=False, **asked)
        assert isinstance(received, tuple)
        torch.testing.assert_close(received, output.to_tuple())

    def test_masked_latents_are_not_looked_at(self):
        built = encoder().eval()
        hidden, looked_at = latents(), inputs()
        received = built(hidden, attention_mask=torch.tensor([[1, 0, 1]] * BATCH), inputs=looked_at)
        expected = built(hidden[:, [0, 2]], inputs=looked_at)
        torch.testing.assert_close(received.last_hidden_state[:, [0, 2]], expected.last_hidden_state)

    def test_gradient_checkpointing_recomputes_while_training_and_changes_no_gradient(self):
        built = encoder(attention_probs_dropout_prob=0.5)
        hidden, looked_at = latents(), inputs()
        calls = []
        built.self_attends[0].mlp.register_forward_pre_hook(lambda *_: calls.append(1))
        gradients, counts = [], []
        for checkpointing in (False, True):
            built.gradient_checkpointing = checkpointing
            torch.manual_seed(7)
            calls.clear()
            loss = built(hidden, inputs=looked_at).last_hidden_state.square().sum()
            gradients.append(torch.autograd.grad(loss, list(built.parameters())))
            counts.append(len(calls))
        torch.testing.assert_close(*gradients)
        assert counts == [2, 4]
        calls.clear()
        built.eval()(hidden, inputs=looked_at).last_hidden_state.sum().backward()
        assert len(calls) == 2

    def test_both_implementations_and_any_chunk_size_agree(self):
        hidden, looked_at = latents(), inputs()
        built = encoder().eval()
        expected = built(hidden, inputs=looked_at).last_hidden_state
        for values in ({"attn_implementation": "eager"}, {"chunk_size_feed_forward": 2}):
            other = encoder(**values).eval()
            other.load_state_dict(built.state_dict())
            torch.testing.assert_close(other(hidden, inputs=looked_at).last_hidden_state, expected)

    @pytest.mark.parametrize("key", ["num_self_attention_heads", "num_cross_attention_heads"])
    def test_heads_that_do_not_divide_the_latents_are_an_error(self, key):
        with pytest.raises(ConfigurationError, match=rf"`{key}` must divide `d_latents` \(12\), received 5"):
            encoder(**{key: 5})

    def test_channels_of_the_inputs_must_be_given(self):
        with pytest.raises(ConfigurationError, match="`q_dim`"):
            encoder(kv_dim=None)

    def test_inputs_that_do_not_fit_are_an_error(self):
        built = encoder()
        with pytest.raises(ShapeError, match="`inputs` must be given to the encoder, received None"):
            built(latents())
        with pytest.raises(
            ShapeError, match=r"`inputs` must have shape \[batch, num_inputs, 7\], received \[2, 5, 11\]"
        ):
            built(latents(), inputs=inputs(11))
        with pytest.raises(ShapeError, match=r"`inputs_mask` must have shape \[2, 5\], received \[2, 4\]"):
            built(latents(), inputs=inputs(), inputs_mask=torch.ones(2, 4))
