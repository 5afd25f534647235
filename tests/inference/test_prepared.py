"""Every prepared model gives what the plain one gives: any size, batch, mask, dtype, fidelity and chunk."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import perceivers
from perceivers.errors import ConfigurationError, ShapeError
from perceivers.inference import PreparedModel, prepared_perceiver
from perceivers.inference.prepared_decoder import _attend_fused
from perceivers.inference.running_sums import FEW_ROWS
from perceivers.nn.attention_layer import AttentionLayer

FIDELITIES = ("transformers", "deepmind")
sides = st.sampled_from([2, 3, 5, 7, 11, 13])
batches = st.integers(1, 5)
chunks = st.sampled_from([None, 1, 2, 3, 7, 31])
seeds = st.integers(0, 10**6)
few = settings(max_examples=8)
# Drawn models run in float64, so that a failure is an error of folding and never one of rounding.


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.no_grad():
        yield


def on(device, inputs):
    """Inputs of a model, where it is."""
    if isinstance(inputs, dict):
        return {name: value.to(device) for name, value in inputs.items()}
    return inputs.to(device)


@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("heads", [1, 2, 3])
def test_every_model_is_equal(task, fidelity, heads, small, inputs_of, assert_equal, device):
    model = small(task, fidelity=fidelity, num_cross_attention_heads=heads).to(device)
    inputs = on(device, inputs_of(task, 3))
    prepared = model.prepare()
    assert isinstance(prepared, PreparedModel)
    assert dict(prepared.plain_parts) == {}
    assert_equal(prepared(inputs), model(inputs))
    assert_equal(prepared(inputs, output_hidden_states=True), model(inputs, output_hidden_states=True))
    assert_equal(prepared(inputs, return_dict=False), model(inputs, return_dict=False))


@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("chunk_size", [None, 3])
def test_masked_inputs_are_equal_and_one_sample_may_be_masked_whole(
    task, fidelity, chunk_size, small, inputs_of, num_tokens, assert_equal, device
):
    model = small(task, fidelity=fidelity).to(device)
    inputs = on(device, inputs_of(task, 3))
    mask = torch.rand(3, num_tokens(model, inputs), device=device) < 0.6
    prepared = model.prepare(chunk_size=chunk_size)
    mask[:, 0] = True
    assert_equal(prepared(inputs, attention_mask=mask), model(inputs, attention_mask=mask))
    assert not torch.allclose(prepared.encode(inputs, mask).latents, prepared.encode(inputs).latents)
    mask[1] = False
    assert_equal(prepared(inputs, attention_mask=mask), model(inputs, attention_mask=mask))


@pytest.mark.parametrize("chunk_size", [1, 2, 5, 1000])
def test_chunks_change_nothing(task, chunk_size, small, inputs_of, assert_equal, device):
    model = small(task).to(device)
    inputs = on(device, inputs_of(task))
    assert_equal(model.prepare(chunk_size=chunk_size)(inputs), model(inputs))
    prepared = model.prepare()
    assert_equal(prepared.decode(prepared.encode(inputs), chunk_size=chunk_size), model(inputs).logits)


def test_float64_is_equal_far_beyond_float32(task, small, inputs_of, assert_equal, device):
    model = small(task).to(device).double()
    inputs = on(device, inputs_of(task))
    if task == "multimodal":
        inputs = {name: value.double() for name, value in inputs.items()}
    elif inputs.is_floating_point():
        inputs = inputs.double()
    # Sines are float32 whatever the dtype is, and differ by a rounding where they are computed in another order.
    assert_equal(model.prepare()(inputs), model(inputs), 1e-7 if task == "multimodal" else 1e-12)


def test_bfloat16_is_as_near_to_float32_as_the_plain_model(task, small, inputs_of, device):
    model = small(task).to(device)
    inputs = on(device, inputs_of(task))
    exact = model(inputs).logits
    half = copy.deepcopy(model).to(torch.bfloat16)
    ours, plain = half.prepare()(inputs).logits, half(inputs).logits
    for name in exact if isinstance(exact, dict) else [...]:
        assert ours[name].dtype == torch.bfloat16
        scale = exact[name].abs().max()
        our_error = (ours[name] - exact[name]).abs().max() / scale
        assert our_error <= 1.5 * (plain[name] - exact[name]).abs().max() / scale + 0.02


def test_a_tail_in_half_precision_is_as_near_to_float32_as_the_plain_model(
    task, small, inputs_of, device, monkeypatch
):
    monkeypatch.setattr(prepared_perceiver, "tail_dtype", lambda dtype, _: dtype)
    test_bfloat16_is_as_near_to_float32_as_the_plain_model(task, small, inputs_of, device)


@few
@given(height=sides, width=sides, batch=batches, chunk_size=chunks, seed=seeds)
def test_pictures_of_any_size(height, width, batch, chunk_size, seed, small, assert_equal, device):
    torch.manual_seed(seed)
    model = small("image_fourier", seed, torch.float64).to(device)
    pictures = 3 * torch.randn(batch, 3, height, width, device=device) + 1
    assert_equal(model.prepare(chunk_size=chunk_size)(pictures), model(pictures))


@few
@given(height=sides, width=sides, batch=batches, chunk_size=chunks, seed=seeds)
def test_learned_positions_are_interpolated(
    height, width, batch, chunk_size, seed, small, assert_equal, device
):
    torch.manual_seed(seed)
    model = small("image_learned", seed, torch.float64).to(device)
    pictures = torch.randn(batch, 3, height, width, device=device)
    prepared = model.prepare(chunk_size=chunk_size)
    assert_equal(
        prepared(pictures, interpolate_pos_encoding=True), model(pictures, interpolate_pos_encoding=True)
    )


@few
@given(height=st.integers(5, 31), width=st.integers(5, 31), batch=batches, seed=seeds)
def test_the_convolutional_stem_takes_any_size(height, width, batch, seed, small, assert_equal, device):
    torch.manual_seed(seed)
    for fidelity in FIDELITIES:
        model = small("image_conv", seed, torch.float64, fidelity=fidelity).to(device)
        pictures = torch.randn(batch, 3, height, width, device=device)
        assert_equal(model.prepare()(pictures), model(pictures))


@few
@given(height=sides, width=sides, batch=st.integers(1, 2), chunk_size=chunks, seed=seeds)
def test_frames_of_any_size_and_their_tiles(
    height, width, batch, chunk_size, seed, small, assert_equal, device
):
    torch.manual_seed(seed)
    model = small("optical_flow", seed, torch.float64).to(device)
    frames = torch.randn(batch, 2, 27, height, width, device=device)
    prepared = model.prepare(chunk_size=chunk_size)
    assert_equal(prepared(frames), model(frames))
    assert_equal(prepared.decode(prepared.encode(frames)), model(frames).logits)


def test_tall_frames_whose_tiles_have_many_rows(small, assert_equal, device):
    model = small("optical_flow", 3, torch.float64).to(device)
    frames = torch.randn(2, 2, 27, FEW_ROWS + 7, 5, device=device)
    assert_equal(model.prepare()(frames), model(frames))


@pytest.mark.parametrize("positions", [[3, 11, 2], [[3, 11, 2], [4, 5, 34]], []])
def test_some_pixels_of_a_frame(positions, small, inputs_of, assert_equal, device):
    model = small("optical_flow").to(device)
    frames = on(device, inputs_of("optical_flow"))
    prepared = model.prepare(chunk_size=2)
    asked = torch.tensor(positions, device=device)
    assert_equal(
        prepared.decode(prepared.encode(frames), positions=asked),
        model.decode(model.encode(frames), positions=asked),
    )
    with pytest.raises(ShapeError, match=r"output points must be in \[0, 34\]"):
        prepared.decode(prepared.encode(frames), positions=torch.tensor([35], device=device))


@few
@given(lengths=st.lists(st.integers(1, 11), min_size=1, max_size=6), chunk_size=chunks, seed=seeds)
def test_texts_of_unequal_length(lengths, chunk_size, seed, small, assert_equal, device):
    torch.manual_seed(seed)
    ids = torch.randint(0, 31, (len(lengths), 11), device=device)
    mask = torch.arange(11, device=device) < torch.tensor(lengths, device=device)[:, None]
    for fidelity in FIDELITIES:
        for task in ("masked_lm", "sequence_classification"):
            model = small(task, seed, torch.float64, fidelity=fidelity).to(device)
            prepared = model.prepare(chunk_size=chunk_size)
            assert_equal(prepared(ids, attention_mask=mask), model(ids, attention_mask=mask))


@few
@given(length=st.integers(1, 23), batch=batches, seed=seeds)
def test_texts_of_any_length(length, batch, seed, small, assert_equal, device):
    torch.manual_seed(seed)
    model = small("masked_lm", seed, torch.float64).to(device)
    ids = torch.randint(0, 31, (batch, length), device=device)
    prepared = model.prepare()
    assert_equal(prepared(ids, interpolate_pos_encoding=True), model(ids, interpolate_pos_encoding=True))
    if length > 11:
        with pytest.raises(ShapeError, match="at most 11 bytes long"):
            prepared(ids)


@pytest.mark.parametrize("fidelity", FIDELITIES)
@pytest.mark.parametrize("positions", [[3, 1, 2], [[3, 1, 2], [4, 5, 6], [0, 0, 10]], []])
def test_only_the_bytes_asked_for(fidelity, positions, small, assert_equal, device):
    model = small("masked_lm", fidelity=fidelity).to(device)
    ids, mask = torch.randint(0, 31, (3, 11), device=device), torch.rand(3, 11, device=device) < 0.7
    prepared = model.prepare()
    asked = torch.tensor(positions, device=device)
    assert_equal(
        prepared.decode(prepared.encode(ids, mask), positions=asked),
        model.decode(model.encode(ids, mask), positions=asked),
    )


def test_positions_of_bytes_may_be_given(small, assert_equal, device):
    model = small("sequence_classification").to(device)
    ids = torch.randint(0, 31, (3, 5), device=device)
    prepared = model.prepare()
    for pos in (torch.tensor([7, 3, 3, 0, 10], device=device), torch.randint(0, 11, (3, 5), device=device)):
        assert_equal(prepared.encode(ids, pos=pos).latents, model.encode(ids, pos=pos).latents)


def test_positions_of_pixels_may_be_given(small, assert_equal, device):
    model = small("image_fourier").to(device)
    pictures, pos = torch.randn(2, 3, 5, 7, device=device), torch.rand(2, 35, 2, device=device) * 2 - 1
    prepared = model.prepare()
    assert_equal(prepared.encode(pictures, pos=pos).latents, model.encode(pictures, pos=pos).latents)


@few
@given(
    frames=st.sampled_from([1, 2, 3, 5]),
    height=st.sampled_from([2, 4, 6, 10]),
    width=st.sampled_from([2, 4, 6, 14]),
    patches=st.sampled_from([1, 3, 7, 17]),
    missing=st.sampled_from([(), ("image",), ("audio",), ("label",), ("audio", "label")]),
    chunk_size=chunks,
    seed=seeds,
)
def test_videos_of_any_size_with_any_modality_missing(
    frames, height, width, patches, missing, chunk_size, seed, small, video, assert_equal, device
):
    torch.manual_seed(seed)
    model = small("multimodal", seed, torch.float64).to(device)
    inputs = on(device, video(2, frames, height, width, patches))
    inputs = {name: value for name, value in inputs.items() if name not in missing}
    prepared = model.prepare(chunk_size=chunk_size)
    assert_equal(prepared.reconstruct(inputs), model.reconstruct(inputs))
    assert_equal(prepared(inputs), model(inputs))


def test_a_label_that_counts_is_read(small, video, assert_equal, device):
    model = small("multimodal", mask_probabilities={"image": 0.0, "audio": 1.0, "label": 0.0}).to(device)
    inputs = on(device, video())
    prepared = model.prepare()
    assert_equal(prepared(inputs), model(inputs))
    inputs["label"] = inputs["label"] + 1
    assert_equal(prepared(inputs), model(inputs))


def test_the_documented_loop_over_subsampled_points(small, video, assert_equal, device):
    model = small("multimodal").to(device)
    inputs = on(device, video())
    prepared = model.prepare()
    encoded = prepared.encode(inputs)
    for start in range(0, 72, 24):
        points = {
            "image": torch.arange(start, start + 24, device=device),
            "audio": torch.arange(start // 8, start // 8 + 5, device=device),
        }
        plain = model(inputs, subsampled_output_points=points).logits
        assert_equal(prepared(inputs, subsampled_output_points=points).logits, plain)
        assert_equal(prepared.decode(encoded, subsampled_output_points=points), plain)
    with pytest.raises(ShapeError, match="at least one output point"):
        prepared.decode(
            encoded,
            subsampled_output_points={
                name: torch.empty(0, device=device) for name in ("image", "audio", "label")
            },
        )


def test_masks_by_modality(small, video, assert_equal, device):
    model = small("multimodal").to(device)
    inputs = on(device, video())
    mask = {name: torch.rand(2, size, device=device) < 0.5 for name, size in (("image", 18), ("audio", 15))}
    assert_equal(model.prepare()(inputs, attention_mask=mask), model(inputs, attention_mask=mask))


def test_losses_come_along(small, inputs_of, device):
    model = small("image_fourier").to(device)
    pictures, labels = on(device, inputs_of("image_fourier", 3)), torch.tensor([0, 2, 1], device=device)
    loss = model.prepare()(pictures, labels=labels).loss
    torch.testing.assert_close(loss, model(pictures, labels=labels).loss)


def test_it_is_a_snapshot(task, small, inputs_of, assert_equal):
    model = small(task)
    inputs = inputs_of(task)
    expected = model(inputs)
    prepared = model.prepare()
    for parameter in model.parameters():
        parameter.add_(1.0)
    assert_equal(prepared(inputs), expected)
    assert not any(each.requires_grad for each in vars(prepared)["_model"].parameters())


def test_a_consumed_model_says_so(task, small, inputs_of, assert_equal):
    model = small(task)
    inner, inputs = model.perceiver, inputs_of(task)
    expected = model(inputs)
    prepared = model.prepare(consume=True)
    assert_equal(prepared(inputs), expected)
    uses = (
        lambda: model(inputs),
        lambda: model.encode(inputs),
        lambda: model.state_dict(),
        lambda: inner(inputs),
    )
    for use in uses:
        with pytest.raises(ConfigurationError, match=r"weights were moved .*prepare\(consume=True\)"):
            use()


def test_a_consumed_model_lets_go_of_every_layer_that_is_folded(small, inputs_of, assert_equal):
    model, inputs = small("image_fourier"), inputs_of("image_fourier", 2)
    layers, expected = model.perceiver.encoder.self_attends, model(inputs)
    model.prepare()
    assert all(isinstance(each, AttentionLayer) for each in layers)
    moved = model.prepare(consume=True)
    assert all(isinstance(each, torch.nn.Identity) for each in layers)
    assert_equal(moved(inputs), expected)


def test_a_consumed_model_gives_layers_that_cannot_be_folded_instead_of_copies(small):
    model = small("image_fourier").to(torch.bfloat16)
    layer = model.perceiver.encoder.self_attends[0]
    kept, moved = model.prepare(), model.prepare(consume=True)
    first_layers = [vars(each)["_model"].perceiver.self_attends[0] for each in (kept, moved)]
    assert first_layers[0].layer is not layer
    assert first_layers[1].layer is layer


def test_it_is_frozen_and_knows_what_it_is(small):
    model = small("image_fourier")
    prepared = model.prepare()
    assert prepared.config == model.config
    assert (prepared.dtype, prepared.device) == (model.dtype, model.device)
    with pytest.raises(AttributeError):
        prepared.plain_parts = {}
    with pytest.raises(TypeError):
        prepared.plain_parts["decoder"] = "none"
    with pytest.raises(ConfigurationError, match="has no `reconstruct`"):
        prepared.reconstruct(torch.randn(1, 3, 5, 7))


def test_training_mode_changes_nothing(small, inputs_of, assert_equal):
    model = small("image_conv", attention_probs_dropout_prob=0.5)
    inputs = inputs_of("image_conv")
    expected = model(inputs)
    assert_equal(model.train().prepare()(inputs), expected)
    assert model.training


def test_attention_weights_need_the_plain_model(task, small, inputs_of):
    prepared = small(task).prepare()
    inputs = inputs_of(task)
    with pytest.raises(ConfigurationError, match="`output_attentions` needs the plain model"):
        prepared(inputs, output_attentions=True)
    with pytest.raises(ConfigurationError, match="`output_attentions` needs the plain model"):
        prepared.decode(prepared.encode(inputs), output_attentions=True)


NAN = torch.full((2, 3, 5, 7), torch.nan)


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("masked_lm", torch.zeros(2, 3)),
        ("masked_lm", torch.full((2, 3), 31)),
        ("masked_lm", torch.zeros(0, 3, dtype=torch.int64)),
        ("masked_lm", torch.zeros(2, 12, dtype=torch.int64)),
        ("image_learned", torch.zeros(2, 3, 7, 11)),
        ("image_learned", torch.zeros(2, 4, 5, 7)),
        ("image_fourier", torch.zeros(2, 5, 3, 5, 7)),
        ("image_fourier", torch.zeros(0, 3, 5, 7)),
        ("image_fourier", NAN),
        ("image_conv", torch.zeros(2, 3, 3, 3)),
        ("optical_flow", torch.zeros(2, 2, 3, 5, 7)),
        ("multimodal", {}),
        ("multimodal", {"smell": torch.zeros(2, 3)}),
        ("multimodal", {"audio": torch.zeros(2, 4, 1), "label": torch.zeros(3, 3)}),
        ("multimodal", {"audio": torch.zeros(2, 3, 1)}),
        ("multimodal", {"audio": torch.zeros(2, 4, 2)}),
    ],
)
def test_bad_inputs_are_the_errors_of_the_plain_model(kind, inputs, small):
    model = small(kind)
    prepared = model.prepare()
    with pytest.raises(ShapeError) as expected:
        model(inputs)
    with pytest.raises(ShapeError) as received:
        prepared(inputs)
    assert str(received.value) == str(expected.value)


def test_a_mask_of_another_size_is_the_error_of_the_plain_model(task, small, inputs_of):
    model, inputs = small(task), inputs_of(task)
    for use in (model, model.prepare()):
        with pytest.raises(ShapeError, match="`attention_mask`"):
            use(inputs, attention_mask=torch.ones(2, 2))


def test_a_query_mask_of_another_size_is_an_error(small, inputs_of):
    prepared = small("masked_lm").prepare()
    encoded = prepared.encode(inputs_of("masked_lm"))
    with pytest.raises(ShapeError, match=r"`query_mask` must have shape \[2, 11\], received \[2, 3\]"):
        prepared.decode(encoded, query_mask=torch.ones(2, 3))


def test_progress_is_told(small, video):
    told = []
    model = small("multimodal")
    prepared = model.prepare(chunk_size=31, progress=lambda done, total: told.append((done, total)))
    prepared.reconstruct(video())
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (2 * (72 + 15 + 1), 2 * (72 + 15 + 1))
    assert len(told) >= 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_memory": 1000}, "`max_memory` must be a whole number of at least 1048576, received 1000"),
        ({"chunk_size": 0}, "`chunk_size` must be a whole number of at least 1, received 0"),
    ],
)
def test_budgets_that_make_no_sense_are_errors(options, message, small):
    with pytest.raises(ConfigurationError, match=message):
        small("image_fourier").prepare(**options)


def test_only_models_can_be_prepared(config):
    class Other(perceivers.PerceiverPreTrainedModel):
        pass

    with pytest.raises(
        ConfigurationError, match="must be a PerceiverModel or a task model around one, received Other"
    ):
        Other(config()).prepare()


# What a GPU does in one kernel, in float32 on any device.


@pytest.mark.parametrize("is_masked", [False, True])
def test_texts_are_attended_to_by_one_kernel_alike(is_masked, small, device):
    model = small("masked_lm").to(device).prepare()
    (lookup,), ids = model._model.perceiver._cross_attends, torch.randint(0, 31, (3, 11), device=device)
    places = torch.arange(11, device=device).expand(3, -1)
    keys_values = lookup._sum(lookup._tables, ids, places)
    hidden = (
        torch.arange(11, device=device) >= torch.tensor([[11], [4], [1]], device=device)
        if is_masked
        else None
    )
    sizes = [lookup._qk_channels, lookup._value_bias.shape[0]]
    keys, values = (
        each.unflatten(2, (lookup.num_heads, -1)).transpose(1, 2) for each in keys_values.split(sizes, dim=2)
    )
    queries = lookup._queries
    logits = queries @ keys.transpose(2, 3)
    if hidden is not None:
        logits = logits.masked_fill(hidden[:, None, None], -torch.inf)
    expected = (torch.softmax(logits, dim=-1) @ values).transpose(1, 2).flatten(2)
    torch.testing.assert_close(lookup._attend_fused(queries[None], keys, values, hidden), expected)


def test_projected_queries_are_answered_by_one_kernel_alike(device):
    queries, values = torch.randn(1, 2, 7, 5, device=device), torch.randn(3, 2, 11, 13, device=device)
    keys = torch.randn(3, 2, 5, 11, device=device)
    expected = torch.softmax(queries @ keys, dim=-1) @ values
    torch.testing.assert_close(_attend_fused(queries, keys, values, torch.float32), expected)


def test_a_copy_of_a_prepared_model_is_itself_and_who_pickles_it_is_told_what_to_do():
    model = perceivers.PerceiverModel(perceivers.PerceiverConfig(
        num_latents=5, d_latents=16, d_model=16, num_self_attends_per_block=1, num_self_attention_heads=2,
        num_cross_attention_heads=2,
    ))  # fmt: skip
    prepared = model.prepare()
    assert copy.deepcopy(prepared) is prepared
    assert copy.copy(prepared) is prepared
    with pytest.raises(ConfigurationError, match=r"cannot be pickled.* call `prepare` where that is loaded"):
        pickle.dumps(prepared)
