"""From rows to sound at one rate, several labels, and the random change of one sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.data.tables import ListTable
from perceivers.errors import DataError, MissingExtraError
from perceivers.kinds.sound import samples as audio_classification_samples
from perceivers.kinds.sound.samples import (
    AudioDecoder,
    AudioSample,
    cut_clips,
    decode_audio,
    names_of_labels,
    split_labels,
    vary_sound,
)
from perceivers.tasks.audio_classification.options import AudioClassificationArguments

soundfile = pytest.importorskip("soundfile")

# Nothing is changed.
STILL: dict[str, Any] = {
    "sampling_rate": 100,
    "clip_seconds": None,
    "shift": 0.0,
    "gain": 0.0,
    "speed": 0.0,
    "num_mel_bins": 5,
}
SOUND = np.float32(np.sin(np.arange(60) * 0.2) * 0.5)


def write(path: Path, samples: np.ndarray, rate: int = 8_000) -> Path:
    soundfile.write(path, samples, rate, subtype="FLOAT" if path.suffix == ".wav" else None)
    return path


def test_a_path_bytes_and_samples_give_the_same_sound(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", SOUND)
    for value in (
        "a.wav",
        path.read_bytes(),
        {"path": "a.wav", "bytes": None},
        {"path": None, "bytes": path.read_bytes()},
        {"array": SOUND.tolist(), "sampling_rate": 8_000},
    ):
        assert np.allclose(decode_audio(value, tmp_path, 8_000), SOUND, atol=1e-6)
    assert np.allclose(decode_audio(SOUND.tolist(), None, 8_000, own_rate=8_000), SOUND)


def test_any_rate_and_number_of_channels_becomes_one_channel_at_the_models_rate(tmp_path: Path) -> None:
    times = np.arange(4_410) / 44_100
    left = np.sin(2 * np.pi * 300 * times) * np.sin(np.pi * times / 0.1) ** 2
    write(tmp_path / "a.flac", np.stack([left, -0.5 * left], axis=1), 44_100)
    decoded = decode_audio("a.flac", tmp_path, 8_000)
    assert (len(decoded), decoded.dtype) == (800, np.float32)
    times = np.arange(800) / 8_000
    expected = 0.25 * np.sin(2 * np.pi * 300 * times) * np.sin(np.pi * times / 0.1) ** 2
    assert np.abs(decoded - expected).max() < 1e-3


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "a sound must be a path, the bytes of a sound file, or samples, received None"),
        ("", "a sound must be a path"),
        ("absent.wav", "absent.wav` is not a sound file: there is no such file"),
        (b"RIFF", "the sound in the row cannot be read"),
        ([0.1, 0.2], "samples need their rate in Hz in the column 'sampling_rate', received none"),
        ({"array": [0.0, float("nan")], "sampling_rate": 8_000}, "`the sound` must be finite"),
    ],
)
def test_what_is_no_sound_is_named(tmp_path: Path, value: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        decode_audio(value, tmp_path, 8_000)


def test_bytes_without_soundfile_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "soundfile", None)
    with pytest.raises(MissingExtraError, match=r"reading sound files needs the package `soundfile`"):
        decode_audio(b"RIFF", None, 8_000)


def test_a_row_has_one_class_or_several_labels() -> None:
    row = {"sound": SOUND, "sampling_rate": 8_000, "kind": "dog"}
    table = ListTable([row], "sounds.csv")
    one = AudioDecoder("sound", "kind", ("cat", "dog"), 8_000)(row, table)
    assert one.label == 1
    several = AudioDecoder("sound", "kind", ("bird", "cat", "dog"), 8_000, separator=";")
    labels = several({**row, "kind": "dog; bird"}, table).label
    assert isinstance(labels, np.ndarray)
    assert labels.tolist() == [1.0, 0.0, 1.0]
    with pytest.raises(
        DataError, match="has the class 'cow' in the column 'kind', which is not one of bird, cat"
    ):
        several({**row, "kind": ["dog", "cow"]}, table)


def test_labels_are_divided_by_the_separator_or_come_as_a_list() -> None:
    assert split_labels("Speech, Dog ,,", ",") == ["Speech", "Dog"]
    assert split_labels(["Speech, male", 7], ",") == ["Speech, male", "7"]
    assert split_labels(None, ",") == split_labels("", ",") == []


def test_the_names_of_all_labels_are_in_order_and_there_must_be_some() -> None:
    table = ListTable([{"labels": "b,a"}, {"labels": None}, {"labels": "c"}], "sounds.csv")
    assert names_of_labels(table, "labels", ",") == ("a", "b", "c")
    with pytest.raises(DataError, match=r"sounds.csv` must hold labels in the column 'labels'"):
        names_of_labels(ListTable([{"labels": ""}], "sounds.csv"), "labels", ",")


def test_clips_are_spread_from_the_beginning_to_the_end() -> None:
    sound = np.arange(11, dtype=np.float32)
    assert [clip.tolist() for clip in cut_clips(sound, 5, 3)] == [
        [0, 1, 2, 3, 4],
        [3, 4, 5, 6, 7],
        [6, 7, 8, 9, 10],
    ]
    assert [clip.tolist() for clip in cut_clips(sound, 5, 1)] == [[3, 4, 5, 6, 7]]
    assert [clip.tolist() for clip in cut_clips(sound[:3], 5, 2)] == [[0, 0, 1, 2, 0]] * 2


def vary(seed: int, **chosen: Any) -> AudioSample:
    return vary_sound(
        AudioSample(SOUND, 0),
        AudioClassificationArguments(**{**STILL, **chosen}),
        np.random.default_rng(seed),
    )


def test_without_any_change_the_sound_stays() -> None:
    assert vary(0).waveform is SOUND


def test_speed_changes_the_length_by_up_to_its_share() -> None:
    lengths = [len(vary(seed, speed=0.2).waveform) for seed in range(60)]
    assert 50 <= min(lengths) <= 52
    assert 70 <= max(lengths) <= 75


def test_a_clip_is_cut_anywhere_from_a_longer_sound() -> None:
    clips = [vary(seed, clip_seconds=0.2).waveform for seed in range(40)]
    assert {len(clip) for clip in clips} == {20}
    starts = {next(s for s in range(41) if np.array_equal(SOUND[s : s + 20], clip)) for clip in clips}
    assert len(starts) > 15
    assert min(starts) < 5
    assert max(starts) > 35


def test_a_shorter_sound_lies_in_the_middle_of_its_clip_give_or_take_the_shift() -> None:
    middle = vary(0, clip_seconds=1.0).waveform
    assert np.array_equal(middle[20:80], SOUND)
    begins = []
    for seed in range(40):
        shifted = vary(seed, clip_seconds=1.0, shift=0.15).waveform
        # Sample 1 is the first that is not silent.
        begins.append(int(np.flatnonzero(shifted)[0]) - 1)
        assert np.array_equal(shifted[begins[-1] : begins[-1] + 60], SOUND)
    assert 5 <= min(begins) < 10
    assert 30 < max(begins) <= 35


def test_gain_makes_louder_and_softer_by_up_to_its_decibels() -> None:
    ratios = [float(np.abs(vary(seed, gain=6.0).waveform).max() / np.abs(SOUND).max()) for seed in range(60)]
    assert 0.5 <= min(ratios) < 0.55
    assert 1.8 < max(ratios) <= 2.0


def test_half_of_the_sounds_have_noise_of_the_asked_ratio_or_less() -> None:
    ratios = []
    for seed in range(100):
        difference = vary(seed, noise=10.0).waveform - SOUND
        if difference.any():
            ratios.append(10 * np.log10(np.mean(SOUND**2) / np.mean(difference**2)))
    assert 35 < len(ratios) < 65
    assert 10 - 0.1 < min(ratios) < 14
    assert 36 < max(ratios) < 40.1


def test_hidden_bands_are_drawn_for_the_spectrogram() -> None:
    varied = vary(0, time_masks=2, time_mask_share=0.3, frequency_masks=3, frequency_mask_share=0.2)
    assert varied.time_bands is not None
    assert varied.frequency_bands is not None
    assert (varied.time_bands.shape, varied.frequency_bands.shape) == ((2, 2), (3, 2))
    assert np.ptp(varied.frequency_bands, axis=1).max() <= 0.2
    assert replace(varied, time_bands=None, frequency_bands=None) == AudioSample(SOUND, 0)


def test_equal_generators_give_equal_sounds() -> None:
    chosen = {"speed": 0.1, "gain": 3.0, "noise": 0.0, "shift": 0.1}
    assert np.array_equal(vary(3, **chosen).waveform, vary(3, **chosen).waveform)
    assert not np.array_equal(vary(3, **chosen).waveform[:50], vary(4, **chosen).waveform[:50])
    assert audio_classification_samples.NOISE_RANGE == 30.0
