"""The causal model: what a latent may see, padding, how many latents, positions, caches, losses, ways to ship it."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

import perceivers
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.models.losses import next_token_loss

SIZES = {
    "vocab_size": 31,
    "max_position_embeddings": 13,
    "d_model": 12,
    "num_latents": 5,
    "d_latents": 20,
    "num_self_attends_per_block": 2,
    "num_cross_attention_heads": 2,
    "num_self_attention_heads": 2,
    "attention_probs_dropout_prob": 0.0,
}
POSITIONS = ["rotary", "sinusoidal", "learned"]


@pytest.fixture
def lively():
    """A causal model, no parameter of which is at zero or one."""

    def build(**changed):
        torch.manual_seed(7)
        model = perceivers.PerceiverForCausalLM(perceivers.PerceiverConfig(**{**SIZES, **changed})).eval()
        with torch.no_grad():
            for name, tensor in model.named_parameters():
                if "norm" in name and name.endswith("weight"):
                    tensor.uniform_(0.5, 1.5)
                else:
                    tensor.normal_(std=0.5)
        return model

    return build


def ids_of(length, batch=3):
    return torch.randint(0, 31, (batch, length))


def close(received, expected, tolerance=1e-5):
    torch.testing.assert_close(received, expected, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("positions", POSITIONS)
@torch.no_grad()
def test_a_latent_sees_what_comes_before_it_and_nothing_else(positions, lively):
    model = lively(causal_positions=positions)
    ids = ids_of(11)
    logits = model(ids).logits
    for at in range(11):
        changed = ids.clone()
        changed[:, at] = (changed[:, at] + 1) % 31
        differs = (model(changed).logits - logits).abs().amax(dim=(0, 2)) > 1e-6
        # Latent j stands on token 6 + j.
        assert differs.tolist() == [6 + latent >= at for latent in range(5)]


@pytest.mark.parametrize("positions", POSITIONS)
@torch.no_grad()
def test_padding_counts_nowhere_wherever_it_stands(positions, lively):
    model = lively(causal_positions=positions)
    ids = ids_of(7, batch=1)
    alone = model(ids).logits
    for places in ([*range(4, 11)], [*range(7)], [0, 2, 3, 4, 8, 9, 10]):
        row, mask = torch.full((1, 11), 17), torch.zeros(1, 11, dtype=torch.long)
        row[:, places], mask[:, places] = ids, 1
        batch, masks = torch.cat([row, ids_of(11, 2)]), torch.cat([mask, torch.ones_like(mask).repeat(2, 1)])
        close(model(batch, masks).logits[:1], alone)


@torch.no_grad()
def test_a_row_with_fewer_tokens_than_latents_is_right_where_it_has_tokens(lively):
    model = lively()
    ids = ids_of(3, batch=1)
    padded = torch.cat([ids, torch.zeros(1, 8, dtype=torch.long)], dim=1)
    mask = (torch.arange(11) < 3)[None]
    logits = model(padded, mask).logits
    assert logits.shape == (1, 5, 31)
    assert bool(torch.isfinite(logits).all())
    close(logits[:, 2:], model(ids).logits)


@torch.no_grad()
def test_any_number_of_latents_can_be_asked_for(lively):
    model = lively()
    ids = ids_of(11)
    assert model(ids).logits.shape == (3, 5, 31)
    assert model(ids_of(3)).logits.shape == (3, 3, 31)
    for count in (1, 4, 11):
        assert model(ids, num_latents=count).logits.shape == (3, count, 31)
    # With one layer the first latent depends on the inputs alone, the later ones on the latents before them, too.
    close(model(ids, num_latents=5).logits[:, :1], model(ids[:, :7], num_latents=1).logits)
    for count in (0, 12):
        with pytest.raises(ShapeError, match=rf"`num_latents` must be in \[1, 11\], received {count}"):
            model(ids, num_latents=count)


@torch.no_grad()
def test_rotary_positions_are_relative_and_the_others_are_not(lively):
    ids = ids_of(11)
    places = torch.arange(11).expand(3, -1)
    for positions in POSITIONS:
        model = lively(causal_positions=positions)
        moved = model(ids, positions=places + 2).logits
        is_equal = torch.allclose(moved, model(ids).logits, atol=1e-5)
        assert is_equal == (positions == "rotary")


@torch.no_grad()
def test_each_rotary_setting_changes_the_answer(lively):
    ids = ids_of(11)
    answers = [lively().eval()(ids).logits]
    for changed in (
        {"rotary_fraction": 1.0},
        {"rotary_head_fraction": 0.5},
        {"rotary_max_wavelength": 100.0},
    ):
        answers.append(lively(**changed)(ids).logits)
        assert all(not torch.allclose(answers[-1], other, atol=1e-4) for other in answers[:-1])
    # Nothing is left to turn: a model without positions, whose last latent takes its inputs in any order.
    free = lively(rotary_fraction=0.01)
    close(
        free(ids, num_latents=1).logits,
        free(torch.cat([ids[:, :10].flip(1), ids[:, 10:]], 1), num_latents=1).logits,
    )


@torch.no_grad()
def test_large_positions_are_as_exact_as_small_ones(lively):
    model = lively(rotary_fraction=1.0)
    ids = ids_of(11)
    far = torch.arange(11).expand(3, -1) + 10_000_019
    close(model(ids, positions=far).logits, model(ids).logits, 1e-4)


@pytest.mark.parametrize("blocks", [1, 3])
@torch.no_grad()
def test_a_cache_that_is_large_enough_changes_nothing(blocks, lively):
    model = lively(num_blocks=blocks)
    ids = ids_of(11)
    mask = torch.arange(11) >= torch.tensor([[0], [2], [4]])
    cache = model.new_cache(13, 7)
    parts = [model(ids[:, :6], mask[:, :6], num_latents=2, cache=cache).logits]
    parts.append(model(ids[:, 6:9], cache=cache).logits)
    parts += [model(ids[:, at : at + 1], cache=cache).logits for at in (9, 10)]
    assert (cache.num_inputs, cache.num_latents) == (11, 7)
    close(torch.cat(parts, dim=1), model(ids, mask, num_latents=7).logits)


@torch.no_grad()
def test_a_full_cache_takes_one_token_at_a_time_and_keeps_its_size(lively):
    model = lively()
    cache = model.new_cache(7, 3)
    model(ids_of(7), num_latents=3, cache=cache)
    with pytest.raises(
        ShapeError, match=r"`inputs` must be at most 0 more where 7 of 7 entries are kept, or one"
    ):
        model(ids_of(2), cache=cache)
    for _ in range(20):
        assert bool(torch.isfinite(model(ids_of(1), cache=cache).logits).all())
        assert (cache.num_inputs, cache.num_latents) == (7, 3)
    with pytest.raises(ShapeError, match=r"`num_latents` must be 1, or left out, where a cache is filled"):
        model(ids_of(1), num_latents=2, cache=cache)
    with pytest.raises(ConfigurationError, match="`num_latents` must be at least 1, received 0"):
        model.new_cache(num_latents=0)


def test_labels_are_those_of_the_tokens_that_follow(lively):
    model = lively(z_loss_weight=0.3)
    ids = ids_of(11)
    labels = ids.clone()
    labels[0, 8] = -100
    output = model(ids, labels=labels, num_latents=4)
    targets = torch.cat([labels[:, 8:], torch.full((3, 1), -100)], dim=1)
    close(output.loss, next_token_loss(output.logits, targets, 0.3))
    plain = F.cross_entropy(output.logits.flatten(0, 1), targets.flatten())
    counted = output.logits.logsumexp(-1).square()[targets != -100]
    close(output.loss, plain + 0.3 * counted.mean())


def test_labels_follow_their_tokens_where_padding_stands_behind(lively):
    model = lively()
    ids = ids_of(7, 1)
    right = F.pad(ids, (0, 4))
    expected = model(ids, labels=ids).loss
    close(model(right, (torch.arange(11) < 7)[None], labels=right).loss, expected)
    nothing = torch.full_like(ids, -100)
    close(model(ids, labels=nothing).loss, torch.tensor(0.0))


def test_what_is_hidden_while_training_is_drawn_anew_and_never_ones_own(lively):
    ids = ids_of(11)
    for key in ("prefix_dropout_prob", "latent_dropout_prob"):
        model = lively(**{key: 0.6})
        before = model(ids).logits
        model.train()
        first, second = model(ids).logits, model(ids).logits
        assert not torch.allclose(first, second)
        torch.manual_seed(3)
        third = model(ids).logits
        torch.manual_seed(3)
        close(model(ids).logits, third)
        close(model.eval()(ids).logits, before)
    # All but all are hidden: a latent alone with its own token.
    model = lively(prefix_dropout_prob=0.999999, latent_dropout_prob=0.999999, rotary_fraction=0.01).train()
    close(model(ids).logits[:, -1:], model.eval()(ids[:, -1:]).logits)


def test_gradients_are_the_same_when_activations_are_computed_again(lively):
    ids = ids_of(11)
    grads = []
    for recomputes in (False, True):
        model = lively().train()
        if recomputes:
            model.gradient_checkpointing_enable()
        model(ids, labels=ids).loss.backward()
        grads.append([parameter.grad.clone() for parameter in model.parameters()])
    for received, expected in zip(*grads, strict=True):
        close(received, expected)


def test_a_new_model_finds_every_token_equally_likely():
    model = perceivers.PerceiverForCausalLM(perceivers.PerceiverConfig(**SIZES))
    ids = ids_of(11)
    close(model(ids, labels=ids).loss, torch.tensor(31.0).log())
    assert 0.7 < float(model.embeddings.weight.detach().std()) < 1.2


def test_it_is_saved_and_loaded_in_the_hubs_form(lively, tmp_path):
    model = lively(causal_positions="learned", position_sizes=(13,), prefix_dropout_prob=0.25)
    model.save_pretrained(tmp_path)
    loaded = perceivers.PerceiverForCausalLM.from_pretrained(tmp_path, local_files_only=True)
    ids = ids_of(11)
    close(loaded(ids).logits, model(ids).logits)
    assert loaded.config.prefix_dropout_prob == 0.25
    assert "prefix_dropout_prob" not in perceivers.PerceiverConfig().to_dict()


@pytest.mark.slow
@torch.no_grad()
def test_it_compiles_without_a_break_and_exports_with_free_sizes(lively):
    model = lively()
    ids, mask = ids_of(11), (torch.arange(11) >= torch.tensor([[0], [2], [9]])).long()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    close(compiled(ids, mask).logits, model(ids, mask).logits)
    batch, length = torch.export.Dim("batch", min=1, max=64), torch.export.Dim("length", min=6, max=13)
    program = torch.export.export(
        model, (), {"inputs": ids, "attention_mask": mask}, dynamic_shapes={
            "inputs": {0: batch, 1: length}, "attention_mask": {0: batch, 1: length},
        },
    )  # fmt: skip
    other, other_mask = ids_of(7, 2), (torch.arange(7) >= torch.tensor([[0], [3]])).long()
    close(program.module()(inputs=other, attention_mask=other_mask).logits, model(other, other_mask).logits)


@torch.no_grad()
def test_half_precision_is_near(lively):
    ids, mask = ids_of(11), torch.arange(11) >= torch.tensor([[0], [2], [4]])
    model = lively()
    for parameter in model.parameters():
        parameter.mul_(0.5)
    expected = model(ids, mask).logits
    received = model.bfloat16()(ids, mask).logits
    assert received.dtype == torch.bfloat16
    assert float((received.float() - expected).abs().max()) < 0.05 * float(expected.abs().max())


@torch.no_grad()
def test_attention_weights_and_latents_between_layers_are_given(lively):
    model = lively()
    ids = ids_of(11)
    output = model(ids, output_attentions=True, output_hidden_states=True)
    close(output.logits, model(ids).logits)
    assert [tuple(each.shape) for each in output.attentions] == [(3, 2, 5, 5)] * 2
    assert output.cross_attentions[0].shape == (3, 2, 5, 11)
    assert len(output.hidden_states) == 3
    assert float(output.attentions[0].triu(1).abs().max()) == 0.0
    close(model(ids, return_dict=False)[0], output.logits)
    close(lively(attn_implementation="eager")(ids).logits, output.logits)


@torch.no_grad()
def test_the_prepared_model_answers_alike_and_says_what_is_plain(lively):
    model, ids = lively(), ids_of(11)
    expected = model(ids).logits
    prepared = model.prepare()
    close(prepared(ids).logits, expected)
    cache = prepared.new_cache()
    close(prepared(ids, cache=cache).logits, expected)
    assert list(prepared.plain_parts) == ["encoder"]
    model.lm_head.bias.add_(1.0)
    close(prepared(ids).logits, expected)
    for option in ({"chunk_size": 7}, {"quantize": "int8"}):
        with pytest.raises(
            ConfigurationError, match=rf"`{next(iter(option))}` must be None for PerceiverForCausalLM"
        ):
            model.prepare(**option)
    consumed = model.prepare(consume=True)
    assert consumed(ids).logits.shape == (3, 5, 31)
    with pytest.raises(ConfigurationError, match="weights were moved"):
        model(ids)


def test_the_vocabulary_can_grow_and_shrink(lively):
    model, ids = lively(), ids_of(11)
    expected = model(ids).logits
    assert model.resize_token_embeddings(37).num_embeddings == 37 == model.config.vocab_size
    close(model(ids).logits[..., :31], expected)
    model.resize_token_embeddings(31)
    close(model(ids).logits, expected)
    with pytest.raises(ShapeError, match="`new_num_tokens` must be at least 1, received 0"):
        model.resize_token_embeddings(0)
    assert model.get_input_embeddings() is model.embeddings.weight
    model.set_input_embeddings(torch.zeros(31, 12))
    assert not bool(model.embeddings.weight.any())
    with pytest.raises(ShapeError, match=r"`value` must have shape \[31, 12\], received \[31, 13\]"):
        model.set_input_embeddings(torch.zeros(31, 13))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "`inputs` \\(or `input_ids`\\) must be given"),
        ({"inputs": torch.zeros(2, 3)}, r"`inputs` must be ids \[batch, length\].*\[2, 3\] of torch.float32"),
        ({"inputs": torch.zeros(2, 0, dtype=torch.long)}, r"`inputs` must not be empty, received \[2, 0\]"),
        ({"inputs": torch.zeros(2, 14, dtype=torch.long)}, r"`inputs` must be at most 13 tokens long .*received 14"),
        ({"inputs": torch.full((2, 3), 31)}, r"`inputs` must hold ids in \[0, 30\], received ids from 31 to 31"),
        ({"inputs": ids_of(3), "attention_mask": torch.ones(3, 4)}, r"`attention_mask` must have shape \[3, 3\], received"),
        ({"inputs": ids_of(3), "labels": ids_of(4)}, r"`labels` must have shape \[3, 3\], received \[3, 4\]"),
        ({"inputs": ids_of(3), "positions": torch.zeros(3, 3)}, r"`positions` must be whole numbers \[3, 3\], rec.*float"),
        ({"inputs": ids_of(3), "labels": torch.full((3, 3), 31)}, r"`labels` must be in \[0, 30\]"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(given, message, lively):
    with pytest.raises(ShapeError, match=message):
        lively()(**given)


def test_positions_beyond_a_learned_table_or_of_other_axes_are_errors(lively):
    ids, places = ids_of(3), torch.tensor([[0, 1, 13]]).expand(3, -1)
    with pytest.raises(
        ShapeError, match=r"`positions` must hold positions in \[0, 12\], received positions from 0 to 13"
    ):
        lively(causal_positions="learned")(ids, positions=places)
    two = lively(causal_positions="learned", position_sizes=(5, 7))
    with pytest.raises(ShapeError, match="`positions` must be given where there are 2 tables of positions"):
        two(ids)
    assert two(ids, positions=torch.zeros(3, 3, 2, dtype=torch.long)).logits.shape == (3, 3, 31)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"causal_positions": "fourier"}, "`causal_positions` must be one of 'rotary', 'sinusoidal', 'learned', received"),
        ({"causal_positions": "learned", "rotary_fraction": 0.5}, "`rotary_fraction` says nothing about learned positions"),
        ({"position_sizes": (5,)}, "`position_sizes` says nothing about rotary positions"),
        ({"causal_positions": "learned", "position_sizes": ()}, "`position_sizes` must be one or more whole numbers"),
        ({"causal_positions": "learned", "position_sizes": (0,)}, "`position_sizes` must be a whole number of at least 1"),
        ({"rotary_max_wavelength": 12}, r"`rotary_max_wavelength` must be at least `max_position_embeddings` \(13\)"),
        ({"rotary_fraction": 0}, r"`rotary_fraction` must be in \(0, 1\], received 0"),
        ({"rotary_head_fraction": 1.5}, r"`rotary_head_fraction` must be in \(0, 1\], received 1.5"),
        ({"prefix_dropout_prob": 1.0}, r"`prefix_dropout_prob` must be in \[0, 1\), received 1.0"),
        ({"latent_dropout_prob": -0.1}, r"`latent_dropout_prob` must be in \[0, 1\), received -0.1"),
        ({"z_loss_weight": -1}, "`z_loss_weight` must be a finite number of at least 0, received -1"),
        ({"num_self_attends_per_block": 0}, "`num_self_attends_per_block` must be at least 1 in a causal model"),
        ({"causal_positions": "sinusoidal", "d_model": 11, "num_cross_attention_heads": 1}, "`d_model` must be even where"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_named(changed, message, lively):
    with pytest.raises(ConfigurationError, match=message):
        lively(**changed)
