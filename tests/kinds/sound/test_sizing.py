"""How sounds are heard and learned, from their lengths and rates."""

from __future__ import annotations

import pytest

from perceivers.arguments.advice import Advice
from perceivers.kinds.sound.kind import SoundKind
from perceivers.kinds.sound.options import SoundOptions
from perceivers.kinds.sound.sizing import sound_learning, sound_options


@pytest.mark.parametrize(
    ("seconds", "rates", "clip", "rate", "bands"),
    [
        ([0.5] * 7, [8_000], 0.5, 8_000, 40),
        ([0.1], [8_000], 0.25, 8_000, 40),
        ([60.0, 60.0], [44_100], 10.0, 22_050, 64),
        ([1.01], [11_025], 1.05, 11_025, 64),
        ([2.0], [96_000, 48_000], 2.0, 24_000, 64),
    ],
)
def test_clips_hold_nearly_all_sounds_within_bounds_at_a_bounded_rate(seconds, rates, clip, rate, bands):
    options = sound_options(seconds, rates)
    assert options.clip_seconds == pytest.approx(clip)
    assert (options.sampling_rate, options.num_mel_bins) == (rate, bands)


@pytest.mark.parametrize(
    ("seconds", "hop", "clips"),
    [(0.5, 10, 1), (2.0, 10, 1), (2.01, 20, 1), (11.0, 20, 3)],
)
def test_long_sounds_have_longer_steps_and_very_long_ones_several_clips(seconds, hop, clips):
    options = sound_options([seconds], [16_000])
    assert (options.input_form, options.hop_milliseconds) == ("stem", pytest.approx(hop))
    assert (options.stem_factor, options.evaluation_clips) == (16, clips)
    assert SoundKind(options).num_tokens <= 128


def test_long_sounds_are_learned_in_fewer_passes():
    short, long = sound_options([0.5], [8_000]), sound_options([8.0], [8_000])
    assert sound_learning(20_000, short).epochs > sound_learning(20_000, long).epochs
    assert sound_learning(20_000, SoundOptions()) == Advice()
