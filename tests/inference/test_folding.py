"""Folded maps give what the layers that they are made of give."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from perceivers.inference.folding import (
    absorb_keys,
    centred,
    compose,
    fold_norm,
    narrow,
    round_up,
    tail_dtype,
    wide,
    wide_map,
    working_dtype,
)
from perceivers.nn.token_structure import AffineMap


def layers() -> tuple[nn.Linear, nn.LayerNorm]:
    linear, norm = nn.Linear(7, 5).double(), nn.LayerNorm(7).double()
    nn.init.normal_(norm.weight, 1.3)
    nn.init.normal_(norm.bias)
    return linear, norm


def normalised(tokens: torch.Tensor) -> torch.Tensor:
    return nn.functional.layer_norm(tokens, tokens.shape[-1:])


def test_a_norm_is_folded_into_the_map_after_it():
    linear, norm = layers()
    tokens = torch.randn(3, 7, dtype=torch.float64)
    folded = fold_norm(linear, norm)
    torch.testing.assert_close(normalised(tokens) @ folded.weight.T + folded.bias, linear(norm(tokens)))


def test_a_map_without_bias_has_zeros():
    folded = wide_map(nn.Linear(3, 2, bias=False))
    assert folded.bias is not None
    assert folded.bias.tolist() == [0, 0]
    assert folded.weight.dtype == torch.float64


def test_centred_vectors_need_no_mean_of_the_token():
    vectors, token = torch.randn(5, 7, dtype=torch.float64), 3 + torch.randn(7, dtype=torch.float64)
    scale = torch.rsqrt(token.var(correction=0) + 1e-5)
    torch.testing.assert_close(scale * (centred(vectors) @ token), vectors @ normalised(token))


@pytest.mark.parametrize("heads", [1, 2, 3])
def test_absorbed_keys_give_the_same_attention(heads):
    keys, norm = layers()
    keys = nn.Linear(7, 6).double()
    queries, tokens = torch.randn(5, 6, dtype=torch.float64), torch.randn(11, 7, dtype=torch.float64)
    folded = fold_norm(keys, norm)
    absorbed = absorb_keys(queries, folded.weight, heads)
    assert absorbed.shape == (heads * 5, 7)
    ours = torch.softmax(absorbed @ normalised(tokens).T, dim=-1)
    split = queries.unflatten(1, (heads, -1)).transpose(0, 1)
    logits = split @ keys(norm(tokens)).unflatten(1, (heads, -1)).permute(1, 2, 0)
    expected = torch.softmax(logits / (6 // heads) ** 0.5, dim=-1)
    torch.testing.assert_close(ours, expected.flatten(0, 1))


def test_two_maps_become_one():
    first, second = nn.Linear(3, 5).double(), nn.Linear(5, 2).double()
    values = torch.randn(7, 3, dtype=torch.float64)
    one = compose(wide_map(second), wide_map(first))
    torch.testing.assert_close(values @ one.weight.T + one.bias, second(first(values)))
    without_bias = compose(AffineMap(wide(second.weight)), wide_map(first))
    torch.testing.assert_close(
        values @ without_bias.weight.T + without_bias.bias, first(values) @ second.weight.T
    )


def test_copies_do_not_follow_their_sources():
    linear = nn.Linear(3, 2).double()
    folded = narrow(wide_map(linear), torch.float32)
    before = folded.weight.clone()
    with torch.no_grad():
        linear.weight.add_(1)
    assert torch.equal(folded.weight, before)
    assert folded.weight.dtype == torch.float32


@pytest.mark.parametrize(("rows", "rounded"), [(1, 16), (16, 16), (17, 32), (322, 336), (1541, 1552)])
def test_rows_are_rounded_up_to_sixteen(rows, rounded):
    assert round_up(rows) == rounded


def test_sums_are_float32_at_least():
    assert working_dtype(torch.bfloat16) == torch.float32
    assert working_dtype(torch.float16) == torch.float32
    assert working_dtype(torch.float64) == torch.float64


def test_half_precision_after_the_softmax_is_for_gpus():
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    assert tail_dtype(torch.bfloat16, cuda) == torch.bfloat16
    assert tail_dtype(torch.bfloat16, cpu) == torch.float32
    assert tail_dtype(torch.float64, cuda) == tail_dtype(torch.float64, cpu) == torch.float64
