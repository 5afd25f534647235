"""Attention of latents in a graph: the same in tiles of queries as at once, of parts of one product too."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from perceivers.inference import tracing
from perceivers.inference.traced_latents import attend_latents_traced


@pytest.mark.parametrize("tile_values", [2**21, 3 * 11 * 4, 1])
def test_tiles_of_queries_give_what_all_of_them_give(
    tile_values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "TILE_VALUES", tile_values)
    projected = torch.randn(2, 11, 3 * 17, generator=torch.Generator().manual_seed(0))
    query, key, value = (
        each.unflatten(-1, (3, -1)).transpose(1, 2) for each in projected.split([15, 15, 21], dim=-1)
    )
    expected = F.scaled_dot_product_attention(query, key, value, scale=1.0)
    received = attend_latents_traced(query, key, value)
    assert received.shape == (2, 3, 11, 7)
    torch.testing.assert_close(received, expected)


def test_no_more_weights_exist_at_once_than_a_tile_may_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "TILE_VALUES", 3 * 11 * 4)
    softmax, sizes = torch.softmax, []

    def noted(values: torch.Tensor, dim: int) -> torch.Tensor:
        sizes.append(values[0].numel())
        return softmax(values, dim=dim)

    monkeypatch.setattr(
        "perceivers.inference.traced_latents.scan_tiles",
        lambda step, start, tiles: (
            start,
            (torch.stack([step(tuple(start), (each,))[1][0] for each in tiles[0]]),),
        ),
    )
    monkeypatch.setattr(torch, "softmax", noted)
    attend_latents_traced(*torch.randn(3, 1, 3, 11, 5).unbind())
    assert sizes == [3 * 4 * 11] * 3
