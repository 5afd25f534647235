"""Both ways from attention weights to answers give what the layer gives."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from perceivers.inference.folding import wide_map
from perceivers.inference.query_tail import merged_tail, merging_is_cheaper, split_tail
from perceivers.nn.attention_layer import AttentionLayer

DOUBLE = torch.float64


def layer_of(drawn, **sizes: int) -> AttentionLayer:
    own = {
        "query_channels": 13,
        "kv_channels": 7,
        "qk_channels": 5,
        "v_channels": 11,
        "num_heads": 1,
        "widening_factor": 2,
    }
    layer = AttentionLayer(**{**own, **sizes}, activation_name="gelu", query_residual=False)
    return drawn(layer).double()


@pytest.mark.parametrize("v_channels", [3, 11, 29])
def test_merged_and_split_are_the_layer(v_channels, drawn):
    layer, final = layer_of(drawn, v_channels=v_channels), nn.Linear(13, 3).double()
    weights = torch.softmax(torch.randn(17, 5, dtype=DOUBLE), dim=-1)
    values = torch.randn(5, v_channels, dtype=DOUBLE)
    with torch.no_grad():
        attended = layer.attention.output(weights @ values)
        expected = final(attended + layer.mlp(layer.layernorm(attended)))
        for build in (split_tail, merged_tail):
            tail = build(layer, wide_map(final), DOUBLE)
            assert tail.num_outputs == 3
            torch.testing.assert_close(tail.answers(weights, tail.table(values), None), expected)


def test_a_residual_and_no_final_map(drawn):
    layer = layer_of(drawn)
    weights, values = torch.rand(17, 5, dtype=DOUBLE), torch.randn(5, 11, dtype=DOUBLE)
    queries = torch.randn(17, 13, dtype=DOUBLE)
    tail = split_tail(layer, None, DOUBLE)
    with torch.no_grad():
        attended = queries + layer.attention.output(weights @ values)
        expected = attended + layer.mlp(layer.layernorm(attended))
    torch.testing.assert_close(tail.answers(weights, tail.table(values), queries), expected)


def test_released_sizes_go_the_cheaper_way(drawn):
    # Video and flow merge (one table of 784 x 528 and of 2048 x 336); with as many outputs as channels nothing is saved.
    with torch.device("meta"):
        video = AttentionLayer(
            query_channels=1026,
            kv_channels=512,
            qk_channels=512,
            v_channels=512,
            num_heads=1,
            widening_factor=1,
            activation_name="gelu",
        )
        flow = AttentionLayer(
            query_channels=322,
            kv_channels=512,
            qk_channels=512,
            v_channels=512,
            num_heads=1,
            widening_factor=1,
            activation_name="gelu",
        )
    assert merging_is_cheaper(video, 784, 3)
    assert merging_is_cheaper(flow, 2048, 2)
    assert not merging_is_cheaper(flow, 2048, 322)
