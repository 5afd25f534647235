"""Activation functions by the names that configurations use."""

from __future__ import annotations

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


def squared_relu(values: Tensor) -> Tensor:
    """max(x, 0) squared (Primer, So et al. 2021)."""
    return F.relu(values).square()


def identity(values: Tensor) -> Tensor:
    """The values themselves."""
    return values


_tanh_gelu = partial(F.gelu, approximate="tanh")

ACTIVATIONS: Mapping[str, Activation] = {
    "gelu": F.gelu,
    "gelu_new": _tanh_gelu,
    "gelu_pytorch_tanh": _tanh_gelu,
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
