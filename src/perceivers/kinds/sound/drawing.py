"""Sounds as people look at and listen to them: waveform with the attention over it, spectrogram, a player for pages."""

from __future__ import annotations

import base64
import io
import wave
from dataclasses import dataclass
from typing import Any

import numpy as np

from perceivers.kinds.cards import ACCENT, INK, CardLayout
from perceivers.kinds.shading import shaded_bar

SOUND_CARD = CardLayout(
    noun="sounds",
    titles=("waveform and log-mel spectrogram over seconds, red where the answer listened",),
    most=16,
    columns=2,
    width=6.6,
    height=2.1,
    parts=(2.1,),
    answer_part=1.0,
    parts_gap=0.06,
)
# A page must not become large: of longer sound it plays what the answer was given.
MOST_SECONDS = 10.0
# Stretches of time whose attention a page shows.
STRETCHES = 48
STRONGEST = 0.6


@dataclass(frozen=True)
class HeardSound:
    """A sound, and where an answer listened.

    Args:
        waveform: [num_samples] in [-1, 1].
        sampling_rate: in Hz.
        weights: [tokens], attention to stretches of time that follow each other; none where it is not known.
        begin: second at which the first of them begins; below 0 where silence was put before the sound.
        stretch: length of each, in seconds.
    """

    waveform: np.ndarray
    sampling_rate: int
    weights: np.ndarray
    begin: float = 0.0
    stretch: float = 0.0

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return len(self.waveform) / self.sampling_rate


def draw_sound(figure: Any, place: Any, sound: HeardSound, energies: np.ndarray) -> Any:
    """Draw waveform over spectrogram on the same seconds.

    Args:
        figure: of matplotlib.
        place: where to (matplotlib SubplotSpec).
        sound: what is drawn.
        energies: log-mel [frames, bins].

    Returns:
        The axes of the waveform, for a title.
    """
    stacked = place.subgridspec(2, 1, height_ratios=[1.0, 2.0], hspace=0.08)
    above, below = figure.add_subplot(stacked[0]), figure.add_subplot(stacked[1])
    loudest = float(np.abs(sound.waveform).max()) or 1.0
    draw_wave(above, sound, loudest, INK)
    above.set_axis_off()
    # Digital silence lies far below everything that can be heard: it would leave no shades for the rest.
    lowest = max(float(energies.min()), float(energies.max()) - 12.0)
    below.imshow(
        energies.T, origin="lower", aspect="auto", cmap="magma", vmin=lowest,
        extent=(0.0, sound.seconds, 0, energies.shape[1]),
    )  # fmt: skip
    below.set_yticks([])
    below.tick_params(labelsize=7, colors=INK, length=2)
    for side in below.spines.values():
        side.set_visible(False)
    return above


def draw_wave(axes: Any, sound: HeardSound, loudest: float, colour: str) -> None:
    """Draw a waveform between -`loudest` and `loudest`, red behind it where the answer listened."""
    if len(sound.weights):
        end = sound.begin + len(sound.weights) * sound.stretch
        axes.imshow(
            attention_pixels(sound.weights[None]), aspect="auto", extent=(sound.begin, end, -loudest, loudest)
        )
    times = np.arange(len(sound.waveform)) / sound.sampling_rate
    axes.plot(times, sound.waveform, color=colour, linewidth=0.5)
    axes.set(xlim=(0.0, sound.seconds), ylim=(-loudest, loudest))


def attention_pixels(weights: np.ndarray) -> np.ndarray:
    """Weights [rows, columns] as red pixels [rows, columns, 4] in [0, 1], to be laid over something; opaque where large."""
    red = [int(ACCENT[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    pixels = np.empty((*weights.shape, 4))
    pixels[..., :3] = red
    pixels[..., 3] = STRONGEST * weights / (float(weights.max()) or 1.0)
    return pixels


def sound_html(sound: HeardSound) -> str:
    """A player of what was heard, at most 10 seconds of it, above a bar that is darker where the answer listened."""
    first = round(max(sound.begin, 0.0) * sound.sampling_rate) if sound.seconds > MOST_SECONDS else 0
    played = sound.waveform[first : first + round(MOST_SECONDS * sound.sampling_rate)]
    encoded = base64.b64encode(wave_file(played, sound.sampling_rate)).decode("ascii")
    player = f'<audio controls src="data:audio/wav;base64,{encoded}"></audio>'
    if not len(sound.weights):
        return player
    parts = [float(part.max()) for part in np.array_split(sound.weights, min(STRETCHES, len(sound.weights)))]
    heaviest = max(parts) or 1.0
    return f"{player}\n{shaded_bar([part / heaviest for part in parts])}"


def wave_file(waveform: np.ndarray, sampling_rate: int) -> bytes:
    """The content of a WAV file of 16 bits a sample, of a waveform [num_samples] in [-1, 1]."""
    stored = io.BytesIO()
    with wave.open(stored, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sampling_rate)
        file.writeframes(np.round(np.clip(waveform, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())
    return stored.getvalue()
