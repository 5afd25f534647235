"""Constant linear maps, laid out once in the order in which oneDNN's kernels read them, with what follows fused in.

On a processor, float32 matrix products of a packed weight run about a fifth faster than those of torch's default library,
and the activation or the residual after it costs no pass of its own. The sums are the same, in another order. Anywhere else
(other devices and dtypes, builds without oneDNN, few outputs) the map is what `torch.nn.functional.linear` makes of it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers.inference.tracing import is_traced
from perceivers.nn.activations import Activation, activation, identity
from perceivers.nn.token_structure import AffineMap

# Kernels for packed weights compute blocks of columns; fewer than one block gain nothing.
_FEWEST_OUTPUTS = 16
# A hint for the layout. Any number of rows may come.
_USUAL_ROWS = 512
_packs: ContextVar[bool] = ContextVar("packs", default=True)


@contextmanager
def unpacked() -> Iterator[None]:
    """Maps that are made inside are laid out as everybody reads them: for what is to run elsewhere."""
    before = _packs.set(False)
    try:
        yield
    finally:
        _packs.reset(before)


class PackedMap:
    """activation(W x + b), or W x + b + something.

    Args:
        mapped: W and b, in the dtype of the inputs.
        activation: applied to the outputs.
        packed_dtype: type of the weights that are packed; bfloat16 is for those who have asked the processor, see
            `perceivers.inference.half_precision`.
    """

    def __init__(
        self,
        mapped: AffineMap,
        activation: Activation = identity,
        packed_dtype: torch.dtype = torch.float32,
    ) -> None:
        weight = mapped.weight.detach()
        self.out_features = weight.shape[0]
        self._bias = None if mapped.bias is None else mapped.bias.detach().contiguous()
        self._activation = activation
        self._fused = _fused_names().get(activation)
        self._is_packed = _is_packable(weight, packed_dtype)
        self._weight = (
            _packed().reorder(weight.contiguous(), _USUAL_ROWS) if self._is_packed else weight.contiguous()
        )

    def in_graph(self) -> PackedMap:
        """The same with weights that are values of the graph being captured: a scan's steps take no other constants."""
        own = copy.copy(self)
        own._weight = self._weight.clone()
        own._bias = None if self._bias is None else self._bias.clone()
        return own

    def __call__(self, inputs: Tensor, added: Tensor | None = None) -> Tensor:
        """[..., in_channels] to [..., out_channels].

        Args:
            inputs: what is mapped.
            added: [..., out_channels], added to the outputs; only where there is no activation.
        """
        if not self._is_packed:
            outputs = F.linear(inputs, self._weight, self._bias)
            return self._activation(outputs) if added is None else outputs.add_(added)
        inputs = inputs.contiguous()
        if added is not None:
            return _packed().add(inputs, added.contiguous(), self._weight, self._bias, "add")
        if self._fused is not None:
            name, algorithm = self._fused
            return _packed().linear(inputs, self._weight, self._bias, name, [], algorithm)
        outputs = _packed().linear(inputs, self._weight, self._bias, "none", [], "")
        return self._activation(outputs)


def _is_packable(weight: Tensor, dtype: torch.dtype) -> bool:
    if is_traced() or not _packs.get():
        return False
    on_processor = weight.device.type == "cpu" and weight.dtype == dtype
    return on_processor and weight.shape[0] >= _FEWEST_OUTPUTS and weight.shape[1] > 0 and packing_works()


@cache
def packing_works() -> bool:
    """Whether this build of torch, on this processor, has the kernels and they give what they should."""
    try:
        if not torch.backends.mkldnn.is_available():
            return False
        weight = torch.arange(6 * 16, dtype=torch.float32).remainder(7).view(16, 6)
        inputs, bias = torch.linspace(-1, 1, 18).view(3, 6), torch.linspace(0, 1, 16)
        packed = _packed().reorder(weight, _USUAL_ROWS)
        expected = F.linear(inputs, weight, bias)
        received = [
            _packed().linear(inputs, packed, bias, "none", [], ""),
            _packed().add(inputs, torch.zeros_like(expected), packed, bias, "add"),
        ]
        return all(torch.allclose(each, expected, atol=1e-5) for each in received)
    except (AttributeError, RuntimeError, NotImplementedError):
        return False


class _Operators:
    """torch's operators for packed weights: those that its own compiler emits for frozen models."""

    def __init__(self) -> None:
        operators: Any = torch.ops.mkldnn
        self.reorder = operators._reorder_linear_weight
        self.linear = operators._linear_pointwise
        self.add = operators._linear_pointwise.binary


@cache
def _packed() -> _Operators:
    return _Operators()


@cache
def _fused_names() -> dict[Activation, tuple[str, str]]:
    """What the kernels call the activations that they can apply themselves."""
    return {
        identity: ("none", ""),
        activation("gelu"): ("gelu", "none"),
        activation("gelu_new"): ("gelu", "tanh"),
        activation("relu"): ("relu", ""),
    }
