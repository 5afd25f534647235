"""Constant factors of a layer multiplied out once, in float64, as pure functions.

Notation of this folder: a LayerNorm with gain g and bias b gives g * x^ + b, where x^ = (x - mean) * rs and
rs = 1 / sqrt(variance + eps). Everything but x^ is constant and can be moved into the linear maps around it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from perceivers.nn.token_structure import AffineMap


def wide(tensor: Tensor) -> Tensor:
    """A float64 copy without gradients (float32 where the device has no float64)."""
    dtype = torch.float32 if tensor.device.type == "mps" else torch.float64
    return tensor.detach().to(dtype, copy=True)


def working_dtype(dtype: torch.dtype) -> torch.dtype:
    """What sums and softmaxes are computed in: float32 at least."""
    return torch.promote_types(dtype, torch.float32)


def tail_dtype(dtype: torch.dtype, device: torch.device) -> torch.dtype:
    """What a decoder's perceptron is computed in, after the softmax: its products are most of a decode's work.

    On a GPU, products of a half-precision model's own type take a tenth of the time of float32 ones, and round as the plain
    model's do. Elsewhere it is the working dtype.
    """
    return dtype if device.type == "cuda" else working_dtype(dtype)


def wide_map(linear: nn.Linear) -> AffineMap:
    """A linear layer's map in float64; a bias of zeros where it has none."""
    weight = wide(linear.weight)
    bias = weight.new_zeros(weight.shape[0]) if linear.bias is None else wide(linear.bias)
    return AffineMap(weight, bias)


def fold_norm(linear: nn.Linear, norm: nn.LayerNorm) -> AffineMap:
    """The map of x^ that `linear(norm(x))` is: W (g * x^ + b) + c = (W diag(g)) x^ + (W b + c).

    Returns:
        float64 weight [out_channels, channels] and bias [out_channels].
    """
    plain = wide_map(linear)
    assert plain.bias is not None
    bias = plain.bias + plain.weight @ wide(norm.bias)
    return AffineMap(plain.weight.mul_(wide(norm.weight)), bias)


def centred(vectors: Tensor) -> Tensor:
    """Vectors minus their mean over channels.

    v . x^ = rs * (v . x - v . mean) = rs * (centred(v) . x): the token's mean need not be subtracted from the token.
    """
    return vectors - vectors.mean(dim=-1, keepdim=True)


def absorb_keys(queries: Tensor, key_weight: Tensor, num_heads: int) -> Tensor:
    """Queries that look at x^ itself instead of at its keys.

    For each head, q . (Wk x^ + bk) = (Wk^T q) . x^ + q . bk; the last term is the same for every token and drops out of the
    softmax. The scale 1 / sqrt(channels of a head) is included, and the result is centred, see `centred`.

    Args:
        queries: [num_queries, qk_channels], all heads side by side.
        key_weight: Wk with the norm's gain folded in, [qk_channels, token_channels].
        num_heads: divides qk_channels.

    Returns:
        [num_heads * num_queries, token_channels], head by head.
    """
    size = queries.shape[1] // num_heads
    heads = [
        query @ key
        for query, key in zip(queries.split(size, dim=1), key_weight.split(size, dim=0), strict=True)
    ]
    return centred(torch.cat(heads)) / size**0.5


def compose(outer: AffineMap, inner: AffineMap) -> AffineMap:
    """outer(inner(x)) as one map."""
    assert inner.bias is not None
    bias = outer.weight @ inner.bias
    return AffineMap(outer.weight @ inner.weight, bias if outer.bias is None else bias + outer.bias)


def round_up(num_rows: int) -> int:
    """The next multiple of 16: matrix products with other numbers of columns take up to twice as long on CPUs."""
    return -(-num_rows // 16) * 16


def narrow(mapped: AffineMap, dtype: torch.dtype) -> AffineMap:
    """A folded map in the dtype that it is used in."""
    bias = None if mapped.bias is None else mapped.bias.to(dtype)
    return AffineMap(mapped.weight.to(dtype).contiguous(), bias)
