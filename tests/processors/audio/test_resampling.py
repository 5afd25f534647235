"""Any rate in bounded memory, and the same as the usual rates."""

from __future__ import annotations

import resource

import numpy as np
import pytest
import torch

from perceivers.errors import ConfigurationError
from perceivers.processors.audio import polyphase, resampling
from perceivers.processors.audio.polyphase import resampled
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


def by_hand(wave: np.ndarray, up: int, down: int) -> np.ndarray:
    """A sinc of 32 zero crossings a side, under Kaiser's window of shape 8, that ends at 0.945 of the lower Nyquist rate."""
    cutoff = 0.945 * min(1.0, up / down)
    found = []
    for index in range(-(-len(wave) * up // down)):
        # Beyond its ends the sound is silent, and counts in the sum of the weights.
        taps = np.arange(-200, len(wave) + 200)
        distance = (taps - index * down / up) * cutoff
        inside = np.abs(distance) < 32
        window = np.i0(8.0 * np.sqrt(np.clip(1.0 - (distance / 32) ** 2, 0.0, None))) * inside
        weights = np.sinc(distance) * window
        padded = np.pad(wave, 200)
        found.append((weights * padded).sum() / weights.sum())
    return np.array(found)


@pytest.mark.parametrize(("up", "down"), [(2, 3), (5, 3), (1, 2)])
@pytest.mark.parametrize("most_weights", [1 << 20, 0])
def test_the_filter_is_the_documented_one(
    up: int, down: int, most_weights: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resampling, "MOST_WEIGHTS", most_weights)
    wave = np.random.default_rng(0).normal(size=101)
    received = resample(torch.from_numpy(wave), 1000 * down, 1000 * up)
    np.testing.assert_allclose(received.numpy(), by_hand(wave, up, down), atol=1e-9)


@pytest.mark.parametrize(("most_weights", "is_whole"), [(210, True), (209, False)])
def test_weights_of_all_phases_are_held_where_they_are_few(
    most_weights: int, is_whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two phases, each of 3 samples and of 51 on both sides: 32 / (0.945 * 2 / 3) is 50.8.
    monkeypatch.setattr(resampling, "MOST_WEIGHTS", most_weights)
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(
        resampling,
        "_blockwise",
        lambda wave, up, down: asked.append((up, down)) or wave,  # type: ignore[func-returns-value]
    )
    resample(torch.zeros(7), 3000, 2000)
    assert asked == ([] if is_whole else [(2, 3)])


def test_one_sample_a_second_is_a_rate() -> None:
    assert resample(torch.zeros(5), 1, 2).shape == (10,)


def test_an_equal_rate_changes_nothing_and_other_axes_stay() -> None:
    wave = torch.randn(2, 3, 50)
    assert resample(wave, 8000, 8000) is wave
    assert resample(wave, 8000, 16_000).shape == (2, 3, 100)


@pytest.mark.parametrize("wrong", [0, 8000.5, -3])
def test_a_rate_that_cannot_be_is_named(wrong: float) -> None:
    for name, rates in (("from_rate", (wrong, 8000)), ("to_rate", (8000, wrong))):
        with pytest.raises(
            ConfigurationError, match=f"`{name}` must be a whole number of Hz, at least 1, received {wrong}"
        ):
            resample(torch.zeros(5), *rates)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("from_rate", "to_rate"), [(48_000, 16_000), (8_000, 16_000), (44_100, 8_000), (44_099, 16_000)]
)
@pytest.mark.parametrize("count", [1, 13_007])
def test_an_array_gives_the_samples_of_a_tensor(from_rate: int, to_rate: int, count: int) -> None:
    wave = (np.random.default_rng(0).normal(size=count) * 0.3).astype(np.float32)
    expected = resample(torch.from_numpy(wave), from_rate, to_rate).numpy()
    received = resampled(wave, from_rate, to_rate)
    assert (received.dtype, received.shape) == (np.float32, expected.shape)
    np.testing.assert_allclose(received, expected, atol=1e-6)
    assert resampled(wave, from_rate, from_rate) is wave


def test_an_array_is_resampled_by_the_documented_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    wave = np.random.default_rng(0).normal(size=101)
    monkeypatch.setattr(polyphase, "BLOCK_TURNS", 7)
    np.testing.assert_allclose(resampled(wave, 3_000, 5_000), by_hand(wave, 5, 3), atol=1e-9)


def test_a_rate_that_cannot_be_is_named_for_arrays_too() -> None:
    with pytest.raises(ConfigurationError, match="`to_rate` must be a whole number of Hz"):
        resampled(np.zeros(5), 8_000, 0)
