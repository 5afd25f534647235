"""Multi-head attention as a pure function, fused where no weights are asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers.errors import ShapeError

# A GPU's fused kernels read channels of half precision in blocks of so many, and queries in blocks of so many; for other
# widths, torch lays the whole matrix of weights out, in float32.
_CHANNEL_BLOCK, _QUERY_BLOCK = 8, 64
# Measured on a card of 132 multiprocessors (benchmarks/results/gpu.md): float32 heads of 261 to 512 channels, 8 to 32 blocks.
_NARROW, _FEW_BLOCKS = 128, 32
# What is added to a logit to hide it: exp(-1000) is 0 in every type.
_HIDES = -1000.0


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    num_heads: int,
    mask: Tensor | None = None,
    causal: bool = False,
    dropout: float = 0.0,
    zero_masked_rows: bool = False,
    implementation: str = "sdpa",
    need_weights: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Softmax(q k / sqrt(channels per head)) v, for each head ("Attention is all you need", section 3.2).

    Args:
        query: [batch, num_queries, qk_channels].
        key: [batch, num_keys, qk_channels].
        value: [batch, num_keys, v_channels].
        num_heads: divides qk_channels and v_channels.
        mask: bool, True where a query may look at a key; broadcastable to [batch, 1, num_queries, num_keys].
        causal: a query looks at no key that comes after it, where the last key belongs to the last query.
        dropout: probability of dropping an attention weight.
        zero_masked_rows: what a query that may look at no key receives: zeros (the JAX original), or else the
            mean of all values (what a softmax over equal logits gives; Transformers).
        implementation: "sdpa" (fused kernels) or "eager" (plain matrix products).
        need_weights: also return the attention weights; always computed by plain matrix products.

    Returns:
        The context [batch, num_queries, v_channels], and the weights [batch, num_heads, num_queries, num_keys] or None.
    """
    fused = not need_weights and implementation != "eager"
    # The kernels know one order alone: as many queries as keys.
    by_kernel = causal and fused and mask is None and bool(query.shape[1] == key.shape[1])
    if causal and not by_kernel and query.shape[1] > 1:
        order = causal_mask(query.shape[1], key.shape[1], query.device)
        mask = order if mask is None else mask & order
    query, key, value = (_split_heads(each, num_heads) for each in (query, key, value))
    if not fused:
        # The lowest finite number instead of -inf: a row without any key stays free of NaN.
        bias = None if mask is None else _additive(mask, query.dtype)
        weights = torch.softmax(_scaled_logits(query, key, bias), dim=-1)
        weights = F.dropout(weights, dropout) if dropout else weights
        context = weights @ value
    elif query.device.type == "cuda" and not by_kernel:
        context, weights = attend_on_gpu(query, key, value, mask, dropout), None
    else:
        bias = None if mask is None else _additive(mask, query.dtype)
        context = F.scaled_dot_product_attention(
            query, key, value, attn_mask=bias, dropout_p=dropout, is_causal=by_kernel
        )
        weights = None
    if zero_masked_rows and mask is not None:
        context = context * mask.any(dim=-1, keepdim=True)
    return context.transpose(1, 2).flatten(2), weights if need_weights else None


def causal_mask(num_queries: int, num_keys: int, device: torch.device | None = None) -> Tensor:
    """True where a query may look: at keys that do not come after it, the last key being the last query's own.

    Returns:
        bool [1, 1, num_queries, num_keys].
    """
    return torch.ones(num_queries, num_keys, dtype=torch.bool, device=device).tril(num_keys - num_queries)[
        None, None
    ]


def as_attention_mask(mask: Tensor | None) -> Tensor | None:
    """A bool mask broadcastable to [batch, 1, num_queries, num_keys] from any of the usual forms.

    Args:
        mask: [batch, num_keys], nonzero where a key may be looked at; or four axes, bool (True: may look) or floating
            (additive: 0 may look, -1,000 or less may not).

    Raises:
        ShapeError: another form, or additive values that neither let pass nor hide.
    """
    if mask is None or (mask.ndim == 4 and mask.dtype == torch.bool):
        return mask
    if mask.ndim == 2:
        return mask.to(torch.bool)[:, None, None, :]
    if mask.ndim == 4 and mask.is_floating_point():
        return _from_additive(mask)
    raise ShapeError(
        f"`attention_mask` must have shape [batch, num_keys] or [batch, 1, num_queries, num_keys], "
        f"received {list(mask.shape)} of {mask.dtype}"
    )


def two_axes(mask: Any) -> Any:
    """A mask, or masks by modality, with [batch, 1, 1, num_inputs] (bool or additive) made bool [batch, num_inputs].

    Args:
        mask: of any form; all but that one are given back as they are, None included.

    Raises:
        ShapeError: additive values that neither let pass nor hide.
    """
    if isinstance(mask, Mapping):
        return {name: two_axes(each) for name, each in mask.items()}
    if not isinstance(mask, Tensor) or mask.ndim != 4 or tuple(mask.shape[1:3]) != (1, 1):
        return mask
    seen = as_attention_mask(mask)
    assert seen is not None
    return seen[:, 0, 0]


def _from_additive(mask: Tensor) -> Tensor:
    """True where an additive mask is 0."""
    seen = mask == 0
    # Read, and so waited for, only where that is possible.
    if not torch.compiler.is_compiling() and not mask.is_meta and not bool((seen | (mask <= _HIDES)).all()):
        raise ShapeError(
            "`attention_mask` of four axes and a floating type must be additive, 0 where something counts and "
            f"{_HIDES:g} or less where not, received values between or above"
        )
    return seen


def cross_mask(query_mask: Tensor) -> Tensor:
    """[batch, num_queries], nonzero where a query may look at all, as a bool [batch, 1, num_queries, 1]."""
    return query_mask.to(torch.bool)[:, None, :, None]


def _split_heads(values: Tensor, num_heads: int) -> Tensor:
    return values.unflatten(-1, (num_heads, -1)).transpose(1, 2)


def attend_on_gpu(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    """Attention by the kernels that are fastest on a GPU, for heads [batch, num_heads, length, channels of a head].

    Args:
        query: what asks.
        key: what is looked at.
        value: what is received.
        mask: see `attend`. A query that may look at no key receives the mean of all values.
        dropout: see `attend`.
    """
    bias = None
    if mask is not None:
        # Kernels differ in what they make of a row in which all is hidden. Queries of zero see all keys alike.
        looks = mask.any(dim=-1, keepdim=True)
        query = query * looks
        # A mask of whole rows is done with then; a broadcast last axis is none that kernels read.
        bias = None if mask.shape[-1] == 1 else _additive(mask | ~looks, query.dtype)
    if _is_faster_unfused(query):
        weights = torch.softmax(_scaled_logits(query, key, bias), dim=-1)
        return (F.dropout(weights, dropout) if dropout else weights) @ value
    scale, width = query.shape[-1] ** -0.5, value.shape[-1]
    if query.dtype != torch.float32:
        query, key, value = filled_up(query, key, value)
    context = F.scaled_dot_product_attention(
        query, key, value, attn_mask=bias, dropout_p=dropout, scale=scale
    )
    return context[..., :width]


def _is_faster_unfused(query: Tensor) -> bool:
    """Whether fused kernels would leave most of a GPU idle: they take a block of queries each, and are slow in wide heads."""
    batch, num_heads, length, channels = query.shape
    is_wide = query.dtype == torch.float32 and channels > _NARROW
    return is_wide and batch * num_heads * -(-length // _QUERY_BLOCK) <= _FEW_BLOCKS


def filled_up(*heads: Tensor) -> tuple[Tensor, ...]:
    """Queries, keys or values [..., channels] with zeros up to whole blocks of channels, which change no product."""
    missing = [-each.shape[-1] % _CHANNEL_BLOCK for each in heads]
    return tuple(
        F.pad(each, (0, count)) if count else each for each, count in zip(heads, missing, strict=True)
    )


def _additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    lowest = torch.finfo(dtype).min
    return torch.zeros_like(mask, dtype=dtype).masked_fill(~mask, lowest)


def _scaled_logits(query: Tensor, key: Tensor, bias: Tensor | None) -> Tensor:
    logits = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
    # In float16, the lowest number and a negative logit would add up to -inf: NaN in a row without any key.
    return logits if bias is None else (logits + bias).clamp(min=torch.finfo(logits.dtype).min)
