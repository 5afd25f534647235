"""On a GPU, the seven models still give what Transformers gives, in float32 and, about as near, in bfloat16; and compile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

# What a GPU sums in another order than the reference does there, through norms and softmaxes of lively models.
TOLERANCE = 2e-5
# torch.compile emits code, for which it needs a compiler; on a processor the traced graph is run instead.
FLAT = {"num_blocks": 1}


def on(device: torch.device, value: Any, dtype: torch.dtype | None = None) -> Any:
    """Arguments of a model where it is, floating ones in its dtype."""
    if isinstance(value, dict):
        return {name: on(device, each, dtype) for name, each in value.items()}
    if not isinstance(value, Tensor):
        return value
    return value.to(device, dtype if value.is_floating_point() else None)


@torch.no_grad()
def test_outputs_equal(
    task: str,
    gpu: torch.device,
    pair: Callable[..., Any],
    example: Callable[..., Any],
    assert_equal_outputs: Any,
) -> None:
    ours, theirs = (model.to(gpu) for model in pair(task))
    inputs = on(gpu, example(task, batch=3, config=ours.config))
    asked = {"output_attentions": True, "output_hidden_states": True}
    expected = theirs(**inputs, **asked)
    assert_equal_outputs(ours(**inputs, **asked), expected, TOLERANCE)
    # Without attention weights fused kernels run, in widths that they read in blocks.
    assert_equal_outputs(ours(**inputs).logits, expected.logits, TOLERANCE)


@torch.no_grad()
def test_masked_outputs_equal(
    task: str,
    gpu: torch.device,
    pair: Callable[..., Any],
    example: Callable[..., Any],
    assert_equal_outputs: Any,
) -> None:
    ours, theirs = (model.to(gpu) for model in pair(task))
    inputs = on(gpu, example(task, batch=3, config=ours.config))
    inputs.pop("attention_mask", None)
    num_inputs = theirs(**inputs, output_attentions=True).cross_attentions[0].shape[-1]
    mask = torch.rand(3, num_inputs, generator=torch.Generator().manual_seed(1)) < 0.5
    mask[0] = False
    inputs["attention_mask"] = mask.to(gpu)
    assert_equal_outputs(ours(**inputs).logits, theirs(**inputs).logits, TOLERANCE)


@torch.no_grad()
def test_bfloat16_is_as_near_to_float32_as_the_reference(
    task: str, gpu: torch.device, pair: Callable[..., Any], example: Callable[..., Any]
) -> None:
    ours, theirs = (model.to(gpu) for model in pair(task))
    inputs = example(task, batch=3, config=ours.config)
    exact = theirs(**on(gpu, inputs)).logits
    half = on(gpu, inputs, torch.bfloat16)
    received = ours.to(torch.bfloat16)(**half).logits
    # Their padding of modalities stays float32, and is mixed with the rest: nothing to compare with.
    reference = exact if task == "multimodal" else theirs.to(torch.bfloat16)(**half).logits
    for name in exact if isinstance(exact, dict) else [...]:
        scale = exact[name].abs().max()
        theirs_off = (reference[name].float() - exact[name]).abs().max() / scale
        assert received[name].dtype == torch.bfloat16
        assert (received[name].float() - exact[name]).abs().max() / scale <= 1.5 * theirs_off + 0.03, name


def test_every_gradient_equals(
    task: str, gpu: torch.device, pair: Callable[..., Any], example: Callable[..., Any]
) -> None:
    sizes = {"image_size": 8 if task == "multimodal" else 17, "train_size": [5, 7], "num_blocks": 2}
    ours, theirs = (model.to(gpu) for model in pair(task, attention_probs_dropout_prob=0.0, **sizes))
    inputs = on(gpu, example(task, batch=3, config=ours.config))
    for model in (ours, theirs):
        logits = model(**inputs).logits
        values = logits.values() if isinstance(logits, dict) else [logits]
        sum(each.square().mean() for each in values).backward()
    expected = {name: each.grad for name, each in theirs.named_parameters() if each.grad is not None}
    largest = max(gradient.abs().max() for gradient in expected.values())
    for name, parameter in ours.named_parameters():
        if name in expected:
            error = (parameter.grad - expected[name]).abs().max()
            assert error <= 1e-4 * max(expected[name].abs().max(), 1e-2 * largest), name


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@torch.no_grad()
def test_a_model_compiles_without_a_break(
    task: str,
    gpu: torch.device,
    ours: Callable[..., Any],
    example: Callable[..., Any],
    assert_equal_outputs: Any,
) -> None:
    model = ours(task, **FLAT).to(gpu)
    inputs = on(gpu, example(task, config=model.config))
    torch.compiler.reset()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager" if gpu.type == "cpu" else "inductor")
    assert_equal_outputs(compiled(**inputs).logits, model(**inputs).logits, TOLERANCE)
    torch.compiler.reset()
