"""A folded self-attend is the layer: widths, residuals, activations, chunks; and what cannot be folded is seen."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from perceivers.inference.latent_layer import FoldedSelfAttend, can_fold
from perceivers.nn.attention_layer import AttentionLayer


def layer_of(drawn, **sizes) -> AttentionLayer:
    own = {
        "query_channels": 18,
        "kv_channels": None,
        "qk_channels": 6,
        "v_channels": 6,
        "num_heads": 3,
        "widening_factor": 2,
        "activation_name": "gelu",
    }
    return drawn(AttentionLayer(**{**own, **sizes})).eval()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"v_channels": 33},
        {"query_residual": False},
        {"activation_name": "quick_gelu"},
        {"mlp_chunk_size": 4},
        {"norm_eps": 0.3},
        {"implementation": "eager"},
    ],
)
@torch.no_grad()
def test_it_is_the_layer(sizes, dtype, drawn):
    layer = layer_of(drawn, **sizes).to(dtype)
    assert can_fold(layer)
    latents = torch.randn(2, 11, 18, dtype=dtype)
    before = latents.clone()

    for tile_values in (1, 2 * 11 * 11, 2**20):
        received = FoldedSelfAttend(layer, tile_values=tile_values)(latents)
        torch.testing.assert_close(received, layer(latents)[0])
    assert torch.equal(latents, before)


class _Other(AttentionLayer):
    def forward(self, hidden_states, *others):
        return (hidden_states,)


@torch.no_grad()
def test_what_is_no_plain_self_attend_is_not_folded(drawn):
    changed = layer_of(drawn)
    changed.mlp.dense1 = nn.Sequential(changed.mlp.dense1)
    assert not can_fold(changed)
    assert not can_fold(layer_of(drawn, kv_channels=5))
    assert not can_fold(layer_of(drawn).to(torch.bfloat16))
    assert not can_fold(nn.Identity())
    other = layer_of(drawn)
    other.__class__ = _Other
    assert not can_fold(other)
