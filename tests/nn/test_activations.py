"""Each name gives its formula."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.multiprocessing.reductions import StorageWeakRef

from perceivers.errors import ConfigurationError
from perceivers.nn.activations import ACTIVATIONS, activation, keeps_its_input


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def tanh_gelu(x):
    return 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


FORMULAS = {
    "gelu": lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))),
    "gelu_10": lambda x: min(max(0.5 * x * (1 + math.erf(x / math.sqrt(2))), -10.0), 10.0),
    "gelu_accurate": tanh_gelu,
    "gelu_fast": tanh_gelu,
    "gelu_new": tanh_gelu,
    "gelu_python": lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))),
    "gelu_python_tanh": tanh_gelu,
    "hardswish": lambda x: x * min(max(x + 3, 0.0), 6.0) / 6,
    "laplace": lambda x: 0.5 * (1 + math.erf((x - 0.707107) / (0.282095 * math.sqrt(2)))),
    "gelu_pytorch_tanh": tanh_gelu,
    "quick_gelu": lambda x: x * sigmoid(1.702 * x),
    "relu": lambda x: max(x, 0.0),
    "relu2": lambda x: max(x, 0.0) ** 2,
    "relu6": lambda x: min(max(x, 0.0), 6.0),
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "silu": lambda x: x * sigmoid(x),
    "swish": lambda x: x * sigmoid(x),
    "mish": lambda x: x * math.tanh(math.log1p(math.exp(x))),
    "sigmoid": sigmoid,
    "tanh": math.tanh,
    "linear": lambda x: x,
}


def test_every_name_has_a_formula_here():
    assert set(ACTIVATIONS) == set(FORMULAS)


@pytest.mark.parametrize("name", sorted(FORMULAS))
@given(x=st.floats(-20, 20))
def test_a_name_gives_its_formula(name, x):
    received = activation(name)(torch.tensor([x], dtype=torch.float64)).item()
    assert received == pytest.approx(FORMULAS[name](x), rel=1e-9, abs=1e-12)


def test_names_mean_the_same_in_transformers():
    from transformers.activations import ACT2FN

    values = torch.linspace(-7, 7, 101)
    for name, function in ACTIVATIONS.items():
        torch.testing.assert_close(function(values), ACT2FN[name](values), msg=name)


def test_an_unknown_name_is_an_error_that_lists_the_known_ones():
    with pytest.raises(
        ConfigurationError, match=r"`hidden_act` must be one of .*'gelu_pytorch_tanh'.* received 'gleu'"
    ):
        activation("gleu")


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"linear"}))
def test_it_is_known_which_gradients_read_what_goes_in_and_not_what_comes_out(name):
    values = torch.randn(7, requires_grad=True) * 1
    output = activation(name)(values)
    node, memories = (
        output.grad_fn,
        [StorageWeakRef(each.untyped_storage()) for each in (values, output)],
    )
    del values, output
    kept = [not memory.expired() for memory in memories]
    assert keeps_its_input(name) == (kept == [True, False])
    del node


def test_the_identity_has_nothing_to_leave_out():
    assert not keeps_its_input("linear")
