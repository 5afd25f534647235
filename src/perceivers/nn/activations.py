"""Activation functions by the names that configurations use."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers.errors import ConfigurationError

Activation = Callable[[Tensor], Tensor]


def quick_gelu(values: Tensor) -> Tensor:
    """Cheapest approximation of GELU, x * sigmoid(1.702 x) (Hendrycks and Gimpel 2016)."""
    return values * torch.sigmoid(1.702 * values)


def clipped_gelu(values: Tensor) -> Tensor:
    """GELU with its output held in [-10, 10], for quantisation (Wu et al. 2020)."""
    return F.gelu(values).clip(-10, 10)


def laplace(values: Tensor) -> Tensor:
    """Cumulative distribution of a normal variable, mean sqrt(1/2), deviation sqrt(1/(4 pi)) (MEGA, Ma et al. 2022)."""
    return 0.5 * (1 + torch.erf((values - 0.707107) / (0.282095 * math.sqrt(2))))


def squared_relu(values: Tensor) -> Tensor:
    """max(x, 0) squared (Primer, So et al. 2021)."""
    return F.relu(values).square()


def identity(values: Tensor) -> Tensor:
    """The values themselves."""
    return values


_tanh_gelu = partial(F.gelu, approximate="tanh")

ACTIVATIONS: Mapping[str, Activation] = {
    "gelu": F.gelu,
    "gelu_10": clipped_gelu,
    "gelu_accurate": _tanh_gelu,
    "gelu_fast": _tanh_gelu,
    "gelu_new": _tanh_gelu,
    "gelu_python": F.gelu,
    "gelu_python_tanh": _tanh_gelu,
    "gelu_pytorch_tanh": _tanh_gelu,
    "hardswish": F.hardswish,
    "laplace": laplace,
    "quick_gelu": quick_gelu,
    "relu": F.relu,
    "relu2": squared_relu,
    "relu6": F.relu6,
    "leaky_relu": F.leaky_relu,
    "silu": F.silu,
    "swish": F.silu,
    "mish": F.mish,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "linear": identity,
}


def activation(name: str) -> Activation:
    """The function called `name`.

    Raises:
        ConfigurationError: no function has that name.
    """
    if name not in ACTIVATIONS:
        raise ConfigurationError(f"`hidden_act` must be one of {sorted(ACTIVATIONS)}, received {name!r}")
    return ACTIVATIONS[name]


# Their gradients read what went in and not what came out.
_KEEP_INPUT = frozenset(
    {F.gelu, _tanh_gelu, clipped_gelu, quick_gelu, F.hardswish, F.leaky_relu, F.silu, F.mish, F.relu6}
)


def keeps_its_input(name: str) -> bool:
    """Whether the function called `name` keeps what goes in for its gradient, and not what comes out."""
    return activation(name) in _KEEP_INPUT
