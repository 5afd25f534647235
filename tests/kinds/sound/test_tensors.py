"""What the model hears: log-mel energies or samples, masks, hidden bands, and how it is described to the model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from perceivers.kinds.sound.augmentation import hide_bands
from perceivers.kinds.sound.options import SoundOptions
from perceivers.kinds.sound.tensors import modality_of, of_one, stack_sounds
from perceivers.kinds.sound.value import Sound
from perceivers.processors.audio.log_mel import log_mel_spectrogram


def options(**chosen: Any) -> SoundOptions:
    defaults = {
        "sampling_rate": 1_000,
        "num_mel_bins": 7,
        "window_milliseconds": 64.0,
        "hop_milliseconds": 10.0,
    }
    return SoundOptions(**{**defaults, **chosen})


def sounds(*lengths: int) -> list[Sound]:
    generator = np.random.default_rng(0)
    return [Sound(generator.uniform(-0.5, 0.5, length).astype(np.float32)) for length in lengths]


def test_lengths_in_milliseconds_become_samples() -> None:
    made = options()
    assert (made.window_length, made.hop_length) == (64, 10)
    assert options(hop_milliseconds=0.01).hop_length == 1


def test_one_sound_is_the_log_mel_spectrogram_at_the_training_sounds_scale() -> None:
    (sound,) = sounds(105)
    expected = log_mel_spectrogram(
        torch.from_numpy(sound.waveform),
        1_000,
        num_mel_bins=7,
        window_length=64,
        hop_length=10,
        min_frequency=20.0,
    )
    found = of_one(sound, options(min_frequency=20.0), -3.0, 2.0)
    assert np.allclose(found, (expected.numpy() + 3.0) / 2.0, atol=1e-5)
    assert found.shape == (11, 7)


def test_shorter_sounds_end_with_zeros_that_do_not_count() -> None:
    first, second = sounds(105, 53)
    given = stack_sounds([first, second], options(), 0.0, 1.0)
    assert given.values.shape == (2, 11, 7)
    assert given.mask is not None
    assert given.mask.sum(axis=1).tolist() == [11, 6]
    assert np.array_equal(given.values[1, :6], of_one(second, options(), 0.0, 1.0))
    assert not given.values[1, 6:].any()
    assert stack_sounds([first, first], options(), 0.0, 1.0).mask is None


def test_raw_sound_is_filled_up_to_whole_patches() -> None:
    first, second = sounds(105, 53)
    given = stack_sounds([first, second], options(input_form="raw", samples_per_patch=16), 0.0, 1.0)
    assert given.values.shape == (2, 112, 1)
    assert given.mask is not None
    assert given.mask.sum(axis=1).tolist() == [105, 53]
    assert np.array_equal(given.values[0, :105, 0], first.waveform)
    assert stack_sounds([first], options(input_form="raw", samples_per_patch=5), 0.0, 1.0).mask is None


def test_hidden_bands_become_the_mean_and_nothing_else_changes() -> None:
    spectrogram = np.arange(1.0, 51.0).reshape(10, 5)
    whole = spectrogram.copy()
    hide_bands(spectrogram, np.array([[0.2, 0.4]]), np.array([[0.0, 0.2], [0.8, 1.0]]))
    kept = np.ones((10, 5), dtype=bool)
    kept[2:4] = False
    kept[:, [0, 4]] = False
    assert np.array_equal(spectrogram[kept], whole[kept])
    assert not spectrogram[~kept].any()


def test_the_modality_is_as_wide_as_the_arguments_say() -> None:
    chosen = SoundOptions(
        sampling_rate=8_000,
        clip_seconds=1.0,
        num_mel_bins=40,
        frames_per_patch=4,
        patch_channels=None,
        num_fourier_bands=9,
    )
    # 8,000 samples at a hop of 80 are 101 frames, 26 patches of 4.
    assert modality_of(chosen) == {
        "type": "spectrogram",
        "mel_bins": 40,
        "frames_per_patch": 4,
        "bins_per_patch": None,
        "max_resolution": 26,
        "out_channels": None,
        "num_bands": 9,
    }
    assert modality_of(replace(chosen, bins_per_patch=8))["max_resolution"] == [26, 5]
    assert modality_of(replace(chosen, clip_seconds=None))["max_resolution"] == 256
    assert modality_of(replace(chosen, input_form="stem", stem_widths=(5, 7, 9), stem_blocks=2)) == {
        "type": "spectrogram",
        "mel_bins": 40,
        "frames_per_patch": 8,
        "bins_per_patch": 8,
        "stem_widths": [5, 7, 9],
        "stem_blocks": 2,
        # 101 frames are 13 tokens of 8.
        "max_resolution": [13, 5],
        "num_bands": 9,
    }
    raw = modality_of(replace(chosen, input_form="raw", samples_per_patch=128))
    assert (raw["type"], raw["samples_per_patch"], raw["max_resolution"]) == ("audio", 128, 63)
    assert modality_of(replace(chosen, input_form="raw", time_resolution=77))["max_resolution"] == 77
