"""Sound of any length and rate to spectrograms that a batch holds."""

from __future__ import annotations

import math

import pytest
import torch

import perceivers
from perceivers.errors import ConfigurationError, DataError
from perceivers.processors.audio.log_mel import log_mel_spectrogram

SETTINGS = {"sampling_rate": 1000, "num_mel_bins": 5, "window_length": 32, "hop_length": 11}


def processor(**changes):
    return perceivers.PerceiverSpectrogramProcessor(**{**SETTINGS, **changes})


def sounds(*lengths):
    torch.manual_seed(0)
    return [torch.rand(length) - 0.5 for length in lengths]


def test_shorter_sound_ends_with_zeros_that_the_mask_hides():
    short, long = sounds(53, 130)
    batch = processor()([short, long])
    assert batch.spectrogram.shape == (2, 1 + 130 // 11, 5)
    assert batch.spectrogram.dtype == torch.float32
    assert batch.attention_mask.sum(dim=1).tolist() == [1 + 53 // 11, 1 + 130 // 11]
    assert batch.attention_mask[0, :5].all()
    assert (batch.spectrogram[0, 5:] == 0).all()
    alone = processor()(short)
    assert torch.equal(alone.spectrogram[0], batch.spectrogram[0, :5])
    assert processor().num_frames(53) == alone.spectrogram.shape[1]


def test_values_are_scaled_logarithms_of_the_energies():
    (sound,) = sounds(70)
    energies = log_mel_spectrogram(
        sound, 1000, num_mel_bins=5, window_length=32, hop_length=11, fft_size=32, floor=1e-6
    )
    received = processor(floor=1e-6, mean=-7.0, std=2.0)(sound).spectrogram[0]
    torch.testing.assert_close(received, (energies + 7) / 2)
    silent = processor(floor=1e-6)(torch.zeros(70)).spectrogram
    torch.testing.assert_close(silent, torch.full_like(silent, -1))
    received = processor(floor=1e-6)(sound).spectrogram[0]
    torch.testing.assert_close(received, energies / (-math.log(1e-6) / 2) + 1)


@pytest.mark.parametrize(
    "change",
    [
        {"window_length": 16},
        {"hop_length": 5},
        {"fft_size": 64},
        {"min_frequency": 50.0},
        {"max_frequency": 400.0},
        {"mel_scale": "slaney"},
        {"floor": 1e-2},
        {"num_mel_bins": 4},
    ],
)
def test_every_setting_reaches_the_spectrogram(change):
    (sound,) = sounds(97)
    before, after = processor()(sound).spectrogram, processor(**change)(sound).spectrogram
    assert before.shape != after.shape or not torch.allclose(before, after)


def test_a_fixed_length_cuts_and_fills():
    short, long = sounds(40, 200)
    batch = processor(num_samples=100)([short, long])
    assert batch.spectrogram.shape == (2, 10, 5)
    assert batch.attention_mask.sum(dim=1).tolist() == [4, 10]
    assert torch.equal(batch.spectrogram[1], processor()(long[:100]).spectrogram[0])


def test_sound_of_another_rate_is_resampled_and_channels_are_averaged():
    seconds = torch.arange(4000) / 2000
    tone = torch.sin(2 * math.pi * 300 * seconds)
    batch = processor()(torch.stack([tone, tone]), sampling_rate=2000)
    expected = processor()(torch.sin(2 * math.pi * 300 * torch.arange(2000) / 1000))
    inside = slice(20, -20)
    torch.testing.assert_close(
        batch.spectrogram[0, inside, 2:], expected.spectrogram[0, inside, 2:], atol=2e-2, rtol=0
    )


def test_files_are_read(tmp_path):
    pytest.importorskip("soundfile")
    from perceivers.processors.audio.files import write_audio

    (sound,) = sounds(80)
    write_audio(tmp_path / "sound.wav", sound, 1000)
    batch = processor()([str(tmp_path / "sound.wav")])
    torch.testing.assert_close(batch.spectrogram, processor()(sound).spectrogram, atol=1e-2, rtol=0)


def test_a_model_takes_what_the_processor_gives():
    config = perceivers.PerceiverConfig(
        num_latents=3,
        d_latents=8,
        num_self_attends_per_block=1,
        num_self_attention_heads=2,
        num_cross_attention_heads=1,
        modalities={"sound": {"type": "spectrogram", "mel_bins": 5, "num_bands": 3}},
        answers={"word": {"type": "class", "num_labels": 2}},
    )
    model = perceivers.PerceiverForPrediction(config).eval()
    batch = processor()(sounds(53, 130))
    logits = model(batch.spectrogram, batch.attention_mask).logits["word"]
    assert logits.shape == (2, 2)
    alone = processor()(sounds(53, 130)[0])
    torch.testing.assert_close(model(alone.spectrogram).logits["word"][0], logits[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_samples": 0}, "`num_samples` must be at least 1, received 0"),
        ({"mean": 1.0}, "`mean` and `std` must be given together, `std` above 0, received 1.0 and None"),
        ({"mean": 1.0, "std": 0.0}, "received 1.0 and 0.0"),
        ({"floor": 1.0}, "`floor` must be between 0 and 1, received 1.0"),
        ({"num_mel_bins": 50}, "`num_mel_bins` must leave a frequency"),
    ],
)
def test_settings_out_of_range_are_refused(change, message):
    with pytest.raises(ConfigurationError, match=message):
        processor(**change)


def test_no_sound_at_all_is_refused():
    with pytest.raises(DataError, match="`audio` must hold at least one waveform, received none"):
        processor()([])


def test_the_audio_processor_tells_which_patches_hold_sound():
    ours = perceivers.PerceiverAudioProcessor(sampling_rate=1000, num_samples=None, samples_per_patch=10)
    batch = ours(sounds(21, 47), return_attention_mask=True)
    assert batch.audio.shape == (2, 50, 1)
    assert batch.attention_mask.tolist() == [[True] * 3 + [False] * 2, [True] * 5]
    assert "attention_mask" not in ours(sounds(21))
    fixed = perceivers.PerceiverAudioProcessor(sampling_rate=1000, num_samples=30, samples_per_patch=10)
    mask = fixed(sounds(9, 47), return_attention_mask=True).attention_mask
    assert mask.tolist() == [[True, False, False], [True, True, True]]
