"""What the model sees and hears of clips: frames, and samples or log-mel energies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from perceivers.kinds.base import ModalityInput
from perceivers.kinds.video.options import VideoOptions
from perceivers.kinds.video.value import FilmClip
from perceivers.processors.audio.log_mel import log_mel_spectrogram
from perceivers.processors.video.clip import Clip

IMAGE, AUDIO = "image", "audio"


def log_mel(waveforms: Tensor, chosen: VideoOptions) -> Tensor:
    """Logarithms of energies [batch, frames, num_mel_bins] of sound [batch, samples], every 10 ms."""
    return log_mel_spectrogram(waveforms, chosen.sampling_rate, num_mel_bins=chosen.num_mel_bins)


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
        return _absent(torch.zeros(len(clips), chosen.video_frames_per_patch, 3, side, side))
    nothing = torch.zeros(chosen.num_frames, 3, chosen.height, chosen.width, dtype=torch.uint8)
    frames = torch.stack([nothing if clip is None else clip.frames for clip in clips])
    return ModalityInput(frames.float() / 255, _mask(has))


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
        return _absent(
            torch.zeros(len(clips), *((chosen.samples_per_patch, 1) if raw else (1, chosen.num_mel_bins)))
        )
    nothing = torch.zeros(chosen.num_samples)
    loudness = torch.tensor([1.0 if value is None else value.loudness for value in values])
    waveforms = torch.stack([nothing if clip is None else clip.waveform for clip in clips])
    waveforms = (waveforms * loudness[:, None]).clamp(-1.0, 1.0)
    if chosen.sound_form == "raw":
        return ModalityInput(waveforms[..., None], _mask(has))
    return ModalityInput((log_mel(waveforms, chosen) - mean) / std, _mask(has))


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


def _mask(has: Sequence[bool]) -> Tensor | None:
    return None if all(has) else torch.tensor(has)


def _absent(values: Tensor) -> ModalityInput:
    """A patch that counts for nothing, where no sample has the modality."""
    return ModalityInput(values, torch.zeros(len(values), dtype=torch.bool))
