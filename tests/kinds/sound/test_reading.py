"""From cells to sound at one rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.errors import DataError, MissingExtraError
from perceivers.kinds.sound.reading import decode_audio, looks_like_sound

soundfile = pytest.importorskip("soundfile")

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
        (
            [0.1, 0.2],
            "need their rate in Hz, received none: give them as {'array': SAMPLES, 'sampling_rate': RATE}, or",
        ),
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


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".aiff", ".au", ".mp3"])
def test_sound_is_known_by_its_ending_and_by_its_content(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, np.tile(SOUND, 200), 8_000)
    content = path.read_bytes()
    for cell in (
        str(path),
        "A" + suffix.upper(),
        content,
        {"bytes": content, "path": None},
        {"path": str(path)},
    ):
        assert looks_like_sound(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "a picture.png",
        "wav",
        b"RIFF\x00\x00\x00\x00AVI LIST",
        b"\x89PNG\r\n",
        7,
        {"path": "a.jpg"},
        {"array": [0.0]},
        "",
    ],
)
def test_other_cells_are_no_sound(cell: Any) -> None:
    assert not looks_like_sound(cell)


def test_channels_that_cancel_are_told_and_the_loudest_is_heard() -> None:
    both = {"array": np.stack([0.5 * SOUND, -0.5 * SOUND]), "sampling_rate": 8_000, "path": "a.wav"}
    with pytest.warns(UserWarning, match="the channels of `a.wav` cancel each other"):
        heard = decode_audio(both, None, 8_000)
    assert np.allclose(np.abs(heard), np.abs(0.5 * SOUND), atol=1e-6)
    # Silence, and channels that differ, are no such case.
    assert not decode_audio({"array": np.zeros((2, 60)), "sampling_rate": 8_000}, None, 8_000).any()
    decode_audio({"array": np.stack([SOUND, -0.9 * SOUND]), "sampling_rate": 8_000}, None, 8_000)


def test_a_rate_in_a_table_that_no_sound_has_is_refused() -> None:
    with pytest.raises(
        DataError, match="`the sound` must have a sampling rate from 50 to 1,000,000 Hz, received 1 Hz"
    ):
        decode_audio(SOUND, None, 8_000, own_rate=1)


def test_a_sound_that_grows_beyond_memory_is_refused() -> None:
    with pytest.raises(
        DataError, match="`the sound` must take at most 536,870,912 samples, received 960,000,000"
    ):
        decode_audio(np.zeros(60_000, np.float32), None, 800_000, own_rate=50)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (b"\0\0\0\x20ftypM4A \0\0", True),
        (b"\0\0\0\x20ftypisom\0\0", False),
        ("a.m4a", True),
        ("a.webm", False),
    ],
)
def test_sounds_in_containers_of_films_are_told_apart(cell: Any, expected: bool) -> None:
    assert looks_like_sound(cell) is expected
