"""One head that looks at many inputs and never makes keys or values of them, for training on processors.

With one head, logits are q (x Wk + bk)^T = (q Wk^T) x^T + q bk^T. The last term is the same for all inputs of a query, and so
changes no softmax A. And A (x Wv + bv) = (A x) Wv + bv, because the rows of A sum to 1. Both maps then act on the queries,
which are fewer than the inputs, and neither keys, values nor their gradients are ever made.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from perceivers.nn.bare import is_bare

# Weights that exist at the same time: larger tiles are no faster, smaller ones slower.
_TILE = 2**23
# Values of inputs for which the loop over tiles takes as long as keys and values would.
_SMALL = 2**18
_FORMATS = (torch.float32, torch.float64)


def folding_pays(num_queries: int, num_inputs: int, channels: int, qk_channels: int, v_channels: int) -> bool:
    """Whether maps of the queries, and attention over whole inputs, take fewer multiplications than keys and values.

    Args:
        num_queries: of a sample.
        num_inputs: of a sample.
        channels: of an input.
        qk_channels: of queries and keys.
        v_channels: of values.
    """
    made = qk_channels + v_channels
    with_keys = num_inputs * channels * made + num_queries * num_inputs * made
    folded = num_queries * channels * made + num_queries * num_inputs * 2 * channels
    return folded < with_keys


def can_fold(key: nn.Module, value: nn.Module, inputs: Tensor) -> bool:
    """Whether keys and values of inputs may be left out: nobody can notice, and the arithmetic is as exact.

    Adapters and hooks want to see what the maps are given, compilers and transforms have ways of their own, half precision
    would round the logits, few inputs are not worth it.
    """
    return (
        # First, because sizes may be unknown there.
        not torch.compiler.is_compiling()
        and inputs.numel() > _SMALL
        and inputs.device.type == "cpu"
        and inputs.dtype in _FORMATS
        and not torch.is_autocast_enabled("cpu")
        and not torch._C._are_functorch_transforms_active()
        and is_bare(key, nn.Linear)
        and is_bare(value, nn.Linear)
        # Weights of other classes (quantised ones) know products with inputs alone.
        and type(key.weight) is nn.Parameter
    )


def look(
    query: Tensor,
    inputs: Tensor,
    key: nn.Linear,
    value: nn.Linear,
    mask: Tensor | None = None,
    zero_masked_rows: bool = False,
) -> Tensor:
    """What `perceivers.nn.attention.attend` gives for one head, of `key(inputs)` and `value(inputs)`.

    Args:
        query: [batch, num_queries, qk_channels].
        inputs: [batch, num_inputs, channels].
        key: from channels to qk_channels.
        value: from channels to v_channels.
        mask: see `attend`.
        zero_masked_rows: see `attend`.

    Returns:
        [batch, num_queries, v_channels].
    """
    asked = (query / math.sqrt(query.shape[-1])) @ key.weight
    tiled: Any = _Look
    context: Tensor = value(tiled.apply(asked, inputs, key.bias, mask))
    if zero_masked_rows and mask is not None:
        context = context * mask.any(dim=-1)[:, 0, :, None]
    return context


class _Look(torch.autograd.Function):
    """softmax(query inputs^T) inputs, a tile of the weights at a time, by plain products that use all cores.

    The gradient makes each tile again, as Dao et al. 2022 ("FlashAttention", appendix B) do.
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, inputs: Tensor, key_bias: Tensor | None, mask: Tensor | None
    ) -> Tensor:
        context = torch.empty_like(query)
        highest, total = (query.new_empty(*query.shape[:-1], 1) for _ in range(2))
        for samples, rows in _tiles(query, inputs):
            weights = _logits(query, inputs, mask, samples, rows)
            highest[samples, rows] = weights.amax(dim=-1, keepdim=True)
            weights.sub_(highest[samples, rows]).exp_()
            total[samples, rows] = weights.sum(dim=-1, keepdim=True)
            context[samples, rows] = (weights @ inputs[samples]).div_(total[samples, rows])
        ctx.save_for_backward(query, inputs, key_bias, mask, context, highest, total)
        return context

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        query, inputs, key_bias, mask, context, highest, total = ctx.saved_tensors
        of_query = torch.empty_like(query)
        of_inputs = torch.zeros_like(inputs) if ctx.needs_input_grad[1] else None
        mean = (gradient * context).sum(dim=-1, keepdim=True)
        for samples, rows in _tiles(query, inputs):
            weights = _logits(query, inputs, mask, samples, rows)
            weights.sub_(highest[samples, rows]).exp_().div_(total[samples, rows])
            of_logits = gradient[samples, rows] @ inputs[samples].mT
            if of_inputs is not None:
                of_inputs[samples].baddbmm_(weights.mT, gradient[samples, rows])
            of_logits.sub_(mean[samples, rows]).mul_(weights)
            del weights
            of_query[samples, rows] = of_logits @ inputs[samples]
            if of_inputs is not None:
                of_inputs[samples].baddbmm_(of_logits.mT, query[samples, rows])
            del of_logits
        # One vector that is added to all keys changes nothing; optimisers and data-parallel training want to be told so.
        of_key_bias = torch.zeros_like(key_bias) if ctx.needs_input_grad[2] else None
        return of_query, of_inputs, of_key_bias, None


def _tiles(query: Tensor, inputs: Tensor) -> Iterator[tuple[slice, slice]]:
    """Several samples whole where `_TILE` holds their weights, or else rows of one, parts as large as each other."""
    batch_size, num_queries = query.shape[:2]
    weights = num_queries * inputs.shape[1]
    num_samples = max(_TILE // max(weights, 1), 1)
    num_rows = max(-(-num_queries // max(-(-weights // _TILE), 1)), 1)
    for sample in range(0, batch_size, num_samples):
        for row in range(0, num_queries, num_rows):
            yield slice(sample, sample + num_samples), slice(row, row + num_rows)


def _logits(query: Tensor, inputs: Tensor, mask: Tensor | None, samples: slice, rows: slice) -> Tensor:
    """[samples, rows, num_inputs]; the lowest number where a query may not look: one that may nowhere sees all alike."""
    logits = query[samples, rows] @ inputs[samples].mT
    if mask is not None:
        seen = mask[samples if mask.shape[0] > 1 else slice(None), 0]
        seen = seen[:, rows] if seen.shape[1] > 1 else seen
        logits.masked_fill_(~seen, torch.finfo(logits.dtype).min)
    return logits
