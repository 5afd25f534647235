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
