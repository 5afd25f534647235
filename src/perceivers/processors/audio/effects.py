"""Random changes of sound that leave its class as it is, as plain functions of amounts that the caller draws."""

from __future__ import annotations

import math

import numpy as np

from perceivers.processors.audio.transform_lengths import quick_pair

# Samples on each side of a stretch that keep its ends as they are within the whole sound.
MARGIN = 512


def change_speed(waveform: np.ndarray, factor: float) -> np.ndarray:
    """Sound played faster (`factor` above 1: shorter and higher) or slower, by resampling its spectrum.

    Args:
        waveform: float32 [num_samples].
        factor: relative speed, above 0.

    Returns:
        float32 [round(num_samples / factor)], at least one sample; frequencies beyond the Nyquist frequency are removed. The
        end of the sound may be off by half a sample, in long sounds by a ten-thousandth of their length: the transforms have
        quick lengths.
    """
    samples = len(waveform)
    wanted = max(round(samples / factor), 1)
    if wanted == samples:
        return waveform
    # The transform takes sound as a circle: silence keeps the end from ringing into the beginning.
    silence = max(samples // 8, 16)
    before, after = quick_pair(samples + silence, wanted / samples, samples)
    spectrum = np.fft.rfft(waveform, before)
    kept = min(len(spectrum), after // 2 + 1)
    cut = np.zeros(after // 2 + 1, dtype=spectrum.dtype)
    cut[:kept] = spectrum[:kept]
    changed = np.fft.irfft(cut, after)[:wanted] * (after / before)
    return changed.astype(np.float32)


def change_speed_of_part(waveform: np.ndarray, factor: float, num_samples: int, start: float) -> np.ndarray:
    """A stretch of sound that is played faster or slower: `crop` of what `change_speed` gives, from that stretch alone.

    Of a long sound only what is heard is computed; it may be off by less than a sample in time.

    Args:
        waveform: float32 [samples].
        factor: relative speed, above 0.
        num_samples: length of the result; sound that is not longer afterwards stays whole.
        start: see `crop`.
    """
    total = max(round(len(waveform) / factor), 1)
    spare = total - num_samples
    if spare <= 2 * MARGIN:
        return crop(change_speed(waveform, factor), num_samples, start)
    first = round(start * spare)
    ratio = len(waveform) / total
    begin = max(int(first * ratio) - MARGIN, 0)
    end = min(math.ceil((first + num_samples) * ratio) + MARGIN, len(waveform))
    part = change_speed(waveform[begin:end], ratio)
    place = min(max(round(first - begin / ratio), 0), len(part) - num_samples)
    return part[place : place + num_samples]


def shift(waveform: np.ndarray, samples: int) -> np.ndarray:
    """Sound begun later (`samples` above 0) or earlier, as long as before; silence comes in.

    Args:
        waveform: [num_samples].
        samples: how far, between -num_samples and num_samples.
    """
    result = np.zeros_like(waveform)
    if samples >= 0:
        result[samples:] = waveform[: len(waveform) - samples]
    else:
        result[:samples] = waveform[-samples:]
    return result


def crop(waveform: np.ndarray, num_samples: int, start: float) -> np.ndarray:
    """A stretch of sound; sound that is not longer stays whole.

    Args:
        waveform: [samples].
        num_samples: length of the stretch.
        start: where it begins, in [0, 1]: 0 at the beginning, 1 so that it ends with the sound.
    """
    spare = len(waveform) - num_samples
    if spare <= 0:
        return waveform
    first = round(start * spare)
    return waveform[first : first + num_samples]


def pad_around(waveform: np.ndarray, num_samples: int, place: float) -> np.ndarray:
    """Sound within silence; sound that is not shorter stays as it is.

    Args:
        waveform: [samples].
        num_samples: length of the result.
        place: where the sound lies in it, in [0, 1]: 0 at the beginning, 1 at the end.
    """
    spare = num_samples - len(waveform)
    if spare <= 0:
        return waveform
    before = round(place * spare)
    return np.pad(waveform, (before, spare - before))


def amplify(waveform: np.ndarray, decibels: float) -> np.ndarray:
    """Sound louder by so many decibels (6.02: twice the amplitude), clipped to [-1, 1]."""
    return np.clip(waveform * np.float32(10.0 ** (decibels / 20.0)), -1.0, 1.0)


def add_noise(waveform: np.ndarray, noise: np.ndarray, signal_to_noise: float) -> np.ndarray:
    """Sound with noise under it, clipped to [-1, 1]; silence stays silent.

    Args:
        waveform: float32 [num_samples].
        noise: [num_samples], of any loudness above 0.
        signal_to_noise: power of the sound over the power of the noise that is added, in decibels.
    """
    power, noise_power = float(np.mean(waveform**2)), float(np.mean(noise**2))
    if power == 0.0 or noise_power == 0.0:
        return waveform
    gain = np.sqrt(power / noise_power * 10.0 ** (-signal_to_noise / 10.0))
    return np.clip(waveform + gain * noise, -1.0, 1.0).astype(np.float32)


def draw_bands(generator: np.random.Generator, count: int, widest: float) -> np.ndarray:
    """Stretches of an axis that SpecAugment hides.

    Args:
        generator: what they are drawn from.
        count: how many.
        widest: largest share of the axis that one hides, in [0, 1].

    Returns:
        float64 [count, 2]: begin and end of each in [0, 1], as shares of the axis.
    """
    widths = widest * generator.random(count)
    begins = generator.random(count) * (1.0 - widths)
    return np.stack([begins, begins + widths], axis=1)
