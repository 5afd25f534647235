"""Sound becomes mono, of one rate and length, in [-1, 1]."""

import math
import wave

import numpy as np
import pytest
import torch

from perceivers.errors import ConfigurationError, DataError, MissingExtraError, ShapeError
from perceivers.processors.audio.files import read_audio, write_audio
from perceivers.processors.audio.processor import PerceiverAudioProcessor, to_mono
from perceivers.processors.audio.resampling import resample


def tone(frequency, rate, seconds=0.25):
    return torch.sin(
        2 * math.pi * frequency * torch.arange(round(rate * seconds), dtype=torch.float64) / rate
    )


@pytest.mark.parametrize(
    ("from_rate", "to_rate"), [(44_100, 48_000), (48_000, 44_100), (8_000, 48_000), (48_000, 8_000)]
)
def test_a_tone_is_the_same_tone_at_another_rate(from_rate, to_rate):
    received = resample(tone(1234, from_rate), from_rate, to_rate)
    expected = tone(1234, to_rate)
    assert received.shape == expected.shape
    inside = slice(len(expected) // 5, -len(expected) // 5)
    assert (received - expected)[inside].abs().max() < 2e-4


def test_what_the_new_rate_cannot_hold_is_removed():
    received = resample(tone(7_000, 48_000), 48_000, 8_000)  # above 4,000 Hz: would sound as 1,000 Hz
    assert received[100:-100].abs().max() < 2e-4


def test_resampling_agrees_with_scipy():
    signal = pytest.importorskip("scipy.signal")
    smooth = tone(440, 22_050) * 0.5 + tone(3_000, 22_050) * 0.3
    received = resample(smooth, 22_050, 16_000)
    expected = signal.resample_poly(smooth.numpy(), 320, 441, window=("kaiser", 9.0))
    assert received.shape == expected.shape
    np.testing.assert_allclose(received[200:-200], expected[200:-200], atol=5e-3)


def test_resampling_keeps_axes_dtype_and_constants():
    constant = torch.full((2, 3, 1000), 0.5)
    received = resample(constant, 3, 5)
    assert received.shape == (2, 3, 1667)
    assert received.dtype == torch.float32
    torch.testing.assert_close(received[..., 100:-100], torch.full((2, 3, 1467), 0.5))
    assert resample(constant, 7, 7) is constant


def test_whole_numbers_are_brought_to_full_scale():
    assert to_mono(np.array([-32768, 0, 16384], np.int16)).tolist() == [-1, 0, 0.5]
    assert to_mono(np.array([0, 128, 192], np.uint8)).tolist() == [-1, 0, 0.5]
    assert to_mono(torch.tensor([-(2**31), 2**30], dtype=torch.int32)).tolist() == [-1, 0.5]
    assert to_mono([0.25, -1]).tolist() == [0.25, -1]
    assert to_mono([0, 1, -1]).tolist() == [0, 1, -1]


def test_channels_are_averaged_on_whichever_axis_they_are():
    stereo = np.stack([np.full(7, 0.5), np.full(7, 0.25)])
    for waveform, axis in ((stereo, None), (stereo.T, None), (stereo.T, 1), (stereo.T[:2], 1)):
        mono = to_mono(waveform, channel_axis=axis)
        assert mono.tolist() == [0.375] * len(mono)
    assert to_mono(np.array([[0.5, 0.25]]), channel_axis=0).tolist() == [0.5, 0.25]


def test_the_default_is_the_released_models_input():
    audio = PerceiverAudioProcessor()(torch.ones(31_000)).audio
    assert (audio.shape, audio.dtype) == ((1, 30_720, 1), torch.float32)
    assert audio.eq(1).all()


def test_short_sound_is_padded_and_long_sound_cut():
    processor = PerceiverAudioProcessor(num_samples=10, samples_per_patch=5)
    audio = processor([torch.full((7,), 0.5), torch.arange(13) / 13]).audio
    assert audio[0, :, 0].tolist() == [0.5] * 7 + [0] * 3
    torch.testing.assert_close(audio[1, :, 0], torch.arange(10) / 13)


def test_without_a_length_the_longest_is_padded_to_whole_patches():
    processor = PerceiverAudioProcessor(num_samples=None, samples_per_patch=5)
    assert processor([torch.ones(7), torch.ones(11)]).audio.shape == (2, 15, 1)
    assert processor(torch.ones(3, 2, 10)).audio.shape == (3, 10, 1)


def test_other_rates_are_resampled():
    processor = PerceiverAudioProcessor(sampling_rate=16_000, num_samples=None)
    audio = processor(tone(440, 8_000).float(), sampling_rate=8_000).audio
    assert audio.shape == (1, 4_000, 1)
    torch.testing.assert_close(audio[0, 300:-300, 0], tone(440, 16_000).float()[300:-300], atol=2e-4, rtol=0)


def test_outputs_become_waveforms():
    processor = PerceiverAudioProcessor()
    patches = torch.linspace(-2, 2, 30).reshape(1, 6, 5)
    assert torch.equal(processor.post_process(patches), patches.reshape(1, 30).clamp(-1, 1))
    assert processor.post_process(patches.reshape(1, 30, 1)).shape == (1, 30)


def test_files_are_written_and_read(tmp_path):
    pytest.importorskip("soundfile")
    stereo = torch.stack([tone(440, 8_000), tone(220, 8_000) * 0.5]).float()
    write_audio(tmp_path / "a.wav", stereo, 8_000)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, 8_000, 2_000)
    samples, rate = read_audio(tmp_path / "a.wav")
    assert (samples.shape, rate) == ((2, 2_000), 8_000)
    torch.testing.assert_close(samples, stereo, atol=1e-4, rtol=0)
    processor = PerceiverAudioProcessor(sampling_rate=8_000, num_samples=None)
    from_file = processor(tmp_path / "a.wav").audio
    torch.testing.assert_close(from_file[0, :, 0], stereo.mean(dim=0), atol=1e-4, rtol=0)


def test_unreadable_files_are_named(tmp_path):
    pytest.importorskip("soundfile")
    with pytest.raises(DataError, match=r"a.wav` is not a sound file: there is no such file"):
        read_audio(tmp_path / "a.wav")
    (tmp_path / "a.wav").write_bytes(b"RIFF no sound")
    with pytest.raises(DataError, match=r"a.wav` cannot be read as sound"):
        read_audio(tmp_path / "a.wav")
    write_audio(tmp_path / "b.wav", torch.zeros(0), 8_000)
    with pytest.raises(DataError, match=r"b.wav` holds no samples"):
        read_audio(tmp_path / "b.wav")
    with pytest.raises(ShapeError, match=r"`waveform` must have shape .* received \[2, 3, 5\]"):
        write_audio(tmp_path / "c.wav", torch.zeros(2, 3, 5), 8_000)


def test_a_missing_package_names_its_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    with pytest.raises(
        MissingExtraError, match=r'reading sound files needs .* pip install "perceivers\[media\]"'
    ):
        read_audio(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        ([], "`audio` must hold at least one waveform, received none"),
        (torch.zeros(0), r"`audio\[0\]` must be \[samples\].* received shape \[0\]"),
        ([torch.zeros(2, 3, 5)], r"`audio\[0\]` must be \[samples\].* received shape \[2, 3, 5\]"),
        (torch.tensor([0, math.nan]), r"`audio\[0\]` must be finite"),
        (torch.tensor([0.0, -400.0]), r"must lie in \[-1, 1\], received samples up to 400: divide by"),
        (torch.tensor([0, 1]), "floats or int8, uint8, int16 or int32 samples, received int64"),
        (["word"], r"`word` is not a sound file"),
        ([None], r"`audio\[0\]` must hold numbers, received NoneType"),
    ],
)
def test_what_is_no_sound_is_named(audio, message):
    with pytest.raises(DataError, match=message):
        PerceiverAudioProcessor()(audio)


def test_impossible_settings_are_named():
    with pytest.raises(
        ConfigurationError, match=r"`num_samples` must be a multiple of `samples_per_patch` \(16\)"
    ):
        PerceiverAudioProcessor(num_samples=17)
    with pytest.raises(ConfigurationError, match="`sampling_rate` must be at least 1, received 0"):
        PerceiverAudioProcessor(sampling_rate=0)
    with pytest.raises(
        ConfigurationError, match=r"`from_rate` must be a whole number of Hz, at least 1, received 0.5"
    ):
        PerceiverAudioProcessor()(torch.zeros(7), sampling_rate=0.5)
    with pytest.raises(ConfigurationError, match="`channel_axis` must be 0 or 1, received 2"):
        to_mono(torch.zeros(2, 7), channel_axis=2)
    with pytest.raises(ShapeError, match=r"`audio` must have shape \[batch, samples, 1\] .* received \[7\]"):
        PerceiverAudioProcessor().post_process(torch.zeros(7))
