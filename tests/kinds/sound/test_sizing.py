"""How sounds of mixed tables are heard, from their lengths and rates."""

from __future__ import annotations

import pytest

from perceivers.kinds.sound.sizing import sound_options


@pytest.mark.parametrize(
    ("seconds", "rates", "clip", "rate", "bands"),
    [
        ([0.5] * 7, [8_000], 0.5, 8_000, 40),
        ([0.1], [8_000], 0.25, 8_000, 40),
        ([60.0, 60.0], [44_100], 5.0, 16_000, 64),
        ([1.01], [11_025], 1.05, 11_025, 64),
    ],
)
def test_clips_hold_nearly_all_sounds_within_bounds_at_their_own_rate(seconds, rates, clip, rate, bands):
    options = sound_options(seconds, rates)
    assert options.clip_seconds == pytest.approx(clip)
    assert (options.sampling_rate, options.num_mel_bins) == (rate, bands)
