"""What the model hears of sounds, as arrays: patches of raw samples, or log-mel energies, and which of them count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from perceivers.kinds.base import ModalityInput
from perceivers.kinds.sound.augmentation import hide_bands
from perceivers.kinds.sound.options import SoundOptions
from perceivers.kinds.sound.value import Sound
from perceivers.processors.audio.mel import log_mel_energies

# Patches in time that positions tell apart where sounds have any length.
ANY_LENGTH = 256


def log_mel(waveform: np.ndarray, chosen: SoundOptions) -> np.ndarray:
    """Logarithms of the energies [frames, num_mel_bins] of one waveform [num_samples]."""
    return log_mel_energies(
        np.ascontiguousarray(waveform, dtype=np.float32),
        chosen.sampling_rate,
        num_mel_bins=chosen.num_mel_bins,
        window_length=chosen.window_length,
        hop_length=chosen.hop_length,
        min_frequency=chosen.min_frequency,
    )


def mean_and_deviation(energies: Sequence[Any]) -> tuple[float, float]:
    """Mean and standard deviation over all values of all arrays; a deviation of 0, as of digital silence, becomes 1."""
    values = np.concatenate([np.ravel(each) for each in energies]).astype(np.float64)
    std = float(values.std())
    return float(values.mean()), std if std > 0.0 else 1.0


def of_one(sound: Sound, chosen: SoundOptions, mean: float, std: float) -> np.ndarray:
    """Normalised log-mel energies [frames, num_mel_bins], or samples [num_samples, 1], of one sound.

    Args:
        sound: the sound.
        chosen: what the model hears.
        mean: is taken off energies.
        std: what is left is divided by.
    """
    if chosen.input_form == "raw":
        return np.ascontiguousarray(sound.waveform, dtype=np.float32)[:, None]
    energies = (log_mel(sound.waveform, chosen) - np.float32(mean)) / np.float32(std)
    if sound.time_bands is not None and sound.frequency_bands is not None:
        hide_bands(energies, sound.time_bands, sound.frequency_bands)
    return energies


def stack_sounds(
    sounds: Sequence[Sound | None], chosen: SoundOptions, mean: float, std: float
) -> ModalityInput:
    """A batch of sounds.

    Args:
        sounds: None where a sample has none.
        chosen: what the model hears.
        mean: see `of_one`.
        std: see `of_one`.

    Returns:
        [batch, frames, num_mel_bins] or [batch, samples, 1], shorter ones filled up with zeros. Mask: bool [batch, frames or
        samples], True where there is sound, None where that is everywhere; or [batch], where clips are of one length and
        some sample has none.
    """
    width = 1 if chosen.input_form == "raw" else chosen.num_mel_bins
    rows = [
        np.zeros((0, width), np.float32) if sound is None else of_one(sound, chosen, mean, std)
        for sound in sounds
    ]
    lengths = np.array([len(row) for row in rows])
    step = chosen.samples_per_patch if chosen.input_form == "raw" else 1
    # A batch without any sound has one patch of silence, which counts for nothing.
    wanted = max(-(-int(lengths.max()) // step), 1) * step
    batch = np.zeros((len(rows), wanted, width), np.float32)
    for filled, row in zip(batch, rows, strict=True):
        filled[: len(row)] = row
    if bool((lengths == wanted).all()):
        return ModalityInput(batch)
    if set(lengths.tolist()) <= {0, wanted}:
        return ModalityInput(batch, lengths > 0)
    return ModalityInput(batch, np.arange(wanted)[None] < lengths[:, None])


def modality_of(chosen: SoundOptions) -> dict[str, Any]:
    """The entry of `config.modalities`."""
    time_resolution = chosen.time_resolution or tokens_of_a_clip(chosen)
    if chosen.input_form == "stem":
        return {
            "type": "spectrogram",
            "mel_bins": chosen.num_mel_bins,
            "frames_per_patch": chosen.stem_factor,
            "bins_per_patch": chosen.stem_factor,
            "stem_widths": list(chosen.stem_widths),
            "stem_blocks": chosen.stem_blocks,
            "num_bands": chosen.num_fourier_bands,
            "max_resolution": [time_resolution, -(-chosen.num_mel_bins // chosen.stem_factor)],
        }
    common = {"out_channels": chosen.patch_channels, "num_bands": chosen.num_fourier_bands}
    if chosen.input_form == "raw":
        return {
            "type": "audio",
            "samples_per_patch": chosen.samples_per_patch,
            "max_resolution": time_resolution,
            **common,
        }
    two_axes = chosen.bins_per_patch is not None
    columns = chosen.num_mel_bins // (chosen.bins_per_patch or chosen.num_mel_bins)
    return {
        "type": "spectrogram",
        "mel_bins": chosen.num_mel_bins,
        "frames_per_patch": chosen.frames_per_patch,
        "bins_per_patch": chosen.bins_per_patch,
        "max_resolution": [time_resolution, columns] if two_axes else time_resolution,
        **common,
    }


def tokens_of_a_clip(chosen: SoundOptions) -> int:
    """Tokens of a clip in time; those that positions tell apart where clips have any length."""
    if chosen.clip_samples is None:
        return ANY_LENGTH
    if chosen.input_form == "raw":
        return chosen.clip_samples // chosen.samples_per_patch
    frames = 1 + chosen.clip_samples // chosen.hop_length
    return -(-frames * chosen.hop_length // chosen.token_samples)
