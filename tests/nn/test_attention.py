"""Attention equals a loop over heads, whatever the mask, and gives the weights that it used."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from perceivers.errors import ShapeError
from perceivers.nn import attention
from perceivers.nn.attention import (
    as_attention_mask,
    attend,
    attend_on_gpu,
    causal_mask,
    cross_mask,
    filled_up,
    two_axes,
)

BATCH, QUERIES, KEYS = 2, 3, 5


def softmax_by_hand(logits):
    exponentials = [math.exp(each - max(logits)) for each in logits]
    return [each / sum(exponentials) for each in exponentials]


def attend_slowly(query, key, value, num_heads, allowed):
    """The definition, one number after the other; `allowed` [batch, queries, keys] of bools."""
    batch, num_queries, qk_channels = query.shape
    num_keys, v_channels = value.shape[1:]
    qk, v = qk_channels // num_heads, v_channels // num_heads
    context = torch.zeros(batch, num_queries, v_channels, dtype=query.dtype)
    weights = torch.zeros(batch, num_heads, num_queries, num_keys, dtype=query.dtype)
    for sample in range(batch):
        for head in range(num_heads):
            for asking in range(num_queries):
                looked_at = [k for k in range(num_keys) if allowed[sample, asking, k]] or list(
                    range(num_keys)
                )
                if not allowed[sample, asking].any():
                    shares = [1 / num_keys] * num_keys
                else:
                    mine = query[sample, asking, head * qk : (head + 1) * qk]
                    shares = softmax_by_hand(
                        [
                            float(mine @ key[sample, k, head * qk : (head + 1) * qk]) / math.sqrt(qk)
                            for k in looked_at
                        ]
                    )
                for share, k in zip(shares, looked_at, strict=True):
                    weights[sample, head, asking, k] = share
                    context[sample, asking, head * v : (head + 1) * v] += (
                        share * value[sample, k, head * v : (head + 1) * v]
                    )
    return context, weights


def arrays(num_heads, qk=3, v=7, dtype=torch.float64):
    return (
        torch.randn(BATCH, QUERIES, num_heads * qk, dtype=dtype),
        torch.randn(BATCH, KEYS, num_heads * qk, dtype=dtype),
        torch.randn(BATCH, KEYS, num_heads * v, dtype=dtype),
    )


@settings(max_examples=25)
@given(
    num_heads=st.integers(1, 3),
    qk=st.integers(1, 4),
    v=st.integers(1, 4),
    hidden=st.lists(st.booleans(), min_size=BATCH * QUERIES * KEYS, max_size=BATCH * QUERIES * KEYS),
    implementation=st.sampled_from(["sdpa", "eager"]),
    need_weights=st.booleans(),
    zero_masked_rows=st.booleans(),
)
def test_attention_equals_a_loop_over_heads_queries_and_keys(
    num_heads, qk, v, hidden, implementation, need_weights, zero_masked_rows
):
    query, key, value = arrays(num_heads, qk, v)
    mask = ~torch.tensor(hidden).reshape(BATCH, 1, QUERIES, KEYS)
    expected, expected_weights = attend_slowly(query, key, value, num_heads, mask[:, 0])
    if zero_masked_rows:
        expected[~mask[:, 0].any(-1)] = 0
    context, weights = attend(
        query,
        key,
        value,
        num_heads=num_heads,
        mask=mask,
        implementation=implementation,
        need_weights=need_weights,
        zero_masked_rows=zero_masked_rows,
    )
    torch.testing.assert_close(context, expected)
    if need_weights:
        torch.testing.assert_close(weights, expected_weights)
    else:
        assert weights is None


@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
def test_without_a_mask_every_key_is_looked_at(implementation):
    query, key, value = arrays(2)
    expected, _ = attend_slowly(query, key, value, 2, torch.ones(BATCH, QUERIES, KEYS, dtype=torch.bool))
    context, _ = attend(query, key, value, num_heads=2, implementation=implementation)
    torch.testing.assert_close(context, expected)


@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
@pytest.mark.parametrize("shape", [(BATCH, 1, 1, KEYS), (1, 1, QUERIES, KEYS), (BATCH, 1, QUERIES, 1)])
def test_masks_broadcast_over_samples_queries_and_keys(shape, implementation):
    query, key, value = arrays(2)
    mask = torch.arange(math.prod(shape)).reshape(shape) % 3 != 1
    whole = mask.expand(BATCH, 1, QUERIES, KEYS)
    expected, _ = attend_slowly(query, key, value, 2, whole[:, 0])
    context, _ = attend(query, key, value, num_heads=2, mask=mask, implementation=implementation)
    torch.testing.assert_close(context, expected)


@pytest.mark.parametrize("need_weights", [False, True])
@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
def test_a_query_that_may_look_at_nothing_receives_the_mean_of_all_values_or_zeros(
    implementation, need_weights
):
    query, key, value = arrays(3, dtype=torch.float32)
    mask = torch.ones(BATCH, 1, 1, KEYS, dtype=torch.bool)
    mask[1] = False
    options = {"num_heads": 3, "mask": mask, "implementation": implementation, "need_weights": need_weights}
    averaged, _ = attend(query, key, value, **options)
    torch.testing.assert_close(averaged[1], value[1].mean(0).expand(QUERIES, -1))
    zeroed, _ = attend(query, key, value, zero_masked_rows=True, **options)
    assert not zeroed[1].any()
    assert torch.equal(zeroed[0], averaged[0])


def test_zeros_for_one_query_leave_the_other_queries_alone():
    query, key, value = arrays(1)
    mask = cross_mask(torch.tensor([[1, 0, 1], [1, 1, 1]])) & torch.ones(1, 1, 1, KEYS, dtype=torch.bool)
    zeroed, _ = attend(query, key, value, num_heads=1, mask=mask, zero_masked_rows=True)
    whole, _ = attend(query, key, value, num_heads=1)
    assert not zeroed[0, 1].any()
    torch.testing.assert_close(zeroed[0, [0, 2]], whole[0, [0, 2]])
    torch.testing.assert_close(zeroed[1], whole[1])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
def test_a_query_that_may_look_at_nothing_gives_finite_numbers_in_half_precision(implementation, dtype):
    # Each logit is -6 * 6 * 4 / sqrt(4) = -72; the lowest float16 and -72 would add up to -inf.
    query = torch.full((1, QUERIES, 4), 6.0, dtype=dtype)
    key = torch.full((1, KEYS, 4), -6.0, dtype=dtype)
    value = torch.arange(KEYS, dtype=dtype).reshape(1, KEYS, 1)
    mask = torch.zeros(1, 1, 1, KEYS, dtype=torch.bool)
    context, _ = attend(query, key, value, num_heads=1, mask=mask, implementation=implementation)
    torch.testing.assert_close(context, torch.full_like(context, 2.0), atol=0.02, rtol=0)


def test_masked_keys_have_no_influence_however_large_they_are():
    query, key, value = arrays(2, dtype=torch.float32)
    mask = torch.tensor([1, 1, 0, 1, 0]).bool()[None, None, None]
    louder_key, louder_value = key.clone(), value.clone()
    louder_key[:, [2, 4]] = 1e4
    louder_value[:, [2, 4]] = 1e4
    for implementation in ("sdpa", "eager"):
        options = {"num_heads": 2, "mask": mask, "implementation": implementation}
        quiet, _ = attend(query, key, value, **options)
        loud, _ = attend(query, louder_key, louder_value, **options)
        torch.testing.assert_close(loud, quiet)


@pytest.mark.parametrize("masked", [False, True])
def test_both_implementations_have_the_same_gradients(masked):
    mask = torch.tensor([[1, 0, 1, 1, 0], [1, 1, 1, 0, 1]]).bool()[:, None, None] if masked else None
    leaves = [each.requires_grad_() for each in arrays(2)]
    weight = torch.randn(BATCH, QUERIES, 14, dtype=torch.float64)
    gradients = [
        torch.autograd.grad(
            (attend(*leaves, num_heads=2, mask=mask, implementation=name)[0] * weight).sum(), leaves
        )
        for name in ("sdpa", "eager")
    ]
    for fused, plain in zip(*gradients, strict=True):
        assert plain.abs().sum() > 0
        torch.testing.assert_close(fused, plain)


def test_the_gradient_is_the_one_of_finite_differences():
    leaves = [each.requires_grad_() for each in arrays(2, qk=2, v=1)]
    mask = torch.tensor([1, 0, 1, 1, 1]).bool()[None, None, None]
    assert torch.autograd.gradcheck(lambda *each: attend(*each, num_heads=2, mask=mask)[0], leaves)


@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
def test_returned_weights_are_part_of_the_graph(implementation):
    query, key, value = (each.requires_grad_() for each in arrays(2))
    _, weights = attend(query, key, value, num_heads=2, implementation=implementation, need_weights=True)
    assert weights.shape == (BATCH, 2, QUERIES, KEYS)
    weights[..., 0].sum().backward()
    assert query.grad.abs().sum() > 0
    assert key.grad.abs().sum() > 0
    assert value.grad is None


@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
def test_dropout_drops_weights_and_widens_the_others(implementation):
    query, key = torch.zeros(1, 1, 2), torch.zeros(1, 1009, 2)
    value = torch.eye(1009)[None]  # the context is the weights themselves
    context, _ = attend(query, key, value, num_heads=1, dropout=0.75, implementation=implementation)
    dropped = context == 0
    assert 0.6 < dropped.float().mean() < 0.9
    torch.testing.assert_close(context[~dropped], torch.full_like(context[~dropped], 4 / 1009))


@pytest.mark.parametrize(
    ("num_queries", "num_keys", "channels"),
    [(5, 5, 4), (3, 7, 7), (3, 7, 3), (2, 2, 4), (2, 3, 1), (1, 4, 1)],
)
@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
@pytest.mark.parametrize("hidden", [None, 0])
def test_in_order_a_query_looks_at_no_later_key(num_queries, num_keys, channels, implementation, hidden):
    query, key, value = (torch.randn(BATCH, n, channels) for n in (num_queries, num_keys, num_keys))
    # The last key is the last query's own.
    allowed = torch.tensor(
        [[k <= q + num_keys - num_queries for k in range(num_keys)] for q in range(num_queries)]
    )
    assert causal_mask(num_queries, num_keys).tolist() == [[allowed.tolist()]]
    mask = None
    if hidden is not None:
        mask = (torch.arange(num_keys) != hidden)[None, None, None].expand(BATCH, 1, 1, num_keys)
        allowed = allowed & mask[0, 0]
    options = {"num_heads": 1, "implementation": implementation}
    received, _ = attend(query, key, value, mask=mask, causal=True, **options)
    expected, _ = attend_slowly(query, key, value, 1, allowed.expand(BATCH, -1, -1))
    torch.testing.assert_close(received, expected)


class OnAGpu(torch.Tensor):
    """A tensor that says that it is on a GPU."""

    @property
    def device(self):
        return torch.device("cuda")


def test_a_gpu_has_its_own_way_but_for_the_order_that_its_kernel_knows(monkeypatch):
    asked = []

    def on_gpu(query, key, value, mask, dropout):
        asked.append(mask)
        return value

    monkeypatch.setattr(attention, "attend_on_gpu", on_gpu)
    heads = torch.randn(BATCH, QUERIES, 4).as_subclass(OnAGpu)
    attend(heads, heads, heads, num_heads=1, causal=True)
    attend(heads.as_subclass(torch.Tensor), *[heads.as_subclass(torch.Tensor)] * 2, num_heads=1)
    assert asked == []
    attend(heads, heads, heads, num_heads=1)
    assert asked == [None]


def test_a_mask_over_keys_becomes_a_bool_mask_of_four_axes():
    mask = as_attention_mask(torch.tensor([[1, 0, 2], [0, 0, 1]]))
    assert mask.tolist() == [[[[True, False, True]]], [[[False, False, True]]]]
    assert as_attention_mask(torch.tensor([[0.0, 1.0]])).tolist() == [[[[False, True]]]]
    assert as_attention_mask(None) is None


def test_an_additive_mask_hides_what_is_not_zero():
    additive = torch.tensor([0.0, -1e4, torch.finfo(torch.float32).min, -torch.inf])[None, None, None]
    assert as_attention_mask(additive).tolist() == [[[[True, False, False, False]]]]


def test_a_bool_mask_of_four_axes_stays_as_it_is():
    mask = torch.ones(1, 1, 2, 3, dtype=torch.bool)
    assert as_attention_mask(mask) is mask


@pytest.mark.parametrize(
    "mask", [torch.ones(3), torch.ones(2, 3, 5), torch.ones(2, 1, 3, 5, dtype=torch.long)]
)
def test_other_masks_are_an_error(mask):
    with pytest.raises(
        ShapeError, match=r"`attention_mask` must have shape .* received \[.*\] of torch.(float32|int64)"
    ):
        as_attention_mask(mask)


def test_a_mask_over_queries_runs_along_the_third_axis():
    mask = cross_mask(torch.tensor([[2, 0, 1]]))
    assert mask.shape == (1, 1, 3, 1)
    assert mask.flatten().tolist() == [True, False, True]


@pytest.mark.parametrize("wrong", [-1.0, 1.0, -999.0])
def test_an_additive_mask_that_neither_lets_pass_nor_hides_is_an_error(wrong):
    with pytest.raises(ShapeError, match=r"must be additive, 0 where something counts and -1000 or less"):
        as_attention_mask(torch.tensor([0.0, wrong])[None, None, None])


@pytest.mark.parametrize("hides", [-1000.0, -1e4])
def test_an_additive_mask_may_say_a_thousand_and_may_have_no_values_yet(hides):
    assert as_attention_mask(torch.tensor([0.0, hides])[None, None, None]).tolist() == [[[[True, False]]]]
    assert as_attention_mask(torch.zeros(1, 1, 1, 3, device="meta")).shape == (1, 1, 1, 3)


def test_a_mask_of_four_axes_over_inputs_has_two_in_the_end():
    counts = torch.tensor([[True, False, True], [True, True, False]])
    additive = torch.zeros(2, 1, 1, 3).masked_fill(~counts[:, None, None], torch.finfo(torch.float32).min)
    for mask in (counts[:, None, None], additive, additive.half()):
        assert torch.equal(two_axes(mask), counts)
    by_name = two_axes({"a": additive, "b": counts, "c": None})
    assert torch.equal(by_name["a"], counts)
    assert by_name["b"] is counts
    assert by_name["c"] is None


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 5), (2, 1, 3, 5), (2, 7, 1, 5)])
def test_masks_of_other_axes_stay_as_they_are(shape):
    mask = torch.ones(shape)
    assert two_axes(mask) is mask
    assert two_axes(None) is None


# What a GPU computes, in the order that its kernels like, is the same attention.


def heads_of(*lengths: int, channels: int = 7, dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    return [torch.randn(BATCH, 3, length, channels, dtype=dtype) for length in lengths]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("channels", [7, 131])
@pytest.mark.parametrize("rows", [1, QUERIES])
def test_the_way_of_a_gpu_is_the_same_even_where_a_row_may_look_at_nothing(dtype, channels, rows):
    query, key, value = heads_of(QUERIES, KEYS, KEYS, channels=channels, dtype=dtype)
    mask = torch.rand(BATCH, 1, rows, KEYS) < 0.6
    mask[0, :, 0], mask[1, :, -1] = False, True
    received = attend_on_gpu(query, key, value, mask, 0.0)
    sides = (each.transpose(1, 2).flatten(2).double() for each in (query, key, value))
    expected, _ = attend(*sides, num_heads=3, mask=mask)
    tolerance = 1e-5 if dtype == torch.float32 else 0.03
    assert received.dtype == dtype
    torch.testing.assert_close(
        received.transpose(1, 2).flatten(2).double(), expected, rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize("num_keys", [1, KEYS])
def test_the_way_of_a_gpu_takes_masks_of_whole_rows(num_keys):
    query, key, value = heads_of(QUERIES, num_keys, num_keys)
    mask = cross_mask(torch.tensor([[1, 0, 1], [0, 0, 1]]))
    received = attend_on_gpu(query, key, value, mask, 0.0)
    everything = attend_on_gpu(query, key, value, None, 0.0)
    torch.testing.assert_close(received[0, :, 0], everything[0, :, 0])
    torch.testing.assert_close(received[0, :, 1], value[0].mean(dim=1))


def test_channels_are_filled_up_to_whole_blocks_only_where_they_are_not():
    whole, odd = heads_of(KEYS, channels=16)[0], heads_of(KEYS)[0]
    same, filled = filled_up(whole, odd)
    assert same is whole
    assert torch.equal(filled[..., :7], odd)
    assert filled[..., 7:].tolist() == torch.zeros(BATCH, 3, KEYS, 1).tolist()


@pytest.mark.parametrize("num_keys", [2, KEYS])
def test_the_way_of_a_gpu_hides_keys_from_all_queries(num_keys):
    query, key, value = heads_of(QUERIES, num_keys, num_keys)
    mask = torch.ones(BATCH, 1, 1, num_keys, dtype=torch.bool)
    mask[..., 0] = False
    received = attend_on_gpu(query, key, value, mask, 0.0)
    expected = attend_on_gpu(query, key[:, :, 1:], value[:, :, 1:], None, 0.0)
    torch.testing.assert_close(received, expected)


@pytest.mark.parametrize("channels", [7, 131])
def test_the_way_of_a_gpu_drops_weights(channels):
    query, key, value = heads_of(QUERIES, KEYS, KEYS, channels=channels)
    assert attend_on_gpu(query, key, value, None, 1.0).abs().sum() == 0
    assert attend_on_gpu(query, key, value, None, 0.0).abs().sum() > 0


@pytest.mark.parametrize(
    ("shape", "dtype", "unfused"),
    [
        # Blocks of 64 queries each, in all heads of all samples: at most 32 of them, in heads wider than 128 channels.
        ((2, 4, 4 * 64, 129), torch.float32, True),
        ((2, 4, 4 * 64 + 1, 129), torch.float32, False),
        ((3, 4, 4 * 64, 129), torch.float32, False),
        ((2, 4, 4 * 64, 128), torch.float32, False),
        ((2, 4, 4 * 64, 129), torch.bfloat16, False),
        ((1, 32, 1, 129), torch.float32, True),
        ((1, 33, 1, 129), torch.float32, False),
        ((33, 1, 1, 129), torch.float32, False),
    ],
)
def test_few_blocks_of_wide_heads_are_faster_unfused(shape, dtype, unfused):
    assert attention._is_faster_unfused(torch.empty(shape, dtype=dtype, device="meta")) is unfused


def test_only_half_precision_is_filled_up(monkeypatch):
    filled = []
    monkeypatch.setattr(attention, "filled_up", lambda *heads: filled.append(heads[0].dtype) or heads)
    for dtype in (torch.float32, torch.bfloat16):
        attend_on_gpu(*heads_of(QUERIES, KEYS, KEYS, dtype=dtype), None, 0.0)
    assert filled == [torch.bfloat16]
