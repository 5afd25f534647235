"""The causal model gives what the original Perceiver AR code gave (google-research/perceiver-ar, commit cc756f5).

The arrays were made with random weights; parameters lie under `PREFIX|HAIKU_MODULE|PARAMETER`, as Haiku names them.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from perceivers import PerceiverConfig, PerceiverForCausalLM
from perceivers.models import causal_language_modeling
from perceivers.models.losses import next_token_loss
from perceivers.nn.rotary import rotation_at, sinusoids

ARRAYS = Path(__file__).parent / "data" / "jax_perceiver_ar.npz"
TOLERANCE = 1e-4

POSITIONS = {
    "rotary": {"causal_positions": "rotary", "rotary_fraction": 0.5, "rotary_max_wavelength": 16},
    "rotary_data": {
        "causal_positions": "rotary",
        "rotary_fraction": 0.75,
        "rotary_head_fraction": 0.5,
        "rotary_max_wavelength": 40,
    },
    "sinusoidal": {"causal_positions": "sinusoidal"},
    "sinusoidal_relative": {"causal_positions": "sinusoidal"},
    "learned": {"causal_positions": "learned", "position_sizes": (6, 7, 5)},
    "sampler": {"causal_positions": "sinusoidal"},
}
# Haiku's modules, and the names here.
MODULES = {
    "perceiver_ar/layer_norm": "layernorm",
    "perceiver_ar/~/linear": "query",
    "perceiver_ar/~/logits": "lm_head",
    "perceiver_ar/~/embed": "embeddings",
    "perceiver_ar/~/embed_1": "position_embeddings.0",
    "perceiver_ar/~/embed_2": "position_embeddings.1",
    "perceiver_ar/~/embed_3": "position_embeddings.2",
    "perceiver_ar/~/cross_attention": "encoder.cross_attention",
    "perceiver_ar/~/self_attention": "encoder.self_attends.0",
    "perceiver_ar/~/self_attention_1": "encoder.self_attends.1",
}
OF_ATTENTION = {
    "attention/linear": "attention.self.query",
    "attention/linear_1": "attention.self.key",
    "attention/linear_2": "attention.self.value",
    "attention/linear_3": "attention.output.dense",
    "dense/linear": "mlp.dense1",
    "dense/linear_1": "mlp.dense2",
    "layer_norm": "attention.self.layernorm1",
}
PARAMETERS = {"w": "weight", "b": "bias", "scale": "weight", "offset": "bias", "embeddings": "weight"}


@pytest.fixture(scope="module")
def golden():
    with np.load(ARRAYS) as archive:
        return {key: archive[key] for key in archive.files}


def name_of(module):
    if module in MODULES:
        return MODULES[module]
    outer = next(outer for outer in sorted(MODULES, key=len, reverse=True) if module.startswith(outer + "/"))
    inner = module.removeprefix(outer + "/")
    is_cross = "cross" in outer
    norms = {
        "layer_norm_1": "attention.self.layernorm2" if is_cross else "layernorm",
        "layer_norm_2": "layernorm",
    }
    return f"{MODULES[outer]}.{ {**OF_ATTENTION, **norms}[inner] }"


def built(golden, name, **changed):
    """The model of the golden arrays, its parameters filled in."""
    sizes = json.loads(str(golden["config_json"]))[name]
    config = PerceiverConfig(
        vocab_size=23,
        max_position_embeddings=14,
        d_model=24,
        num_latents=6,
        d_latents=sizes["num_z_channels"],
        num_self_attends_per_block=2,
        num_cross_attention_heads=2,
        num_self_attention_heads=4,
        cross_attention_widening_factor=3,
        self_attention_widening_factor=2,
        hidden_act="relu2",
        attention_probs_dropout_prob=0.0,
        **POSITIONS[name],
        **changed,
    )
    model = PerceiverForCausalLM(config).eval()
    state = {}
    for key, values in golden.items():
        prefix, _, rest = key.partition("|")
        if prefix != name or not rest:
            continue
        module, parameter = rest.split("|")
        if module.endswith("embed_1") and "sinusoidal" in str(POSITIONS[name]):
            continue
        tensor = torch.tensor(values)
        state[f"{name_of(module)}.{PARAMETERS[parameter]}"] = tensor.T if parameter == "w" else tensor
    model.load_state_dict(state)
    return model


def ids(array):
    return torch.tensor(array, dtype=torch.int64)


def assert_equal_where_valid(answer, golden, name):
    valid = golden[f"{name}_last_steps"] >= 0
    expected = golden[f"{name}_logits"]
    difference = np.abs(answer.numpy() - expected)[valid]
    assert difference.max() < TOLERANCE * np.abs(expected[valid]).max()


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("rotary", "rotary_relative_positions"),
        ("rotary_data", "positions_padded"),
        ("sinusoidal", "positions_padded"),
        ("learned", "learned_positions"),
    ],
)
@torch.no_grad()
def test_logits_of_padded_tokens_are_the_originals(golden, name, given):
    model = built(golden, name)
    tokens = ids(golden["tokens_padded"])

    answer = model(tokens, tokens != 0, positions=ids(golden[given])).logits

    assert_equal_where_valid(answer, golden, name)


@torch.no_grad()
def test_distances_to_the_last_token_can_be_given_to_sinusoids(golden):
    model = built(golden, "sinusoidal_relative")
    tokens = ids(golden["tokens_padded"])
    distances = (ids(golden["lengths"])[:, None] - 1 - torch.arange(14)).clamp(min=0)

    assert_equal_where_valid(
        model(tokens, tokens != 0, positions=distances).logits, golden, "sinusoidal_relative"
    )


@torch.no_grad()
def test_positions_that_nobody_gives_count_from_the_left_without_padding(golden):
    model = built(golden, "rotary")
    tokens = ids(golden["tokens_padded"])
    valid = golden["rotary_last_steps"] >= 0
    expected = golden["rotary_logits_negative"]

    right = model(tokens, tokens != 0).logits
    order = (tokens != 0).byte().argsort(dim=1, stable=True)
    left = tokens.gather(1, order)

    assert np.abs(right.numpy() - expected)[valid].max() < TOLERANCE * np.abs(expected).max()
    torch.testing.assert_close(model(left, left != 0).logits, right)


@torch.no_grad()
def test_tokens_without_padding_need_no_mask(golden):
    expected = golden["rotary_data_logits_unpadded"]

    answer = built(golden, "rotary_data")(ids(golden["tokens"]), positions=ids(golden["positions"])).logits

    assert np.abs(answer.numpy() - expected).max() < TOLERANCE * np.abs(expected).max()


@torch.no_grad()
def test_hidden_inputs_and_latents_change_the_training_forward_as_in_the_original(golden, monkeypatch):
    kept = [torch.tensor(golden[f"rotary_training_kept_{each}"]).bool() for each in ("inputs", "latents")]
    model = built(golden, "rotary", prefix_dropout_prob=0.5, latent_dropout_prob=0.5).train()
    tokens = ids(golden["tokens_padded"])
    mask = tokens != 0
    # The original's columns are not arranged.
    order = mask.byte().argsort(dim=1, stable=True)
    draws = iter([kept[0].gather(1, order), kept[1]])
    monkeypatch.setattr(causal_language_modeling, "draw_kept", lambda *_: next(draws))
    # It hides a latent's own token, too; of latents, only others from each other.
    own = causal_language_modeling.own_keys
    monkeypatch.setattr(
        causal_language_modeling,
        "own_keys",
        lambda count, keys, device: own(count, keys, device) & (keys == 6),
    )

    answer = model(tokens, mask, positions=ids(golden["rotary_relative_positions"])).logits

    valid = golden["rotary_last_steps"] >= 0
    expected = golden["rotary_training_logits"]
    assert np.abs(answer.numpy() - expected)[valid].max() < TOLERANCE * np.abs(expected).max()


@pytest.mark.parametrize("name", ["rotary_data", "sinusoidal"])
@torch.no_grad()
def test_a_growing_cache_gives_the_originals_steps_and_a_fresh_pass(golden, name):
    model = built(golden, name)
    tokens, positions = ids(golden["tokens"]), ids(golden["positions"])
    cache = model.new_cache(num_latents=7)

    steps = [model(tokens[:, :8], num_latents=1, positions=positions[:, :8], cache=cache).logits]
    for at in range(8, 14):
        steps.append(model(tokens[:, at : at + 1], positions=positions[:, at : at + 1], cache=cache).logits)
    answer = torch.cat(steps, dim=1)

    expected = golden[f"{name}_kv_steps"]
    assert (cache.num_inputs, cache.num_latents) == (14, 7)
    assert np.abs(answer.numpy() - expected).max() < TOLERANCE * np.abs(expected).max()
    fresh = model(tokens, num_latents=7, positions=positions).logits
    torch.testing.assert_close(answer, fresh, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", ["rotary_data", "sinusoidal"])
@torch.no_grad()
def test_a_cache_filled_with_several_latents_gives_the_originals_steps(golden, name):
    model = built(golden, name)
    tokens, positions = ids(golden["tokens"]), ids(golden["positions"])
    cache = model.new_cache(num_latents=9)

    filled = model(tokens[:, :9], num_latents=4, positions=positions[:, :9], cache=cache).logits
    steps = [
        model(tokens[:, at : at + 1], positions=positions[:, at : at + 1], cache=cache).logits
        for at in range(9, 14)
    ]

    for answer, key in ((filled, "kv4_prefill"), (torch.cat(steps, dim=1), "kv4_steps")):
        expected = golden[f"{name}_{key}"]
        assert np.abs(answer.numpy() - expected).max() < TOLERANCE * np.abs(expected).max()


@pytest.mark.parametrize("name", ["rotary_data", "sinusoidal"])
@torch.no_grad()
def test_a_cache_that_slides_gives_the_originals_steps(golden, name):
    model = built(golden, name)
    tokens, positions = ids(golden["tokens"]), ids(golden["positions"])
    cache = model.new_cache(num_inputs=10, num_latents=4)

    steps = [model(tokens[:, :6], num_latents=1, positions=positions[:, :6], cache=cache).logits]
    for at in range(6, 14):
        steps.append(model(tokens[:, at : at + 1], positions=positions[:, at : at + 1], cache=cache).logits)
    answer = torch.cat(steps, dim=1).numpy()

    expected = golden[f"{name}_fixed_steps"]
    assert (cache.num_inputs, cache.num_latents) == (10, 4)
    assert np.abs(answer - expected).max() < TOLERANCE * np.abs(expected).max()


def test_the_loss_is_the_originals_divided_by_the_targets_that_count(golden):
    mask = torch.tensor(golden["loss_mask"]).bool()
    targets = ids(golden["loss_labels"]).masked_fill(~mask, -100)
    logits = torch.tensor(golden["loss_logits"])

    loss = next_token_loss(logits, targets, z_loss_weight=1e-4)

    torch.testing.assert_close(loss * mask.sum(), torch.tensor(golden["loss_total"]), rtol=1e-5, atol=0)
    plain = next_token_loss(logits, targets) * mask.sum()
    expected = torch.tensor(golden["loss_total"] - golden["loss_z_total"])
    torch.testing.assert_close(plain, expected, rtol=1e-5, atol=0)


@torch.no_grad()
def test_the_loss_of_unshifted_labels_is_that_of_the_following_tokens(golden):
    model = built(golden, "sinusoidal", z_loss_weight=1e-4)
    tokens, positions = ids(golden["loss_inputs"]), ids(golden["loss_positions"])

    answer = model(tokens, tokens != 0, tokens, positions=positions)

    # The last latent has no label, and the tokens have no event after their last one.
    targets = ids(golden["loss_labels"]).masked_fill(~torch.tensor(golden["loss_mask"]).bool(), -100)
    for row, last in enumerate(golden["sinusoidal_last_steps"][:, -1]):
        assert targets[row, -1] != -100 or last < 0
    targets[:, -1] = -100
    expected = next_token_loss(torch.tensor(golden["loss_logits"]), targets, 1e-4)
    torch.testing.assert_close(answer.loss, expected, rtol=1e-4, atol=1e-5)


def test_turns_and_tables_are_the_originals(golden):
    values = torch.tensor(golden["rotate_in"])
    batch, length, heads, channels = values.shape
    for key, fraction, head_fraction in (
        ("rotate_out_full", 1.0, 1.0),
        ("rotate_out_half_channels_two_heads", 0.5, 0.7),
    ):
        rotation = rotation_at(
            ids(golden["rotate_positions"]),
            head_channels=channels,
            num_heads=heads,
            fraction=fraction,
            head_fraction=head_fraction,
            max_wavelength=100,
            dtype=torch.float32,
        )
        turned = rotation.turn(values.flatten(2), heads).reshape(batch, length, heads, channels)
        torch.testing.assert_close(turned, torch.tensor(golden[key]), atol=1e-5, rtol=1e-5)
    for rows, columns in ((10, 6), (25, 24)):
        table = torch.tensor(golden[f"table_sinusoidal_{rows}x{columns}"])
        torch.testing.assert_close(
            sinusoids(torch.arange(rows), columns, torch.float32), table, atol=1e-5, rtol=1e-5
        )
