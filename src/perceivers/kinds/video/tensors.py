"""What the model sees and hears of clips, as arrays: frames, and samples or log-mel energies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from perceivers.kinds.base import ModalityInput
from perceivers.kinds.video.options import VideoOptions
from perceivers.kinds.video.value import FilmClip
from perceivers.processors.audio.mel import log_mel_energies
from perceivers.processors.video.clip import Clip, frames_of

IMAGE, AUDIO = "image", "audio"


def log_mel(waveform: np.ndarray, chosen: VideoOptions) -> np.ndarray:
    """Logarithms of energies [frames, num_mel_bins] of sound [samples], every 10 ms."""
    return log_mel_energies(waveform, chosen.sampling_rate, num_mel_bins=chosen.num_mel_bins)


def seen(
    clips: Sequence[Clip | None], values: Sequence[FilmClip | None], chosen: VideoOptions
) -> ModalityInput:
    """Frames in [0, 1], [batch, num_frames, 3, height, width].

    Args:
        clips: what was cut, None where there is no film.
        values: which films they are of.
        chosen: size of the clips.
    """
    has = [value is not None and value.film.has_video for value in values]
    if not any(has):
        side = chosen.video_patch_size
        return _absent(len(clips), chosen.video_frames_per_patch, 3, side, side)
    frames = frames_of(clips, (chosen.num_frames, 3, chosen.height, chosen.width))
    return ModalityInput(frames, _mask(has))


def heard(
    clips: Sequence[Clip | None],
    values: Sequence[FilmClip | None],
    chosen: VideoOptions,
    mean: float,
    std: float,
) -> ModalityInput:
    """Samples [batch, num_samples, 1] in [-1, 1], or normalised log-mel energies [batch, frames, num_mel_bins].

    Args:
        clips: what was cut, None where there is no film.
        values: which films they are of, and how loud.
        chosen: what the model hears.
        mean: is taken off energies.
        std: what is left is divided by.
    """
    has = [value is not None and value.film.has_sound for value in values]
    if not any(has):
        raw = chosen.sound_form == "raw"
        return _absent(len(clips), *((chosen.samples_per_patch, 1) if raw else (1, chosen.num_mel_bins)))
    waveforms = np.zeros((len(clips), chosen.num_samples), np.float32)
    for row, clip, value in zip(waveforms, clips, values, strict=True):
        if clip is not None and value is not None:
            np.clip(clip.waveform * np.float32(value.loudness), -1.0, 1.0, out=row)
    if chosen.sound_form == "raw":
        return ModalityInput(waveforms[..., None], _mask(has))
    energies = np.stack([log_mel(row, chosen) for row in waveforms])
    return ModalityInput((energies - np.float32(mean)) / np.float32(std), _mask(has))


def modalities_of(chosen: VideoOptions) -> dict[str, dict[str, Any]]:
    """Entries of `config.modalities`; the highest positions tell tokens apart."""
    patch = chosen.video_patch_size
    grid = [chosen.num_frames // chosen.video_frames_per_patch, chosen.height // patch, chosen.width // patch]
    image = {
        "type": "image",
        "spatial_downsample": patch,
        "temporal_downsample": chosen.video_frames_per_patch,
        "out_channels": chosen.video_patch_channels,
        "num_bands": chosen.video_bands,
        "max_resolution": grid,
        "drop_probability": chosen.video_dropped,
    }
    audio: dict[str, Any]
    tokens, _ = tokens_of(chosen)
    if chosen.sound_form == "raw":
        audio = {"type": "audio", "samples_per_patch": chosen.samples_per_patch}
    else:
        audio = {
            "type": "spectrogram",
            "mel_bins": chosen.num_mel_bins,
            "frames_per_patch": chosen.mel_frames_per_patch,
        }
    audio |= {
        "out_channels": chosen.audio_patch_channels,
        "num_bands": chosen.audio_bands,
        "max_resolution": tokens,
        "drop_probability": chosen.audio_dropped,
    }
    return {AUDIO: audio, IMAGE: image}


def tokens_of(chosen: VideoOptions) -> tuple[int, int]:
    """Tokens of a clip's sound, and of its pictures."""
    patch = chosen.video_patch_size
    pictures = (
        chosen.num_frames
        // chosen.video_frames_per_patch
        * (chosen.height // patch)
        * (chosen.width // patch)
    )
    if chosen.sound_form == "raw":
        return chosen.num_samples // chosen.samples_per_patch, pictures
    frames = 1 + chosen.num_samples // chosen.hop_length
    return -(-frames // chosen.mel_frames_per_patch), pictures


def _mask(has: Sequence[bool]) -> np.ndarray | None:
    return None if all(has) else np.array(has)


def _absent(*shape: int) -> ModalityInput:
    """A patch that counts for nothing, where no sample has the modality."""
    return ModalityInput(np.zeros(shape, np.float32), np.zeros(shape[0], np.bool_))
