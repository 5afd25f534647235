"""What a caller of Transformers' seven models relies on, held by ours: arguments, shapes, outputs, losses."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

BATCH = 13
COMMON = ["output_attentions", "output_hidden_states"]
TEXT_ARGUMENTS = ["inputs", "attention_mask", *COMMON, "labels", "return_dict", "input_ids"]
IMAGE_ARGUMENTS = ["inputs", "attention_mask", *COMMON, "labels", "return_dict", "pixel_values"]
LEARNED_ARGUMENTS = [*IMAGE_ARGUMENTS[:5], "interpolate_pos_encoding", *IMAGE_ARGUMENTS[5:]]
FLOW_ARGUMENTS = ["inputs", "attention_mask", *COMMON, "labels", "return_dict"]
MULTIMODAL_ARGUMENTS = [
    *["inputs", "attention_mask", "subsampled_output_points"],
    *[*COMMON, "labels", "return_dict"],
]
MODEL_ARGUMENTS = [
    *["inputs", "attention_mask", "subsampled_output_points"],
    *[*COMMON, "interpolate_pos_encoding", "return_dict"],
]


@dataclass(frozen=True)
class Contract:
    """One row of the observed table."""

    arguments: list[str]
    logits: dict[str, tuple[int, ...]] | tuple[int, ...]
    num_inputs: int
    decoder_heads: int
    num_queries: int


CONTRACTS = {
    "masked_lm": Contract(TEXT_ARGUMENTS, (BATCH, 7, 99), 7, 8, 7),
    "sequence_classification": Contract(TEXT_ARGUMENTS, (BATCH, 3), 7, 1, 1),
    "image_learned": Contract(LEARNED_ARGUMENTS, (BATCH, 3), 1024, 1, 1),
    "image_fourier": Contract(IMAGE_ARGUMENTS, (BATCH, 3), 1024, 1, 1),
    "image_conv": Contract(IMAGE_ARGUMENTS, (BATCH, 3), 49, 1, 1),
    "optical_flow": Contract(FLOW_ARGUMENTS, (BATCH, 20, 20, 2), 400, 1, 400),
    "multimodal": Contract(
        MULTIMODAL_ARGUMENTS,
        {"audio": (BATCH, 40), "image": (BATCH, 256, 3), "label": (BATCH, 3)},
        371,
        1,
        259,
    ),
}


@pytest.fixture(scope="module")
def models(ours: Callable[..., Any]) -> Callable[[str], Any]:
    """Each small model, built once: these tests do not change their weights."""
    built: dict[str, Any] = {}

    def get(task: str) -> Any:
        if task not in built:
            built[task] = ours(task)
        return built[task]

    return get


def gradient_free(model: Any, inputs: dict[str, Any], **options: Any) -> Any:
    with torch.no_grad():
        return model(**inputs, **options)


def shapes(logits: Any) -> Any:
    if isinstance(logits, Tensor):
        return tuple(logits.shape)
    return {name: tuple(value.shape) for name, value in logits.items()}


def closeness(received: Tensor, expected: Tensor) -> float:
    return ((received - expected).abs().max() / expected.abs().max()).item()


# Arguments


def test_forward_takes_the_documented_arguments_in_order(
    task: str, models: Callable[[str], Any], small_sizes: dict[str, Any]
) -> None:
    parameters = inspect.signature(models(task).forward).parameters
    expected = CONTRACTS[task].arguments
    assert list(parameters)[: len(expected)] == expected
    assert all(
        parameter.default is not inspect.Parameter.empty
        for parameter in parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    )


def test_the_base_model_takes_the_documented_arguments_in_order() -> None:
    import perceivers

    parameters = inspect.signature(perceivers.PerceiverModel.forward).parameters
    assert list(parameters)[1 : len(MODEL_ARGUMENTS) + 1] == MODEL_ARGUMENTS
    assert parameters["interpolate_pos_encoding"].default is False
    assert parameters["inputs"].default is inspect.Parameter.empty


def test_names_that_trainers_look_up(task: str, models: Callable[[str], Any]) -> None:
    model = models(task)
    assert (model.main_input_name, model.base_model_prefix) == ("inputs", "perceiver")
    assert model.config_class.__name__ == "PerceiverConfig"
    assert next(name for name, _ in model.named_children()) == "perceiver"


@pytest.mark.parametrize(
    ("task", "alias"),
    [
        ("masked_lm", "input_ids"),
        ("sequence_classification", "input_ids"),
        ("image_learned", "pixel_values"),
        ("image_fourier", "pixel_values"),
        ("image_conv", "pixel_values"),
    ],
)
def test_the_alias_of_inputs_works_and_not_both_at_once(
    task: str, alias: str, models: Callable[[str], Any], example: Callable[..., Any]
) -> None:
    inputs = example(task)
    expected = gradient_free(models(task), inputs).logits
    renamed = {alias if name == "inputs" else name: value for name, value in inputs.items()}
    assert torch.equal(gradient_free(models(task), renamed).logits, expected)
    with pytest.raises(ValueError, match=alias):
        models(task)(inputs["inputs"], **{alias: inputs["inputs"]})


def test_no_inputs_at_all_is_an_error_that_names_them(task: str, models: Callable[[str], Any]) -> None:
    with pytest.raises((ValueError, TypeError), match="inputs"):
        models(task)()


# Outputs


def test_logits_attentions_and_hidden_states_have_the_observed_shapes(
    task: str, models: Callable[[str], Any], example: Callable[..., Any]
) -> None:
    contract = CONTRACTS[task]
    output = gradient_free(
        models(task), example(task, batch=BATCH), output_attentions=True, output_hidden_states=True
    )
    assert shapes(output.logits) == contract.logits
    if isinstance(contract.logits, dict):
        assert list(output.logits) == ["audio", "image", "label"]
    assert [tuple(state.shape) for state in output.hidden_states] == [(BATCH, 10, 20)] * 3
    assert [tuple(weights.shape) for weights in output.attentions] == [(BATCH, 1, 10, 10)] * 2
    encoder, decoder = output.cross_attentions
    assert tuple(encoder.shape) == (BATCH, 1, 10, contract.num_inputs)
    assert tuple(decoder.shape) == (BATCH, contract.decoder_heads, contract.num_queries, 10)
    for weights in (*output.attentions, encoder, decoder):
        torch.testing.assert_close(weights.sum(-1), torch.ones_like(weights[..., 0]))
    assert list(output.keys()) == ["logits", "hidden_states", "attentions", "cross_attentions"]


def test_the_base_model_gives_latents_and_nothing_that_was_not_asked_for(
    small_sizes: dict[str, Any], our_config: Callable[..., Any], lively: Callable[..., None]
) -> None:
    import perceivers

    model = perceivers.PerceiverModel(our_config()).eval()
    lively(model)
    inputs = {"inputs": torch.randn(BATCH, 7, 64)}
    plain = gradient_free(model, inputs)
    assert list(plain.keys()) == ["last_hidden_state"]
    assert tuple(plain.last_hidden_state.shape) == (BATCH, 10, 20)
    assert plain.logits is None
    assert len(plain.to_tuple()) == 1

    everything = gradient_free(model, inputs, output_attentions=True, output_hidden_states=True)
    assert list(everything.keys()) == ["last_hidden_state", "hidden_states", "attentions", "cross_attentions"]
    assert torch.equal(everything.hidden_states[-1], everything.last_hidden_state)
    assert [tuple(weights.shape) for weights in everything.cross_attentions] == [(BATCH, 1, 10, 7)]


@pytest.mark.parametrize(("num_blocks", "num_layers"), [(1, 1), (2, 3), (3, 2)])
def test_hidden_states_are_the_cross_attend_then_every_layer_of_every_block(
    num_blocks: int, num_layers: int, our_config: Callable[..., Any], lively: Callable[..., None]
) -> None:
    import perceivers

    model = perceivers.PerceiverModel(
        our_config(num_blocks=num_blocks, num_self_attends_per_block=num_layers)
    ).eval()
    lively(model)
    inputs = torch.randn(2, 7, 64)
    output = gradient_free(model, {"inputs": inputs}, output_hidden_states=True, output_attentions=True)
    assert len(output.hidden_states) == num_blocks * (num_layers + 1)
    assert len(output.attentions) == num_blocks * num_layers

    latents = model.embeddings(batch_size=2)
    with torch.no_grad():
        after_cross_attend = model.encoder.cross_attention(latents, inputs=inputs)[0]
        after_one_layer = model.encoder.self_attends[0](after_cross_attend)[0]
    torch.testing.assert_close(output.hidden_states[0], after_cross_attend, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(output.hidden_states[1], after_one_layer, rtol=1e-5, atol=1e-5)
    assert torch.equal(output.hidden_states[-1], output.last_hidden_state)


def test_what_is_not_asked_for_is_left_out(
    task: str, models: Callable[[str], Any], example: Callable[..., Any]
) -> None:
    output = gradient_free(models(task), example(task))
    assert list(output.keys()) == ["logits"]
    assert len(output.to_tuple()) == 1
    assert output.hidden_states is None
    assert output.attentions is None
    assert output.loss is None


def test_outputs_are_asked_for_by_the_configuration_too(
    task: str, ours: Callable[..., Any], example: Callable[..., Any]
) -> None:
    model = ours(task, output_attentions=True, output_hidden_states=True)
    output = gradient_free(model, example(task))
    assert list(output.keys()) == ["logits", "hidden_states", "attentions", "cross_attentions"]
    overruled = gradient_free(model, example(task), output_attentions=False, output_hidden_states=False)
    assert list(overruled.keys()) == ["logits"]


@pytest.mark.parametrize(
    "options", [{}, {"output_hidden_states": True}, {"output_hidden_states": True, "output_attentions": True}]
)
def test_a_tuple_holds_the_same_tensors_in_the_same_order(
    task: str,
    options: dict[str, Any],
    models: Callable[[str], Any],
    example: Callable[..., Any],
    flatten: Callable[[Any], dict[str, Tensor]],
) -> None:
    inputs = example(task)
    named = gradient_free(models(task), inputs, **options)
    plain = gradient_free(models(task), inputs, return_dict=False, **options)
    assert isinstance(plain, tuple)
    expected, received = flatten(named.to_tuple()), flatten(plain)
    assert list(received) == list(expected)
    assert all(torch.equal(received[name], expected[name]) for name in expected)


def test_the_base_models_tuple_starts_with_logits_only_when_there_is_a_decoder(
    our_config: Callable[..., Any],
) -> None:
    import perceivers

    config = our_config()
    decoder = perceivers.PerceiverClassificationDecoder(
        config,
        num_channels=20,
        trainable_position_encoding_kwargs={"num_channels": 20, "index_dims": 1},
        use_query_residual=True,
    )
    inputs = {"inputs": torch.randn(2, 7, 64)}
    without = gradient_free(perceivers.PerceiverModel(config).eval(), inputs, return_dict=False)
    with_decoder = gradient_free(
        perceivers.PerceiverModel(config, decoder=decoder).eval(), inputs, return_dict=False
    )
    assert [tuple(tensor.shape) for tensor in without] == [(2, 10, 20)]
    assert [tuple(tensor.shape) for tensor in with_decoder] == [(2, 3), (2, 10, 20)]


def test_the_configuration_can_ask_for_tuples(ours: Callable[..., Any], example: Callable[..., Any]) -> None:
    model = ours("sequence_classification", return_dict=False)
    assert isinstance(gradient_free(model, example("sequence_classification")), tuple)


def test_attentions_are_part_of_the_graph(
    task: str, models: Callable[[str], Any], example: Callable[..., Any]
) -> None:
    model = models(task)
    output = model(**example(task), output_attentions=True)
    queries = {
        "encoder": (output.cross_attentions[0], model.perceiver.encoder.cross_attention.attention),
        "latent": (output.attentions[0], model.perceiver.encoder.self_attends[0].attention),
    }
    for name, (weights, attention) in queries.items():
        first_row = weights[..., 0].sum()
        (gradient,) = torch.autograd.grad(first_row, attention.self.query.weight, retain_graph=True)
        assert gradient.abs().max() > 0, name


def test_a_batch_of_one_equals_the_row_of_a_batch(
    task: str, models: Callable[[str], Any], example: Callable[..., Any], flatten: Callable[..., Any]
) -> None:
    inputs = example(task, batch=3)

    def row(value: Any, index: int) -> Any:
        if isinstance(value, dict):
            return {name: row(item, index) for name, item in value.items()}
        return value[index : index + 1]

    options = {"output_attentions": True, "output_hidden_states": True}
    whole = flatten(gradient_free(models(task), inputs, **options))
    for index in range(3):
        alone = {
            name: value if name == "subsampled_output_points" else row(value, index)
            for name, value in inputs.items()
        }
        for name, value in flatten(gradient_free(models(task), alone, **options)).items():
            expected = whole[name][index : index + 1]
            assert closeness(value, expected) <= 1e-5, name


# Losses


def test_the_masked_language_model_ignores_labels_of_minus_100(
    models: Callable[[str], Any], example: Callable[..., Any]
) -> None:
    inputs = example("masked_lm", batch=3)
    labels = torch.randint(0, 99, (3, 7))
    labels[:, ::2] = -100
    output = gradient_free(models("masked_lm"), inputs, labels=labels)
    kept = labels != -100
    expected = F.cross_entropy(output.logits[kept], labels[kept])
    torch.testing.assert_close(output.loss, expected)
    assert next(iter(output.keys())) == "loss"


@pytest.mark.parametrize("length", [1, 5, 7])
def test_labels_of_the_texts_own_length_are_compared_with_the_first_logits(
    length: int, models: Callable[[str], Any]
) -> None:
    ids, labels = torch.randint(0, 99, (2, length)), torch.randint(0, 99, (2, length))
    output = gradient_free(models("masked_lm"), {"inputs": ids}, labels=labels)
    assert tuple(output.logits.shape) == (2, 7, 99)
    torch.testing.assert_close(
        output.loss, F.cross_entropy(output.logits[:, :length].reshape(-1, 99), labels.reshape(-1))
    )


CLASSIFIERS = ["sequence_classification", "image_learned", "image_fourier", "image_conv"]


@pytest.mark.parametrize("classifier", CLASSIFIERS)
@pytest.mark.parametrize("named", [True, False], ids=["named problem type", "inferred problem type"])
@pytest.mark.parametrize("problem_type", ["regression", "single_label", "multi_label"])
def test_a_classifiers_loss_follows_the_problem_type(
    classifier: str, named: bool, problem_type: str, ours: Callable[..., Any], example: Callable[..., Any]
) -> None:
    num_labels = 1 if problem_type == "regression" else 3
    full_name = {"regression": "regression"}.get(problem_type, f"{problem_type}_classification")
    changes = {"problem_type": full_name} if named else {}
    model = ours(classifier, num_labels=num_labels, **changes)
    labels = {
        "regression": torch.randn(5),
        "single_label": torch.randint(0, 3, (5,)),
        "multi_label": torch.randint(0, 2, (5, 3)).float(),
    }[problem_type]
    output = gradient_free(model, example(classifier, batch=5), labels=labels)
    expected = {
        "regression": lambda logits: F.mse_loss(logits[:, 0], labels),
        "single_label": lambda logits: F.cross_entropy(logits, labels),
        "multi_label": lambda logits: F.binary_cross_entropy_with_logits(logits, labels),
    }[problem_type](output.logits)
    torch.testing.assert_close(output.loss, expected)
    assert model.config.problem_type == (full_name if named else None)


def test_the_flow_loss_is_the_mean_end_point_error_over_valid_pixels(
    models: Callable[[str], Any], example: Callable[..., Any]
) -> None:
    inputs = example("optical_flow", batch=2)
    labels = 30 * torch.randn(2, 20, 20, 2)
    output = gradient_free(models("optical_flow"), inputs, labels=labels)
    distances = (output.logits - labels / 20).square().sum(-1).sqrt()
    torch.testing.assert_close(output.loss, distances.mean())

    valid = torch.rand(2, 20, 20) < 0.4
    masked = gradient_free(models("optical_flow"), inputs, labels=labels, valid_mask=valid)
    torch.testing.assert_close(masked.loss, distances[valid].mean())

    labels[0, 3, 5] = float("nan")
    labels[1, 7, 2, 1] = float("inf")
    finite = labels.isfinite().all(-1)
    with_gaps = gradient_free(models("optical_flow"), inputs, labels=labels)
    torch.testing.assert_close(with_gaps.loss, distances[finite].mean())
    both = gradient_free(models("optical_flow"), inputs, labels=labels, valid_mask=valid)
    torch.testing.assert_close(both.loss, distances[finite & valid].mean())


def test_the_multimodal_loss_weighs_video_sound_and_class(
    models: Callable[[str], Any], example: Callable[..., Any]
) -> None:
    example_inputs = example("multimodal", batch=2)
    inputs = example_inputs["inputs"]
    pixels, patches = torch.tensor([0, 3, 5119, 1024, 77]), torch.tensor([49, 7])
    points = {"image": pixels, "audio": patches, "label": None}
    classes = torch.tensor([2, 0])

    def loss_and_logits(labels: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        arguments = {**example_inputs, "subsampled_output_points": points}
        output = gradient_free(models("multimodal"), arguments, labels=labels)
        return output.loss, output.logits

    def expected(logits: dict[str, Tensor], video: Tensor, sound: Tensor) -> Tensor:
        asked_pixels = video.permute(0, 1, 3, 4, 2).reshape(2, -1, 3)[:, pixels]
        asked_samples = sound.reshape(2, 50, 20)[:, patches].reshape(2, 40)
        video_error = (logits["image"] - asked_pixels).abs().mean()
        sound_error = (logits["audio"] - asked_samples).abs().mean()
        return 0.03 * video_error + sound_error

    loss, logits = loss_and_logits({"label": classes})
    class_error = 1e-4 * F.cross_entropy(logits["label"], classes)
    torch.testing.assert_close(loss, expected(logits, inputs["image"], inputs["audio"]) + class_error)

    video, sound = torch.rand_like(inputs["image"]), torch.rand_like(inputs["audio"])
    loss, logits = loss_and_logits({"image": video, "audio": sound})
    torch.testing.assert_close(loss, expected(logits, video, sound))


# Options that change nothing but memory, and the parts a caller reaches for


@pytest.mark.parametrize("chunk_size", [1, 3, 100])
def test_feed_forward_chunks_change_nothing(
    task: str,
    chunk_size: int,
    ours: Callable[..., Any],
    example: Callable[..., Any],
    as_double: Callable[[Any], Any],
    flatten: Callable[..., Any],
) -> None:
    inputs = as_double(example(task))
    whole = flatten(gradient_free(ours(task).double(), inputs))
    chunked = flatten(gradient_free(ours(task, chunk_size_feed_forward=chunk_size).double(), inputs))
    for name, expected in whole.items():
        assert closeness(chunked[name], expected) <= 1e-9, name


def test_input_embeddings_are_the_latents(task: str, models: Callable[[str], Any]) -> None:
    model = models(task)
    assert model.get_input_embeddings() is model.perceiver.embeddings.latents
    assert tuple(model.get_input_embeddings().shape) == (10, 20)


def test_interpolated_positions_are_the_bicubic_resize_of_the_learned_grid(ours: Callable[..., Any]) -> None:
    small = ours("image_learned", image_size=8)
    large = ours("image_learned", image_size=11)
    grid = small.perceiver.input_preprocessor.position_embeddings.position_embeddings.detach()
    resized = F.interpolate(
        grid.reshape(1, 8, 8, 256).permute(0, 3, 1, 2), size=(11, 11), mode="bicubic", align_corners=False
    )
    weights = small.state_dict()
    weights["perceiver.input_preprocessor.position_embeddings.position_embeddings"] = resized.permute(
        0, 2, 3, 1
    ).reshape(121, 256)
    large.load_state_dict(weights)
    pixels = {"inputs": torch.randn(2, 3, 11, 11)}
    expected = gradient_free(large, pixels).logits
    received = gradient_free(small, pixels, interpolate_pos_encoding=True).logits
    assert closeness(received, expected) <= 1e-5


@pytest.mark.parametrize("task", ["masked_lm", "sequence_classification"])
def test_longer_text_is_an_error_unless_positions_are_interpolated(
    task: str, models: Callable[[str], Any]
) -> None:
    ids = torch.randint(0, 99, (2, 12))
    with pytest.raises(ValueError, match=r"7.*12|12.*7"):
        models(task)(ids)
    output = gradient_free(models(task), {"inputs": ids}, interpolate_pos_encoding=True)
    assert output.logits.shape[0] == 2
    assert torch.isfinite(output.logits).all()
    same = gradient_free(models(task), {"inputs": ids[:, :7]}, interpolate_pos_encoding=True)
    torch.testing.assert_close(same.logits, gradient_free(models(task), {"inputs": ids[:, :7]}).logits)


def test_a_larger_flow_frame_is_tiled_and_a_smaller_one_is_a_grid_of_its_own(
    ours: Callable[..., Any],
) -> None:
    model = ours("optical_flow", flow_tile_overlap=5)
    for height, width in [(20, 20), (20, 37), (43, 26), (13, 20), (11, 17)]:
        frames = torch.randn(1, 2, 27, height, width)
        output = gradient_free(model, {"inputs": frames})
        assert tuple(output.logits.shape) == (1, height, width, 2)
        assert torch.isfinite(output.logits).all()


# The configuration and the drawn weights


def test_the_number_of_labels_drives_their_names(our_config: Callable[..., Any]) -> None:
    config = our_config(num_labels=5)
    assert config.id2label == {index: f"LABEL_{index}" for index in range(5)}
    assert config.label2id == {f"LABEL_{index}": index for index in range(5)}
    config.num_labels = 2
    assert list(config.id2label) == [0, 1]


def test_configuration_defaults_are_those_of_transformers() -> None:
    import transformers

    import perceivers

    ours, theirs = perceivers.PerceiverConfig(), transformers.PerceiverConfig()
    written = {key: value for key, value in theirs.to_diff_dict().items() if key != "transformers_version"}
    for key in written:
        received = getattr(ours, key)
        expected = getattr(theirs, key)
        assert (list(received) if isinstance(received, (list, tuple)) else received) == (
            list(expected) if isinstance(expected, (list, tuple)) else expected
        ), key
    assert ours.num_labels == theirs.num_labels == 2
    assert ours.layer_norm_eps == 1e-12


def test_the_written_layer_norm_epsilon_is_read_and_not_applied(
    ours: Callable[..., Any], models: Callable[[str], Any], example: Callable[..., Any]
) -> None:
    inputs = example("masked_lm")
    changed = gradient_free(ours("masked_lm", layer_norm_eps=0.5), inputs).logits
    applied = gradient_free(ours("masked_lm", norm_eps=0.5), inputs).logits
    assert torch.equal(changed, gradient_free(models("masked_lm"), inputs).logits)
    assert closeness(applied, changed) > 1e-3


def test_the_label_query_width_is_a_configuration_key(ours: Callable[..., Any]) -> None:
    wide = ours("multimodal", _label_trainable_num_channels=24)
    table = wide.perceiver.decoder.modalities["label"].decoder.output_position_encodings.position_embeddings
    assert tuple(table.shape) == (1, 24)


@pytest.mark.parametrize("deviation", [0.02, 0.3])
def test_the_initializer_range_is_the_deviation_of_latents_positions_padding_and_masks(
    deviation: float, our_config: Callable[..., Any]
) -> None:
    import perceivers

    torch.manual_seed(0)
    text = perceivers.PerceiverForMaskedLM(
        our_config(initializer_range=deviation, max_position_embeddings=97)
    )
    video = perceivers.PerceiverForMultimodalAutoencoding(our_config(initializer_range=deviation))
    drawn = {
        "latents": text.perceiver.embeddings.latents,
        "positions": text.perceiver.input_preprocessor.position_embeddings.weight,
        "output positions": text.perceiver.decoder.output_position_encodings.position_embeddings,
        "padding": video.perceiver.input_preprocessor.padding["image"],
        "mask": video.perceiver.input_preprocessor.mask["image"],
    }
    for name, values in drawn.items():
        assert abs(values.std().item() / deviation - 1) < 0.25, name
        assert abs(values.mean().item()) < 0.25 * deviation, name


def test_linear_weights_scale_with_their_inputs(our_config: Callable[..., Any]) -> None:
    import perceivers

    torch.manual_seed(0)
    model = perceivers.PerceiverModel(our_config(d_model=400, initializer_range=0.5, fan_in_scaling=True))
    attention = model.encoder.cross_attention.attention.self
    assert attention.key.weight.std().item() == pytest.approx(400**-0.5, rel=0.15)
    assert attention.query.weight.std().item() == pytest.approx(20**-0.5, rel=0.25)
    assert not attention.key.bias.any()


def test_linear_weights_have_the_deviation_that_a_configuration_gives(our_config: Callable[..., Any]) -> None:
    import perceivers

    torch.manual_seed(0)
    model = perceivers.PerceiverModel(our_config(d_model=400, initializer_range=0.5))
    attention = model.encoder.cross_attention.attention.self
    assert attention.key.weight.std().item() == pytest.approx(0.5, rel=0.05)
    assert attention.query.weight.std().item() == pytest.approx(0.5, rel=0.15)
    assert not attention.key.bias.any()


def test_the_flow_head_starts_at_zero(our_config: Callable[..., Any]) -> None:
    import perceivers

    model = perceivers.PerceiverForOpticalFlow(our_config())
    assert not model.perceiver.decoder.decoder.final_layer.weight.any()
    assert not model.perceiver.decoder.decoder.final_layer.bias.any()
