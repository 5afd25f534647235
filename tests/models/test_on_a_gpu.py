"""On a GPU: what the processor gives, steps of training in float32 and bfloat16, and arguments that lie elsewhere."""

from __future__ import annotations

import copy

import pytest
import torch

from tiny_models import LABELS


def on(device, value):
    """Arguments of a model, where it is."""
    if isinstance(value, dict):
        return {name: on(device, each) for name, each in value.items()}
    return value.to(device) if isinstance(value, torch.Tensor) else value


@torch.no_grad()
def test_outputs_are_those_of_the_processor(task, gpu, tiny, inputs_of, same):
    model, inputs = tiny(task), inputs_of(task, 3)
    expected = model(inputs).logits
    received = model.to(gpu)(on(gpu, inputs)).logits
    same(on("cpu", dict(received) if isinstance(received, dict) else received), expected, 2e-5)


@pytest.mark.parametrize(
    "autocast", [None, torch.bfloat16, torch.float16], ids=["full", "bfloat16", "float16"]
)
def test_a_few_steps_lower_the_loss(task, autocast, gpu, tiny, inputs_of):
    model = (
        tiny(task, lively=False, attention_probs_dropout_prob=0.0, num_training_points=1000).train().to(gpu)
    )
    inputs = on(gpu, inputs_of(task))
    labels = on(gpu, LABELS[task](inputs))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        with torch.autocast(gpu.type, autocast, enabled=autocast is not None):
            loss = model(inputs, **labels).loss
        assert loss.dtype == torch.float32
        loss.backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
        optimizer.step()
        losses.append(loss.item())
    # Where a gradient is zero but for rounding, Adam follows the rounding: runs differ in their pace.
    assert min(losses) < 0.8 * losses[0]


def test_recomputed_activations_give_the_same_gradients(task, gpu, tiny, inputs_of, same):
    model = tiny(task, attention_probs_dropout_prob=0.0, num_training_points=1000).train().to(gpu)
    inputs = on(gpu, inputs_of(task))
    labels = on(gpu, LABELS[task](inputs))

    def gradients():
        model.zero_grad()
        torch.manual_seed(0)
        model(inputs, **labels).loss.backward()
        return {name: parameter.grad for name, parameter in model.named_parameters()}

    kept = gradients()
    model.gradient_checkpointing_enable()
    same(gradients(), kept, 1e-4)


@torch.no_grad()
def test_places_of_outputs_may_lie_on_the_processor(gpu, tiny, inputs_of, same):
    for task, positions in (("masked_lm", [3, 1, 7]), ("optical_flow", [3, 11, 2])):
        model = tiny(task).to(gpu)
        for asked in (model, copy.deepcopy(model).prepare()):
            encoded = asked.encode(on(gpu, inputs_of(task)))
            here, there = torch.tensor(positions), torch.tensor(positions, device=gpu)
            same(asked.decode(encoded, positions=here), asked.decode(encoded, positions=there))


@torch.no_grad()
def test_chunks_change_nothing(task, gpu, tiny, inputs_of, same):
    model, inputs = tiny(task).to(gpu), on(gpu, inputs_of(task))
    encoded = model.encode(inputs)
    same(model.decode(encoded, chunk_size=3), model.decode(encoded), 2e-5)
