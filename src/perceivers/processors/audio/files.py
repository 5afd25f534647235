"""Sound files: read with soundfile, and with PyAV what soundfile does not know (M4A, 3GP, WebM); written as 16-bit.

What a file says of itself is not believed: samples are read block by block, and a rate that no recorder has, a file that ends
before its header says, or one that would not fit into memory, is refused before anything is made of it.
"""

from __future__ import annotations

import importlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from perceivers.errors import DataError, MissingExtraError, ShapeError, no_file
from perceivers.processors.audio.wave_header import bytes_missing
from perceivers.processors.video.decoding import decode
from perceivers.text_files import pointer_told

if TYPE_CHECKING:
    from torch import Tensor

# Hz: from slow sensors that are kept as WAV to recorders of bats.
LOWEST_RATE, HIGHEST_RATE = 50, 1_000_000
# Numbers that one sound may take in memory, of all its channels: 2 GiB.
MOST_SAMPLES = 1 << 29
BLOCK = 1 << 18
# A file that has less than this share of what its header says was cut off.
WHOLE_SHARE = 0.98


def read_audio(source: str | os.PathLike[str] | bytes, name: str | None = None) -> tuple[Tensor, int]:
    """What `read_samples` gives, as a tensor."""
    import torch

    samples, rate = read_samples(source, name)
    return torch.from_numpy(samples), rate


def read_samples(source: str | os.PathLike[str] | bytes, name: str | None = None) -> tuple[np.ndarray, int]:
    """Read a sound file.

    Args:
        source: path or content of a file.
        name: what errors call it; None: the path.

    Returns:
        [channels, samples] float32, as a rule in [-1, 1], and the sampling rate in Hz.

    Raises:
        DataError: the file is absent, damaged, cut off, empty, of a format that cannot be read, or its header lies; the
            message names it.
    """
    soundfile = _soundfile("reading sound files")
    if isinstance(source, bytes):
        name = "the sound in the row" if name is None else name
    else:
        name = f"`{os.fspath(source)}`" if name is None else name
        if not Path(source).is_file():
            raise DataError(f"{name} is not a sound file: {no_file(source)}")
    _require_no_bytes_missing(source, name)
    try:
        with _opened(source) as file, soundfile.SoundFile(file) as sound:
            rate, said = int(sound.samplerate), int(sound.frames)
            require_rate(rate, name)
            samples = _collected((block.T for block in _blocks(sound)), name)
    except (soundfile.SoundFileError, RuntimeError, OSError) as error:
        samples, rate = _read_with_pyav(source, name, error)
        said = 0
    if samples.shape[1] == 0:
        raise DataError(f"{name} holds no samples")
    if samples.shape[1] < WHOLE_SHARE * said:
        raise DataError(
            f"{name} is cut off: its header says that it has {said} samples, received {samples.shape[1]}"
        )
    return samples, rate


def seconds_of(content: bytes, most: float) -> float | None:
    """How long a sound is, counted block by block until it is longer than `most`; None of what cannot be read.

    Args:
        content: of a sound file.
        most: seconds.
    """
    soundfile = _soundfile("reading sound files")
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as sound:
            rate, count = max(int(sound.samplerate), 1), 0
            for block in _blocks(sound):
                count += len(block)
                if count > most * rate:
                    break
            return float(count / rate)
    except (soundfile.SoundFileError, RuntimeError, OSError):
        pass
    seconds = 0.0
    try:
        for piece in decode(content, "the sound", pictures=False):
            seconds += piece.samples.shape[1] / piece.sampling_rate  # type: ignore[union-attr]
            if seconds > most:
                break
    except (DataError, MissingExtraError):
        # It is reported when it is read.
        return None
    return seconds


def require_rate(rate: float, name: str) -> None:
    """Raise DataError for a rate in Hz that no sound has."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise DataError(
            f"{name} must have a sampling rate from {LOWEST_RATE:,} to {HIGHEST_RATE:,} Hz, received {rate:,} Hz: its "
            "header is wrong"
        )


def require_length(samples: float, name: str) -> None:
    """Raise DataError for more samples than one sound may have in memory."""
    if samples > MOST_SAMPLES:
        raise DataError(
            f"{name} must take at most {MOST_SAMPLES:,} samples, received {samples:,.0f}: cut it into shorter files"
        )


def write_audio(path: str | os.PathLike[str], waveform: Tensor, sampling_rate: int) -> None:
    """Write sound as 16-bit samples, in the format that the path's suffix names.

    Args:
        path: such as "sound.wav".
        waveform: [samples] or [channels, samples] in [-1, 1]; beyond is clipped.
        sampling_rate: in Hz.
    """
    import torch

    soundfile = _soundfile("writing sound files")
    if waveform.ndim not in (1, 2):
        raise ShapeError(
            f"`waveform` must have shape [samples] or [channels, samples], received {list(waveform.shape)}"
        )
    samples = (waveform.detach().float().cpu().clamp(-1, 1) * 32767).round().to(torch.int16)
    soundfile.write(
        os.fspath(path), samples.T.numpy() if samples.ndim == 2 else samples.numpy(), sampling_rate
    )


def _opened(source: str | os.PathLike[str] | bytes) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else Path(source).open("rb")


def _require_no_bytes_missing(source: str | os.PathLike[str] | bytes, name: str) -> None:
    with _opened(source) as file:
        size = len(source) if isinstance(source, bytes) else os.fstat(file.fileno()).st_size
        counts = bytes_missing(file, size)
    if counts is not None and counts[1] < WHOLE_SHARE * counts[0]:
        raise DataError(
            f"{name} is cut off: its header says that it has {counts[0]} bytes of samples, received {counts[1]}"
        )


def _blocks(sound: Any) -> Iterator[np.ndarray]:
    """[samples, channels] float32, until the file has no more, whatever its header says."""
    while len(block := sound.read(BLOCK, dtype="float32", always_2d=True)):
        yield block


def _collected(blocks: Iterator[np.ndarray], name: str) -> np.ndarray:
    """[channels, samples] of blocks [channels, samples]."""
    found: list[np.ndarray] = []
    count = 0
    for block in blocks:
        if found and block.shape[0] != found[0].shape[0]:
            raise DataError(
                f"{name} changes its number of channels, from {found[0].shape[0]} to {block.shape[0]}"
            )
        count += block.size
        require_length(count, name)
        found.append(block)
    return np.ascontiguousarray(np.concatenate(found, axis=1)) if found else np.zeros((1, 0), np.float32)


def _read_with_pyav(
    source: str | os.PathLike[str] | bytes, name: str, refusal: Exception
) -> tuple[np.ndarray, int]:
    """Samples and rate of what soundfile refused."""
    knows = "Format not recognised" not in str(refusal)
    damaged = f"{name} cannot be read as sound, it is damaged: {refusal}"
    rates: set[int] = set()

    def pieces() -> Iterator[np.ndarray]:
        for piece in decode(source, name.strip("`"), pictures=False):
            rates.add(piece.sampling_rate)  # type: ignore[union-attr]
            yield piece.samples  # type: ignore[union-attr]

    try:
        samples = _collected(pieces(), name)
    except MissingExtraError as error:
        if knows:
            raise DataError(damaged) from refusal
        raise MissingExtraError(
            "av", "media", f"reading the sound of {name}, which soundfile cannot,"
        ) from error
    except DataError as error:
        if knows:
            raise DataError(damaged) from refusal
        if "is cut off" in str(error):
            raise
        if pointer := pointer_told(source):
            raise DataError(f"{name} cannot be read as sound: {pointer}") from error
        raise DataError(
            f"{name} cannot be read as sound: it is damaged, or its format is not supported by soundfile and PyAV"
        ) from error
    if not rates:
        raise DataError(f"{name} holds no sound that can be decoded")
    if len(rates) > 1:
        raise DataError(
            f"{name} changes its sampling rate: {', '.join(f'{rate} Hz' for rate in sorted(rates))}"
        )
    (rate,) = rates
    require_rate(rate, name)
    return samples, rate


def _soundfile(purpose: str) -> Any:
    try:
        return importlib.import_module("soundfile")
    except ImportError as error:
        raise MissingExtraError("soundfile", "media", purpose) from error
