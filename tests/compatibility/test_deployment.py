"""The seven models as they are shipped: compiled, exported, in half precision, recomputing, on any device."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.export import Dim

SIZES = {"image_size": 16, "train_size": [5, 7], "num_frames": 2, "num_blocks": 2}
# What compilers see of one self-attend in two blocks is all that there is to see; their time goes by the number of layers.
FLAT = {**SIZES, "num_self_attends_per_block": 1}
# An exported program has its blocks one after the other: a second one shows nothing new.
FLATTEST = {**FLAT, "num_blocks": 1}


def without_gradient(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    with torch.no_grad():
        return call(*arguments, **options)


def as_dtype(value: Any, dtype: torch.dtype) -> Any:
    if isinstance(value, dict):
        return {name: as_dtype(item, dtype) for name, item in value.items()}
    return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value


def weigh(logits: Any) -> Tensor:
    """A scalar that depends on every output differently."""
    tensors = logits.values() if isinstance(logits, dict) else [logits]
    return sum(
        (tensor * torch.linspace(-1, 1, tensor.numel(), dtype=tensor.dtype).reshape(tensor.shape)).sum()
        for tensor in tensors
    )


def closeness(received: Tensor, expected: Tensor) -> float:
    return ((received.float() - expected.float()).abs().max() / expected.float().abs().max()).item()


@pytest.fixture
def fresh_compiler() -> Any:
    """Nothing that another test compiled counts towards the limit of recompilations."""
    torch.compiler.reset()
    yield
    torch.compiler.reset()


# Compiling


@pytest.mark.usefixtures("fresh_compiler")
def test_a_model_compiles_without_a_break(
    task: str, ours: Callable[..., Any], example: Callable[..., Any], assert_equal_outputs: Any
) -> None:
    # Whether the code can be followed whole is seen before any backend; those that follow are tried below.
    model = ours(task, **FLAT)
    inputs = example(task, config=model.config)
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    assert_equal_outputs(
        without_gradient(compiled, **inputs).logits, without_gradient(model, **inputs).logits
    )


@pytest.mark.usefixtures("fresh_compiler")
@pytest.mark.parametrize("task", ["masked_lm", "image_conv"])
def test_gradients_flow_through_a_compiled_model(
    task: str, ours: Callable[..., Any], example: Callable[..., Any]
) -> None:
    model = ours(task, **FLAT)
    inputs = example(task, config=model.config)
    weigh(model(**inputs).logits).backward()
    expected = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    weigh(compiled(**inputs).logits).backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name], rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.usefixtures("fresh_compiler")
def test_a_compiled_model_gives_attentions_and_hidden_states(
    ours: Callable[..., Any], example: Callable[..., Any], assert_equal_outputs: Any
) -> None:
    model = ours("sequence_classification", **FLAT)
    inputs = {**example("sequence_classification"), "output_attentions": True, "output_hidden_states": True}
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    assert_equal_outputs(without_gradient(compiled, **inputs), without_gradient(model, **inputs))


@pytest.mark.slow
@pytest.mark.usefixtures("fresh_compiler")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch.*")
@pytest.mark.skipif(not (shutil.which("c++") or shutil.which("g++")), reason="needs a C++ compiler")
def test_a_model_compiles_to_machine_code(
    task: str, ours: Callable[..., Any], example: Callable[..., Any], assert_equal_outputs: Any
) -> None:
    model = ours(task, **FLAT)
    inputs = example(task, config=model.config)
    compiled = torch.compile(model, fullgraph=True)
    assert_equal_outputs(
        without_gradient(compiled, **inputs).logits, without_gradient(model, **inputs).logits
    )


# Exporting: one program for any batch and, where the model takes any, any length or size

BATCH = Dim("batch", min=1, max=64)
LENGTH = Dim("length", min=1, max=7)
HEIGHT, WIDTH = Dim("height", min=9, max=64), Dim("width", min=9, max=64)
FRAMES, PATCHES = Dim("frames", min=2, max=16), Dim("patches", min=2, max=64)

DYNAMIC: dict[str, Any] = {
    "masked_lm": {"inputs": {0: BATCH, 1: LENGTH}, "attention_mask": {0: BATCH, 1: LENGTH}},
    "sequence_classification": {"inputs": {0: BATCH, 1: LENGTH}, "attention_mask": {0: BATCH, 1: LENGTH}},
    "image_learned": {"inputs": {0: BATCH}},
    "image_fourier": {"inputs": {0: BATCH, 2: HEIGHT, 3: WIDTH}},
    "image_conv": {"inputs": {0: BATCH, 2: HEIGHT, 3: WIDTH}},
    "optical_flow": {"inputs": {0: BATCH}},
    "multimodal": {
        "inputs": {
            "image": {0: BATCH, 1: FRAMES},
            "audio": {0: BATCH, 1: 20 * PATCHES},
            "label": {0: BATCH},
        },
        "subsampled_output_points": {
            "image": {0: Dim("pixels", min=2)},
            "audio": {0: Dim("samples", min=2)},
            "label": None,
        },
    },
}


def other_inputs(task: str) -> dict[str, Any]:
    """Inputs of another batch and another length or size than the program was made with."""
    if task in ("masked_lm", "sequence_classification"):
        mask = torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]])
        return {"inputs": torch.randint(0, 99, (5, 4)), "attention_mask": mask}
    if task == "optical_flow":
        return {"inputs": torch.randn(5, 2, 27, 5, 7)}
    if task == "multimodal":
        return {
            "inputs": {
                "image": torch.randn(5, 3, 3, 16, 16),
                "audio": torch.randn(5, 20 * 11, 1),
                "label": torch.randn(5, 3),
            },
            "subsampled_output_points": {
                "image": torch.tensor([5, 0, 100, 7, 7]),
                "audio": torch.tensor([1, 0, 3]),
                "label": None,
            },
        }
    size = (16, 16) if task == "image_learned" else (21, 34)
    return {"inputs": torch.randn(5, 3, *size)}


def test_a_model_exports_with_a_free_batch_and_length(
    task: str, ours: Callable[..., Any], example: Callable[..., Any], assert_equal_outputs: Any
) -> None:
    model = ours(task, **FLATTEST)
    inputs = example(task, batch=3, config=model.config)
    if task == "multimodal":
        inputs["subsampled_output_points"] = {
            "image": torch.tensor([0, 50, 3, 9]),
            "audio": torch.tensor([4, 1]),
            "label": None,
        }
    program = torch.export.export(model, (), kwargs=inputs, dynamic_shapes=DYNAMIC[task], strict=False)
    for given in (inputs, other_inputs(task)):
        received = without_gradient(program.module(), **given)
        expected = without_gradient(model, **given)
        assert_equal_outputs(
            received["logits"] if isinstance(received, dict) else received.logits, expected.logits
        )


# Precision


def test_a_model_in_pure_bfloat16_stays_close_and_keeps_its_dtype(
    task: str, ours: Callable[..., Any], example: Callable[..., Any], flatten: Any
) -> None:
    model = ours(task, **SIZES)
    inputs = example(task, config=model.config)
    expected = flatten(without_gradient(model, **inputs).logits)
    half = model.to(torch.bfloat16)
    asked = {"output_attentions": True, "output_hidden_states": True}
    everything = flatten(without_gradient(half, **as_dtype(inputs, torch.bfloat16), **asked))
    assert {values.dtype for values in everything.values()} == {torch.bfloat16}
    received = flatten(without_gradient(half, **as_dtype(inputs, torch.bfloat16)).logits)
    for name, values in received.items():
        assert values.dtype == torch.bfloat16
        assert closeness(values, expected[name]) < 0.25, name


def test_a_model_in_bfloat16_takes_float32_inputs(
    task: str, ours: Callable[..., Any], example: Callable[..., Any], flatten: Any
) -> None:
    model = ours(task, **SIZES).to(torch.bfloat16)
    inputs = example(task, config=model.config)
    cast = flatten(without_gradient(model, **as_dtype(inputs, torch.bfloat16)).logits)
    for name, values in flatten(without_gradient(model, **inputs).logits).items():
        assert torch.equal(values, cast[name]), name


def test_every_parameter_trains_in_pure_bfloat16(
    task: str, ours: Callable[..., Any], example: Callable[..., Any]
) -> None:
    model = ours(task, **SIZES).to(torch.bfloat16)
    weigh(model(**as_dtype(example(task, config=model.config), torch.bfloat16)).logits).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.dtype == torch.bfloat16
        assert torch.isfinite(parameter.grad).all(), name


def test_a_model_under_autocast_stays_close(
    task: str, ours: Callable[..., Any], example: Callable[..., Any], flatten: Any
) -> None:
    model = ours(task, **SIZES)
    inputs = example(task, config=model.config)
    expected = flatten(without_gradient(model, **inputs).logits)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = model(**inputs)
        weigh(as_dtype(output.logits, torch.float32)).backward()
    for name, values in flatten(output.logits).items():
        assert closeness(values.detach(), expected[name]) < 0.25, name
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


@pytest.mark.parametrize("task", ["masked_lm", "image_fourier"])
def test_a_fully_masked_row_stays_finite_in_half_precision(
    task: str, ours: Callable[..., Any], example: Callable[..., Any]
) -> None:
    model = ours(task, **SIZES)
    inputs = example(task, config=model.config)
    num_inputs = 7 if task == "masked_lm" else 256
    inputs["attention_mask"] = torch.zeros(2, num_inputs, dtype=torch.long)
    for dtype in (torch.float16, torch.bfloat16):
        half, given = model.to(dtype), as_dtype(inputs, dtype)
        for asked in (True, False):
            logits = without_gradient(half, **given, output_attentions=asked).logits
            assert torch.isfinite(logits).all(), (dtype, asked)


# Gradient checkpointing, attention implementations, devices


def test_gradient_checkpointing_changes_no_gradient(
    task: str, ours: Callable[..., Any], example: Callable[..., Any]
) -> None:
    model = ours(task, attention_probs_dropout_prob=0.0, **SIZES).train()
    if task == "image_conv":
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eval()
    inputs = example(task, config=model.config)
    weigh(model(**inputs).logits).backward()
    expected = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    model.gradient_checkpointing_enable()
    weigh(model(**inputs).logits).backward()
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter.grad, expected[name]), name


def test_gradient_checkpointing_draws_the_same_dropout(
    ours: Callable[..., Any], example: Callable[..., Any]
) -> None:
    model = ours("masked_lm", attention_probs_dropout_prob=0.4).train()
    inputs = example("masked_lm")
    gradients = []
    for enable in (False, True):
        model.zero_grad()
        if enable:
            model.gradient_checkpointing_enable()
        torch.manual_seed(5)
        weigh(model(**inputs).logits).backward()
        gradients.append(model.perceiver.embeddings.latents.grad.clone())
    assert torch.equal(*gradients)


def test_plain_and_fused_attention_agree(
    task: str, ours: Callable[..., Any], example: Callable[..., Any], assert_equal_outputs: Any
) -> None:
    fused, plain = (ours(task, attn_implementation=name, **SIZES) for name in ("sdpa", "eager"))
    inputs = example(task, config=fused.config)
    mask = torch.ones(
        2, without_gradient(fused, **inputs, output_attentions=True).cross_attentions[0].shape[-1]
    )
    mask[0, 1:] = 0
    mask[1] = 0
    for given in (inputs, {**inputs, "attention_mask": mask}):
        assert_equal_outputs(without_gradient(fused, **given).logits, without_gradient(plain, **given).logits)


def test_the_plain_implementation_does_not_call_the_fused_kernel(
    ours: Callable[..., Any], example: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> None:
        raise AssertionError("the fused kernel was called")

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", refuse)
    without_gradient(ours("masked_lm", attn_implementation="eager"), **example("masked_lm"))
    with pytest.raises(AssertionError, match="fused kernel"):
        without_gradient(ours("masked_lm"), **example("masked_lm"))


def test_a_model_runs_on_the_meta_device(
    task: str, our_config: Callable[..., Any], class_names: dict[str, str], example: Callable[..., Any]
) -> None:
    """Everything that forward makes follows the inputs' device: nothing is made on the processor."""
    import perceivers

    config = our_config(**SIZES)
    with torch.device("meta"):
        model = getattr(perceivers, class_names[task])(config).eval()
    inputs = example(task, config=config)

    def to_meta(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: to_meta(item) for name, item in value.items()}
        return value.to("meta") if isinstance(value, Tensor) else value

    logits = without_gradient(model, **to_meta(inputs)).logits
    tensors = logits.values() if isinstance(logits, dict) else [logits]
    assert {tensor.device.type for tensor in tensors} == {"meta"}


def test_a_model_built_on_meta_takes_weights_by_assignment(
    task: str,
    our_config: Callable[..., Any],
    ours: Callable[..., Any],
    class_names: dict[str, str],
    example: Any,
) -> None:
    import perceivers

    source = ours(task, **SIZES)
    with torch.device("meta"):
        model = getattr(perceivers, class_names[task])(our_config(**SIZES)).eval()
    model.load_state_dict(source.state_dict(), assign=True)
    inputs = example(task, config=source.config)
    expected = without_gradient(source, **inputs).logits
    received = without_gradient(model, **inputs).logits
    pairs = (
        zip(expected.values(), received.values(), strict=True)
        if isinstance(expected, dict)
        else [(expected, received)]
    )
    assert all(torch.equal(first, second) for first, second in pairs)
