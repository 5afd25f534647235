"""What the model hears: log-mel energies or samples, their scale, masks and hidden bands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from perceivers.errors import CheckpointError
from perceivers.kinds.sound.features import SoundFeatures, hide_bands, modality_of
from perceivers.processors.audio.log_mel import log_mel_spectrogram
from perceivers.tasks.audio_classification.options import AudioClassificationArguments


def features(**chosen: Any) -> SoundFeatures:
    defaults = {
        "sampling_rate": 1_000,
        "num_mel_bins": 7,
        "window_milliseconds": 64.0,
        "hop_milliseconds": 10.0,
    }
    return SoundFeatures.of(AudioClassificationArguments(**{**defaults, **chosen}))


def sounds(*lengths: int) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [generator.uniform(-0.5, 0.5, length).astype(np.float32) for length in lengths]


def test_lengths_in_milliseconds_become_samples() -> None:
    made = features()
    assert (made.window_length, made.hop_length) == (64, 10)
    assert features(hop_milliseconds=0.01).hop_length == 1


def test_one_sound_is_the_log_mel_spectrogram_at_the_training_sounds_scale() -> None:
    (sound,) = sounds(105)
    expected = log_mel_spectrogram(
        torch.from_numpy(sound), 1_000, num_mel_bins=7, window_length=64, hop_length=10, min_frequency=20.0
    )
    made = replace(features(min_frequency=20.0), mean=-3.0, std=2.0)
    assert torch.allclose(made.of_one(sound), (expected + 3.0) / 2.0)
    assert made.of_one(sound).shape == (11, 7)


def test_the_scale_is_that_of_the_given_sounds() -> None:
    given = sounds(105, 233)
    made = features().normalized_by(given)
    values = torch.cat([made.of_one(sound).flatten() for sound in given])
    assert float(values.mean()) == pytest.approx(0.0, abs=1e-4)
    assert float(values.std(correction=0)) == pytest.approx(1.0, abs=1e-4)
    again = made.normalized_by(given)
    assert (again.mean, again.std) == pytest.approx((made.mean, made.std)), "its own scale does not count"
    assert features(input_form="raw").normalized_by(given).mean == 0.0


def test_digital_silence_has_no_spread_to_divide_by() -> None:
    assert features().normalized_by([np.zeros(100, dtype=np.float32)]).std == 1.0


def test_shorter_sounds_end_with_zeros_that_do_not_count() -> None:
    first, second = sounds(105, 53)
    batch, mask = features()([first, second])
    assert batch.shape == (2, 11, 7)
    assert mask is not None
    assert mask.sum(dim=1).tolist() == [11, 6]
    assert torch.equal(batch[1, :6], features().of_one(second))
    assert not batch[1, 6:].any()
    assert features()([first, first])[1] is None


def test_raw_sound_is_filled_up_to_whole_patches() -> None:
    first, second = sounds(105, 53)
    batch, mask = features(input_form="raw", samples_per_patch=16)([first, second])
    assert batch.shape == (2, 112, 1)
    assert mask is not None
    assert mask.sum(dim=1).tolist() == [105, 53]
    assert np.array_equal(batch[0, :105, 0].numpy(), first)
    assert features(input_form="raw", samples_per_patch=5)([first])[1] is None


def test_hidden_bands_become_the_mean_and_nothing_else_changes() -> None:
    spectrogram = torch.arange(1.0, 51.0).reshape(10, 5)
    whole = spectrogram.clone()
    hide_bands(spectrogram, np.array([[0.2, 0.4]]), np.array([[0.0, 0.2], [0.8, 1.0]]))
    kept = torch.ones(10, 5, dtype=torch.bool)
    kept[2:4] = False
    kept[:, [0, 4]] = False
    assert torch.equal(spectrogram[kept], whole[kept])
    assert not spectrogram[~kept].any()


def test_the_modality_is_as_wide_as_the_arguments_say() -> None:
    chosen = AudioClassificationArguments(
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
    raw = modality_of(replace(chosen, input_form="raw", samples_per_patch=128))
    assert (raw["type"], raw["samples_per_patch"], raw["max_resolution"]) == ("audio", 128, 63)
    assert modality_of(replace(chosen, input_form="raw", time_resolution=77))["max_resolution"] == 77


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    made = features(min_frequency=20.0).normalized_by(sounds(105))
    made.save_pretrained(tmp_path)
    assert SoundFeatures.from_pretrained(tmp_path) == made


@pytest.mark.parametrize("text", ["", "{}", '{"mean": 0.0}'])
def test_a_file_that_holds_something_else_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "preprocessor_config.json").write_text(text)
    with pytest.raises(
        CheckpointError, match=r"preprocessor_config.json` does not hold the features of a sound"
    ):
        SoundFeatures.from_pretrained(tmp_path)
