"""A residual is a sum, in the memory of what nobody else has seen."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from perceivers.nn.residual import add_residual

OWN = {nn.Linear(3, 5): nn.Linear, nn.ReLU(): nn.ReLU}


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch):
    monkeypatch.setattr("perceivers.nn.residual._SMALL", 0)


def arrays():
    return (torch.randn(2, 3, 5, requires_grad=True) * 1 for _ in range(2))


def is_in_place(makers):
    result, residual = arrays()
    expected, memory = residual + result, result.data_ptr()
    received = add_residual(result, residual, makers)
    assert torch.equal(received, expected)
    return received.data_ptr() == memory


def test_it_is_the_sum_in_the_memory_of_what_the_modules_made_alone(monkeypatch):
    assert is_in_place(OWN)
    assert not is_in_place({**OWN, nn.Sequential(nn.Linear(3, 5)): nn.Linear})
    monkeypatch.setattr("perceivers.nn.residual._SMALL", 2 * 3 * 5)
    assert not is_in_place(OWN)


def test_its_gradient_goes_to_both():
    sides = [each.detach().requires_grad_() for each in arrays()]
    weight = torch.randn(2, 3, 5)
    gradients = torch.autograd.grad((add_residual(sides[0] * 2, sides[1], OWN) * weight).sum(), sides)
    assert torch.equal(gradients[0], 2 * weight)
    assert torch.equal(gradients[1], weight)


def test_other_types_and_shapes_make_an_array_of_their_own():
    result, residual = torch.randn(2, 3, 5, dtype=torch.bfloat16), torch.randn(2, 3, 5)
    assert torch.equal(add_residual(result, residual, OWN), residual + result)
    assert add_residual(torch.zeros(2, 1, 5), residual, OWN).shape == (2, 3, 5)


def test_each_sample_may_have_a_residual_of_its_own_under_vmap():
    residual = torch.randn(2, 3, 5)
    received = torch.func.vmap(lambda each: add_residual(torch.ones(3, 5), each, OWN))(residual)
    assert torch.equal(received, residual + 1)
