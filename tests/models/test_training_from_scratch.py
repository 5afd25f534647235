"""A few optimiser steps on one batch: every tiny model learns it, with finite gradients all the way."""

from __future__ import annotations

import torch

from tiny_models import LABELS


def test_a_few_steps_lower_the_loss(task, tiny, inputs_of):
    model = tiny(task, lively=False, attention_probs_dropout_prob=0.0, num_training_points=1000).train()
    inputs = inputs_of(task)
    labels = LABELS[task](inputs)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2, weight_decay=0.0)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = model(inputs, **labels).loss
        loss.backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert torch.isfinite(parameter.grad).all(), name
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_recomputed_activations_give_the_same_gradients(task, tiny, inputs_of, same):
    model = tiny(task, attention_probs_dropout_prob=0.0, num_training_points=1000).train()
    inputs = inputs_of(task)

    def gradients():
        model.zero_grad()
        torch.manual_seed(0)
        model(inputs, **LABELS[task](inputs)).loss.backward()
        return {name: parameter.grad for name, parameter in model.named_parameters()}

    kept = gradients()
    model.gradient_checkpointing_enable()
    assert model.is_gradient_checkpointing
    same(gradients(), kept, 1e-5)


def test_losses_are_finite_in_half_precision(task, tiny, inputs_of):
    model = tiny(task, lively=False).to(torch.bfloat16).train()
    inputs = inputs_of(task)
    loss = model(inputs, **LABELS[task](inputs)).loss
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())
