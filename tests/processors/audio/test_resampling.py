"""Any rate in bounded memory, and the same as the usual rates."""

from __future__ import annotations

import resource

import pytest
import torch

from perceivers.processors.audio import resampling
from perceivers.processors.audio.resampling import resample


@pytest.mark.parametrize(
    ("from_rate", "to_rate"),
    [(44_100, 16_000), (8_000, 16_000), (48_000, 16_000), (22_050, 48_000), (11_025, 8_000)],
)
def test_block_by_block_is_the_same(from_rate: int, to_rate: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wave = torch.randn(2, 5003, generator=torch.Generator().manual_seed(0)) * 0.3
    expected = resample(wave, from_rate, to_rate)
    monkeypatch.setattr(resampling, "MOST_WEIGHTS", 0)
    monkeypatch.setattr(resampling, "BLOCK_PRODUCTS", 100_000)
    received = resample(wave, from_rate, to_rate)
    assert received.shape == expected.shape
    torch.testing.assert_close(received, expected, atol=1e-5, rtol=0)


def test_a_rate_without_a_common_divisor_takes_little_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = torch.arange(44_099) / 44_099
    received = resample(torch.sin(2 * torch.pi * 440 * times), 44_099, 16_000)
    # Kibibytes on Linux.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000
    expected = torch.sin(2 * torch.pi * 440 * torch.arange(16_000) / 16_000)
    torch.testing.assert_close(received[500:-500], expected[500:-500], atol=1e-3, rtol=0)
