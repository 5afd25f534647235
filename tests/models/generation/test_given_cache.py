"""A cache that is handed in and out: equal to one call on all that is kept, with a prefix and token by token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from perceivers.models.generation.given_cache import GivenCache

IDS = torch.randint(0, 31, (2, 12), generator=torch.Generator().manual_seed(1))
# Of the writer: channels of the cross-attend's keys and values, and of those of its two layers.
CHANNELS = (12, 20, 20)


def empty() -> GivenCache:
    nothing = [torch.zeros(2, 0, channels) for channels in CHANNELS]
    return GivenCache([(each, each) for each in nothing], torch.tensor([0]))


@torch.no_grad()
@pytest.mark.parametrize("positions", ["rotary", "sinusoidal", "learned"])
def test_what_is_handed_on_is_what_a_call_on_everything_keeps(
    positions: str, writer: Callable[..., Any]
) -> None:
    model = writer(positions)
    cache = empty()
    # Seven tokens are looked at, of which three are latents; then two more, one by one.
    first = model(IDS[:, :7], num_latents=3, cache=cache).logits
    torch.testing.assert_close(first, model(IDS[:, :7], num_latents=3).logits, atol=1e-5, rtol=1e-5)
    for count in (8, 9):
        sizes = [(2, count - 1, 12), (2, count - 5, 20), (2, count - 5, 20)]
        assert [tuple(keys.shape) for keys, _ in cache.kept] == sizes
        cache = GivenCache(cache.kept, torch.tensor([count - 1]))
        received = model(IDS[:, count - 1 : count], num_latents=1, cache=cache).logits
        expected = model(IDS[:, :count], num_latents=count - 4).logits[:, -1:]
        torch.testing.assert_close(received, expected, atol=1e-5, rtol=1e-5)
