"""A residual is a sum, in the memory of what nobody else has seen."""

from __future__ import annotations

import pytest
import torch

from perceivers.nn.residual import add_residual


def arrays():
    return (torch.randn(2, 3, 5, requires_grad=True) * 1 for _ in range(2))


@pytest.mark.parametrize("in_place", [False, True])
def test_it_is_the_sum_in_the_memory_that_was_said(in_place):
    result, residual = arrays()
    expected, memory = residual + result, result.data_ptr()
    received = add_residual(result, residual, in_place)
    assert torch.equal(received, expected)
    assert (received.data_ptr() == memory) is in_place


def test_its_gradient_goes_to_both():
    sides = [each.detach().requires_grad_() for each in arrays()]
    weight = torch.randn(2, 3, 5)
    gradients = torch.autograd.grad((add_residual(sides[0] * 2, sides[1], True) * weight).sum(), sides)
    assert torch.equal(gradients[0], 2 * weight)
    assert torch.equal(gradients[1], weight)


def test_other_types_and_shapes_make_an_array_of_their_own():
    result, residual = torch.randn(2, 3, 5, dtype=torch.bfloat16), torch.randn(2, 3, 5)
    assert torch.equal(add_residual(result, residual, True), residual + result)
    assert add_residual(torch.zeros(2, 1, 5), residual, True).shape == (2, 3, 5)


def test_each_sample_may_have_a_residual_of_its_own_under_vmap():
    residual = torch.randn(2, 3, 5)
    received = torch.func.vmap(lambda each: add_residual(torch.ones(3, 5), each, True))(residual)
    assert torch.equal(received, residual + 1)
