"""Random changes of one sound: speed, place, noise, loudness, and what is hidden of its spectrogram."""

from __future__ import annotations

import numpy as np

from perceivers.kinds.sound.options import SoundOptions
from perceivers.kinds.sound.value import Sound
from perceivers.processors.audio.effects import (
    add_noise,
    amplify,
    change_speed,
    change_speed_of_part,
    draw_bands,
    pad_around,
    shift,
)

# Decibels that the noise may lie below the loudest that `noise` allows.
NOISE_RANGE = 30.0


def vary_sound(sound: Sound, chosen: SoundOptions, generator: np.random.Generator) -> Sound:
    """Change speed, place, noise and loudness at random, and choose what is hidden of the spectrogram."""
    wave, clip = sound.waveform, chosen.clip_samples
    factor = 1.0 + generator.uniform(-chosen.speed, chosen.speed) if chosen.speed else 1.0
    if clip is None:
        wave = change_speed(wave, factor)
    else:
        # Only what is heard of a long sound is worked on.
        wave = pad_around(change_speed_of_part(wave, factor, clip, generator.random()), clip, 0.5)
    if chosen.shift:
        wave = shift(wave, round(generator.uniform(-chosen.shift, chosen.shift) * len(wave)))
    if chosen.noise is not None and generator.random() < 0.5:
        noise = generator.standard_normal(len(wave), dtype=np.float32)
        wave = add_noise(wave, noise, chosen.noise + generator.uniform(0.0, NOISE_RANGE))
    if chosen.gain:
        wave = amplify(wave, generator.uniform(-chosen.gain, chosen.gain))
    return Sound(
        wave,
        time_bands=draw_bands(generator, chosen.time_masks, chosen.time_mask_share),
        frequency_bands=draw_bands(generator, chosen.frequency_masks, chosen.frequency_mask_share),
    )


def hide_bands(energies: np.ndarray, time_bands: np.ndarray, frequency_bands: np.ndarray) -> None:
    """Set stretches of one spectrogram to 0, the mean, in place (SpecAugment, arXiv 1904.08779).

    Args:
        energies: [frames, bins]; a view of the frames that count.
        time_bands: [count, 2], begin and end as shares of the frames.
        frequency_bands: [count, 2], the same of the bins.
    """
    frames, bins = energies.shape
    for begin, end in np.round(time_bands * frames).astype(int):
        energies[begin:end] = 0.0
    for begin, end in np.round(frequency_bands * bins).astype(int):
        energies[:, begin:end] = 0.0
