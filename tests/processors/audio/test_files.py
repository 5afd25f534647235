"""Sound files whose headers lie, that were cut off, or that only the second reader knows."""

from __future__ import annotations

import io
import struct
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from perceivers.errors import DataError, MissingExtraError
from perceivers.processors.audio import files
from perceivers.processors.audio.files import read_audio

soundfile = pytest.importorskip("soundfile")

SINE = np.round(9000 * np.sin(np.arange(8000) * 0.3)).astype("<i2")


def wav(
    samples: bytes = SINE.tobytes(), *, rate: int = 8000, channels: int = 1, said: int | None = None
) -> bytes:
    size = len(samples) if said is None else said
    form = struct.pack("<HHIIHH", 1, channels, rate, (rate * channels * 2) & 0xFFFFFFFF, 2 * channels, 16)
    return (
        b"RIFF" + struct.pack("<I", 36 + len(samples)) + b"WAVEfmt " + struct.pack("<I", 16) + form
        + b"data" + struct.pack("<I", size) + samples
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            wav(rate=1),
            "must have a sampling rate from 50 to 1,000,000 Hz, received 1 Hz: its header is wrong",
        ),
        (wav(rate=4_000_000_000), "the sound in the row cannot be read as sound, it is damaged"),
        (wav(rate=3_000_000), "received 3,000,000 Hz"),
        (wav(channels=0), "the sound in the row cannot be read as sound, it is damaged: .*Channel count"),
        (
            wav(said=1 << 30),
            "is cut off: its header says that it has 1073741824 bytes of samples, received 16000",
        ),
        (wav()[:5000], "is cut off: its header says that it has 16000 bytes of samples, received 4956"),
        (wav(b""), "holds no samples"),
        (b"no sound at all, but some text", "its format is not supported by soundfile and PyAV"),
    ],
)
def test_a_header_that_lies_is_refused_at_once(content: bytes, message: str) -> None:
    started = time.process_time()
    with pytest.raises(DataError, match=message):
        read_audio(content)
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize("said", [0xFFFFFFFF, 0x7FFFFFFF])
def test_a_length_that_was_not_known_is_no_lie(said: int) -> None:
    samples, rate = read_audio(wav(said=said))
    assert (samples.shape, rate) == ((1, 8000), 8000)


def test_a_flac_file_without_its_end_is_named() -> None:
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(0).normal(0, 0.1, 30_000), 8000, format="FLAC")
    with pytest.raises(DataError, match=r"the sound in the row (is cut off|cannot be read as sound)"):
        read_audio(file.getvalue()[:30_000])


def test_more_than_fits_into_memory_is_refused_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_SAMPLES", 7999)
    with pytest.raises(DataError, match="must take at most 7,999 samples, received 8,000: cut it"):
        read_audio(wav())


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_every_depth_and_number_of_channels_is_read(subtype: str, channels: int) -> None:
    wave = np.sin(np.arange(600) * 0.1)[:, None] * np.linspace(0.5, 0.25, channels)
    file = io.BytesIO()
    soundfile.write(file, wave, 8000, format="WAV", subtype=subtype)
    samples, rate = read_audio(file.getvalue())
    assert (samples.dtype, rate) == (torch.float32, 8000)
    assert np.abs(samples.numpy().T - wave).max() < (0.01 if subtype == "PCM_U8" else 1e-4)


def compressed(path: Path, codec: str, layout: str = "mono") -> Path:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=48_000)
        stream.layout = layout
        wave = np.float32(0.5 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000))
        for begin in range(0, 48_000, 960):
            frame = av.AudioFrame.from_ndarray(wave[None, begin : begin + 960], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 48_000, begin, Fraction(1, 48_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("name", "codec"), [("a.m4a", "aac"), ("a.webm", "libopus"), ("a.3gp", "aac")])
def test_what_soundfile_does_not_know_pyav_reads(tmp_path: Path, name: str, codec: str) -> None:
    path = compressed(tmp_path / name, codec)
    samples, rate = read_audio(path)
    assert (rate, len(samples)) == (48_000, 1)
    assert abs(samples.shape[1] - 48_000) < 3_000
    spectrum = samples[0, 12_000:36_000].numpy()
    assert np.abs(np.fft.rfft(spectrum)).argmax() == 220
    assert torch.equal(read_audio(path.read_bytes())[0], samples)


def test_without_pyav_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = compressed(tmp_path / "a.m4a", "aac")
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"reading the sound of `.*a\.m4a`, which soundfile cannot"):
        read_audio(path)
    with pytest.raises(DataError, match=r"it is damaged: .*Channel count"):
        read_audio(wav(channels=0))
