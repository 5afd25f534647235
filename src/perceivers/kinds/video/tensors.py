"""What the model sees and hears of clips, as arrays: frames, and samples or log-mel energies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from perceivers.kinds.base import ModalityInput
from perceivers.kinds.video.options import VideoOptions
from perceivers.kinds.video.value import FilmClip
from perceivers.processors.audio.mel import log_mel_energies
from perceivers.processors.video.clip import Clip, frames_of

IMAGE, AUDIO = "image", "audio"


def log_mel(waveform: np.ndarray, chosen: VideoOptions) -> np.ndarray:
    """Logarithms of energies [frames, num_mel_bins] of sound [samples]."""
    return log_mel_energies(
        waveform,
        chosen.sampling_rate,
        num_mel_bins=chosen.num_mel_bins,
        window_length=chosen.window_length,
        hop_length=chosen.hop_length,
    )


def seen(
    clips: Sequence[Clip | None], values: Sequence[FilmClip | None], chosen: VideoOptions
) -> ModalityInput:
    """Frames in [0, 1], [batch, num_frames, 3, height, width]; with `video_motion` 6 channels, of which the last are changes.

    Args:
        clips: what was cut, None where there is no film.
        values: which films they are of.
        chosen: size of the clips.
    """
    has = [value is not None and value.film.has_video for value in values]
    if not any(has):
        side = chosen.video_factor
        return _absent(len(clips), chosen.frames_per_token, chosen.video_channels, side, side)
    frames = frames_of(clips, (chosen.num_frames, 3, chosen.height, chosen.width))
    if chosen.video_motion:
        frames = np.concatenate([frames, np.diff(frames, axis=1, prepend=frames[:, :1])], axis=2)
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
    image: dict[str, Any] = {
        "type": "image",
        **({"in_channels": chosen.video_channels} if chosen.video_motion else {}),
        "spatial_downsample": chosen.video_factor,
        "num_bands": chosen.video_bands,
        "max_resolution": list(chosen.video_grid),
        "drop_probability": chosen.video_dropped,
    }
    if chosen.video_form == "stem":
        image |= {"prep_type": "stem", "stem_widths": list(chosen.video_stem_widths)}
    else:
        image |= {
            "temporal_downsample": chosen.video_frames_per_patch,
            "out_channels": chosen.video_patch_channels,
        }
    return {AUDIO: _audio_of(chosen), IMAGE: image}


def _audio_of(chosen: VideoOptions) -> dict[str, Any]:
    grid = chosen.sound_grid
    common = {
        "num_bands": chosen.audio_bands,
        "max_resolution": list(grid) if len(grid) > 1 else grid[0],
        "drop_probability": chosen.audio_dropped,
    }
    if chosen.sound_form == "raw":
        patches = {"samples_per_patch": chosen.samples_per_patch, "out_channels": chosen.audio_patch_channels}
        return {"type": "audio", **patches, **common}
    energies = {"type": "spectrogram", "mel_bins": chosen.num_mel_bins}
    if chosen.sound_form == "stem":
        factor = chosen.sound_factor
        stem = {"bins_per_patch": factor, "stem_widths": list(chosen.sound_stem_widths)}
        return {**energies, "frames_per_patch": factor, **stem, **common}
    patches = {"frames_per_patch": chosen.mel_frames_per_patch, "out_channels": chosen.audio_patch_channels}
    return {**energies, **patches, **common}


def tokens_of(chosen: VideoOptions) -> tuple[int, int]:
    """Tokens of a clip's sound, and of its pictures."""
    return math.prod(chosen.sound_grid), math.prod(chosen.video_grid)


def simple_vector(clip: Clip, value: FilmClip, chosen: VideoOptions) -> np.ndarray:
    """A clip as a short vector, float32: pictures of its beginning, middle and end, and each band's mean and deviation.

    Pictures are 8 x 8 pixels in colour; what a film lacks is zeros.
    """
    pictures, bands = np.zeros((3, 3, 8, 8), np.float32), np.zeros((2, chosen.num_mel_bins), np.float32)
    if value.film.has_video:
        for place, index in enumerate((0, len(clip.frames) // 2, -1)):
            frame = Image.fromarray(np.ascontiguousarray(clip.frames[index].transpose(1, 2, 0)))
            small = frame.resize((8, 8), Image.Resampling.BOX)
            pictures[place] = np.asarray(small, dtype=np.float32).transpose(2, 0, 1) / np.float32(255)
    if value.film.has_sound:
        energies = log_mel(clip.waveform, chosen)
        bands[:] = energies.mean(axis=0), energies.std(axis=0)
    return np.concatenate([pictures.ravel(), bands.ravel()])


def _mask(has: Sequence[bool]) -> np.ndarray | None:
    return None if all(has) else np.array(has)


def _absent(*shape: int) -> ModalityInput:
    """A patch that counts for nothing, where no sample has the modality."""
    return ModalityInput(np.zeros(shape, np.float32), np.zeros(shape[0], np.bool_))
