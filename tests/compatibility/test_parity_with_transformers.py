"""The same weights and inputs give what Transformers gives, whatever the options, for all seven models."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

EXAMPLES = 8
CLASSIFIERS = ["sequence_classification", "image_learned", "image_fourier", "image_conv"]
IMAGE_CHANNELS = {"image_learned": 512, "image_fourier": 261, "image_conv": 322, "optical_flow": 322}


@st.composite
def latent_sizes(draw: st.DrawFn, task: str) -> dict[str, Any]:
    """Everything between the inputs and the decoder: any combination that Transformers can build."""
    self_heads, cross_heads = draw(st.sampled_from([1, 2, 4])), draw(st.sampled_from([1, 2]))
    d_latents = draw(st.sampled_from([8, 20, 28]))
    # Self-attention adds its output to the latents: the values must be as wide as they are.
    qk_channels, v_channels = draw(
        st.sampled_from([(None, None), (4, d_latents), (12, d_latents), (d_latents, None), (None, d_latents)])
    )
    input_channels = IMAGE_CHANNELS.get(task, 399 if task == "multimodal" else 24)
    return {
        "num_latents": draw(st.sampled_from([1, 5, 11])),
        "d_latents": d_latents,
        "num_blocks": draw(st.sampled_from([1, 2, 3])),
        "num_self_attends_per_block": draw(st.sampled_from([1, 2])),
        "num_self_attention_heads": self_heads,
        "num_cross_attention_heads": 1 if input_channels % cross_heads else cross_heads,
        "qk_channels": qk_channels,
        "v_channels": v_channels,
        "cross_attention_shape_for_attention": draw(st.sampled_from(["kv", "q"])),
        "self_attention_widening_factor": draw(st.sampled_from([1, 3])),
        "cross_attention_widening_factor": draw(st.sampled_from([1, 2])),
        "use_query_residual": draw(st.booleans()),
        "hidden_act": draw(
            st.sampled_from(["gelu", "relu", "gelu_pytorch_tanh", "silu", "gelu_new", "tanh"])
        ),
    }


@st.composite
def input_sizes(draw: st.DrawFn, task: str) -> dict[str, Any]:
    """Odd sizes of text, image, frames and sound; the smallest at which every axis has its own length."""
    return {
        "d_model": 24,
        "vocab_size": draw(st.sampled_from([11, 99])),
        "max_position_embeddings": draw(st.sampled_from([1, 5, 13])),
        "image_size": draw(st.sampled_from([8, 12] if task == "multimodal" else [9, 13])),
        "train_size": draw(st.sampled_from([[5, 7], [11, 3]])),
        "num_frames": draw(st.sampled_from([2, 3])),
        "samples_per_patch": draw(st.sampled_from([5, 10])),
        "audio_samples_per_frame": draw(st.sampled_from([20, 30])),
        "num_labels": draw(st.sampled_from([3, 7])),
        "output_num_channels": draw(st.sampled_from([16, 32])),
    }


def closeness(received: Tensor, expected: Tensor) -> float:
    return ((received - expected).abs().max() / expected.abs().max().clamp_min(1e-12)).item()


def assert_same_gradients(ours: Any, theirs: Any, tolerance: float = 1e-5) -> None:
    our_gradients = {name: parameter.grad for name, parameter in ours.named_parameters()}
    largest = max(
        parameter.grad.abs().max().item() for parameter in theirs.parameters() if parameter.grad is not None
    )
    for name, parameter in theirs.named_parameters():
        gradient = our_gradients[name]
        if parameter.grad is None:
            assert gradient is None or not gradient.any(), name
            continue
        assert gradient is not None, f"{name} got no gradient"
        error = (gradient - parameter.grad).abs().max().item()
        # The key bias has a zero gradient in exact arithmetic: what is left is rounding of the largest.
        assert error <= tolerance * max(parameter.grad.abs().max().item(), 1e-3 * largest), name


def weigh(logits: Any) -> Tensor:
    """A scalar that depends on every output differently."""
    tensors = logits.values() if isinstance(logits, dict) else [logits]
    return sum(
        (tensor * torch.linspace(-1, 1, tensor.numel(), dtype=tensor.dtype).reshape(tensor.shape)).sum()
        for tensor in tensors
    )


@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_outputs_equal_whatever_the_configuration(
    task: str,
    data: st.DataObject,
    pair: Callable[..., Any],
    example: Callable[..., Any],
    as_double: Callable[[Any], Any],
    assert_equal_outputs: Callable[..., None],
) -> None:
    ours, theirs = pair(task, **data.draw(latent_sizes(task)), **data.draw(input_sizes(task)))
    batch = data.draw(st.sampled_from([1, 3]))
    inputs = example(task, batch=batch, seed=data.draw(st.integers(0, 99)), config=ours.config)
    if data.draw(st.booleans()):
        ours, theirs, inputs = ours.double(), theirs.double(), as_double(inputs)
    with torch.no_grad():
        asked = {"output_attentions": True, "output_hidden_states": True}
        expected = theirs(**inputs, **asked)
        assert_equal_outputs(ours(**inputs, **asked), expected)
        # Without attention weights another kernel runs; it must agree too.
        assert_equal_outputs(ours(**inputs).logits, expected.logits)


@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_outputs_equal_under_any_mask(
    task: str,
    data: st.DataObject,
    pair: Callable[..., Any],
    example: Callable[..., Any],
    assert_equal_outputs: Callable[..., None],
) -> None:
    ours, theirs = pair(task, **data.draw(input_sizes(task)))
    batch = 4
    inputs = example(task, batch=batch, config=ours.config)
    inputs.pop("attention_mask", None)
    with torch.no_grad():
        num_inputs = theirs(**inputs, output_attentions=True).cross_attentions[0].shape[-1]
        mask = torch.rand(
            batch, num_inputs, generator=torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
        )
        mask = mask < 0.5
        mask[0] = False  # a row without any input
        mask[1] = True
        mask[2, num_inputs // 3 + 1 :] = False  # a prefix, as padding leaves it
        kind = data.draw(st.sampled_from([torch.bool, torch.long, torch.float32]))
        inputs["attention_mask"] = mask.to(kind)
        asked = {"output_attentions": True, "output_hidden_states": True}
        expected = theirs(**inputs, **asked)
        assert_equal_outputs(ours(**inputs, **asked), expected)
        assert_equal_outputs(ours(**inputs).logits, expected.logits)


@given(length=st.integers(1, 13), masked=st.booleans())
@settings(max_examples=EXAMPLES)
@pytest.mark.parametrize("task", ["masked_lm", "sequence_classification"])
def test_text_of_any_length_gives_the_same_logits(
    task: str, length: int, masked: bool, pair: Callable[..., Any], assert_equal_outputs: Callable[..., None]
) -> None:
    ours, theirs = pair(task, max_position_embeddings=13)
    ids = torch.randint(0, 99, (3, length), generator=torch.Generator().manual_seed(length))
    mask = torch.ones(3, length).tril(length // 2) if masked else None
    with torch.no_grad():
        expected = theirs(ids, mask, output_attentions=True)
        assert_equal_outputs(ours(ids, mask, output_attentions=True), expected)
        assert_equal_outputs(ours(ids, mask).logits, expected.logits)


@given(height=st.integers(3, 17), width=st.integers(3, 17))
@settings(max_examples=EXAMPLES)
@pytest.mark.parametrize("task", ["image_learned", "image_fourier", "image_conv"])
def test_images_of_any_size_give_the_same_logits(
    task: str, height: int, width: int, pair: Callable[..., Any], assert_equal_outputs: Callable[..., None]
) -> None:
    ours, theirs = pair(task, image_size=9)
    height, width = (height + 8, width + 8) if task == "image_conv" else (height, width)
    pixels = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(height * 31 + width))
    options = {"interpolate_pos_encoding": True} if task == "image_learned" else {}
    with torch.no_grad():
        assert_equal_outputs(
            ours(pixels, **options, output_attentions=True), theirs(pixels, **options, output_attentions=True)
        )


@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_any_subsampled_points_of_video_and_sound_give_the_same_logits(
    data: st.DataObject, pair: Callable[..., Any], example: Callable[..., Any], assert_equal_outputs: Any
) -> None:
    ours, theirs = pair("multimodal", image_size=8, num_frames=3)
    inputs = example("multimodal", config=ours.config)
    pixels = data.draw(st.lists(st.integers(0, 16 * 224 * 224 - 1), min_size=1, max_size=9))
    patches = data.draw(st.lists(st.integers(0, 29), min_size=1, max_size=5))
    inputs["subsampled_output_points"] = {
        "image": torch.tensor(pixels),
        "audio": torch.tensor(patches),
        "label": None,
    }
    with torch.no_grad():
        expected = theirs(**inputs, output_attentions=True)
        assert_equal_outputs(ours(**inputs, output_attentions=True), expected)
        assert_equal_outputs(ours(**inputs).logits, expected.logits)


@pytest.mark.parametrize(("frames", "height", "width"), [(2, 8, 8), (3, 12, 20), (7, 16, 4)])
def test_video_and_sound_of_another_size_than_configured_give_the_same_logits(
    frames: int,
    height: int,
    width: int,
    pair: Callable[..., Any],
    example: Callable[..., Any],
    assert_equal_outputs: Callable[..., None],
) -> None:
    ours, theirs = pair("multimodal")
    inputs = example("multimodal")
    inputs["inputs"]["image"] = torch.randn(2, frames, 3, height, width)
    inputs["inputs"]["audio"] = torch.randn(2, 20 * frames, 1)
    with torch.no_grad():
        asked = {"output_attentions": True, "output_hidden_states": True}
        assert_equal_outputs(ours(**inputs, **asked), theirs(**inputs, **asked))


def with_labels(
    task: str, inputs: dict[str, Any], num_labels: int, problem_type: str | None
) -> dict[str, Any]:
    batch = inputs["inputs"].shape[0]
    if task == "masked_lm":
        labels = inputs["inputs"].roll(1, dims=-1).clone()
        labels[:, 1] = -100
    elif problem_type == "regression":
        labels = torch.randn(batch, num_labels) if num_labels > 1 else torch.randn(batch)
    elif problem_type == "multi_label_classification":
        labels = torch.randint(0, 2, (batch, num_labels)).float()
    else:
        labels = torch.randint(0, num_labels, (batch,))
    return {**inputs, "labels": labels}


@pytest.mark.parametrize("task", ["masked_lm", *CLASSIFIERS])
@pytest.mark.parametrize(
    ("num_labels", "problem_type"),
    [
        (3, None),
        (1, "regression"),
        (3, "regression"),
        (3, "single_label_classification"),
        (3, "multi_label_classification"),
    ],
)
def test_losses_equal(
    task: str,
    num_labels: int,
    problem_type: str | None,
    pair: Callable[..., Any],
    example: Callable[..., Any],
) -> None:
    ours, theirs = pair(task, num_labels=num_labels, image_size=9, problem_type=problem_type)
    inputs = with_labels(task, example(task, batch=5, config=ours.config), num_labels, problem_type)
    with torch.no_grad():
        received, expected = ours(**inputs), theirs(**inputs)
    assert closeness(received.loss, expected.loss) <= 1e-5
    assert list(received.keys()) == list(expected.keys()) == ["loss", "logits"]


@pytest.mark.parametrize("residual", [True, False], ids=["query residual", "no query residual"])
@pytest.mark.parametrize("training", [False, True], ids=["evaluating", "training"])
def test_every_gradient_equals(
    task: str,
    training: bool,
    residual: bool,
    pair: Callable[..., Any],
    example: Callable[..., Any],
    as_double: Callable[[Any], Any],
) -> None:
    sizes = {"image_size": 8 if task == "multimodal" else 17, "train_size": [5, 7], "num_blocks": 2}
    ours, theirs = pair(task, attention_probs_dropout_prob=0.0, use_query_residual=residual, **sizes)
    ours, theirs = ours.double().train(training), theirs.double().train(training)
    inputs = as_double(example(task, batch=3, config=ours.config))
    if task not in ("optical_flow", "multimodal"):
        inputs = with_labels(task, inputs, 3, None)
    for model in (ours, theirs):
        output = model(**inputs)
        (weigh(output.logits) + 3 * output.loss if "loss" in output else weigh(output.logits)).backward()
    assert_same_gradients(ours, theirs)
    for (name, received), (_, expected) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
        assert torch.allclose(received.double(), expected.double(), atol=1e-9), name


def test_gradients_of_the_inputs_equal(pair: Callable[..., Any], example: Callable[..., Any]) -> None:
    for task in ["image_learned", "image_fourier", "image_conv", "optical_flow"]:
        ours, theirs = pair(task, image_size=17, train_size=[5, 7])
        gradients = []
        for model in (ours, theirs):
            pixels = example(task, config=ours.config)["inputs"].requires_grad_()
            weigh(model(pixels).logits).backward()
            gradients.append(pixels.grad)
        assert closeness(*gradients) <= 1e-4, task


def test_tuples_hold_what_transformers_gives_but_its_repeated_decoder_attention(
    task: str,
    pair: Callable[..., Any],
    example: Callable[..., Any],
    assert_equal_outputs: Callable[..., None],
) -> None:
    ours, theirs = pair(task, image_size=8, train_size=[5, 7])
    inputs = example(task, config=ours.config)
    options = {"output_attentions": True, "output_hidden_states": True, "return_dict": False}
    with torch.no_grad():
        received, expected = ours(**inputs, **options), theirs(**inputs, **options)
    logits, hidden_states, attentions, cross_attentions, decoder_attention = expected
    assert_equal_outputs(
        received, (logits, hidden_states, attentions, (*cross_attentions, decoder_attention))
    )


@pytest.mark.parametrize("width", [1, 7, 64])
@pytest.mark.parametrize("shape_for_attention", ["kv", "q"])
def test_the_base_model_on_any_tokens_gives_the_same_latents(
    width: int,
    shape_for_attention: str,
    our_config: Callable[..., Any],
    their_config: Callable[..., Any],
    lively: Callable[..., None],
    assert_equal_outputs: Callable[..., None],
) -> None:
    import transformers

    import perceivers

    sizes = {
        "d_model": width,
        "cross_attention_shape_for_attention": shape_for_attention,
        "qk_channels": None,
        "v_channels": None,
    }
    theirs = transformers.PerceiverModel(their_config(**sizes)).eval()
    lively(theirs)
    ours = perceivers.PerceiverModel(our_config(**sizes)).eval()
    ours.load_state_dict(theirs.state_dict())
    tokens, mask = torch.randn(3, 11, width), torch.rand(3, 11) < 0.7
    asked = {"output_attentions": True, "output_hidden_states": True}
    with torch.no_grad():
        assert_equal_outputs(ours(tokens, mask, **asked), theirs(tokens, mask, **asked))
        assert_equal_outputs(ours(tokens, mask), theirs(tokens, mask))


def test_the_comparison_would_notice_an_error_of_one_in_ten_thousand(
    pair: Callable[..., Any], example: Callable[..., Any], assert_equal_outputs: Callable[..., None]
) -> None:
    _, theirs = pair("sequence_classification")
    logits = theirs(**example("sequence_classification")).logits
    disturbed = logits.clone()
    disturbed[0, 0] += 1e-4 * logits.abs().max()
    with pytest.raises(AssertionError, match="of its largest value"):
        assert_equal_outputs(disturbed, logits)
    assert math.isfinite(logits.sum().item())
