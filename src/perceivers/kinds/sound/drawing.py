"""One picture of classified sounds: each as waveform and log-mel spectrogram, with its probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.tasks.base import Prediction
from perceivers.tasks.cards import INK, Layout, draw_cards, draw_ranking, title_card

MOST_SHOWN = 16
LAYOUT = Layout(
    most=MOST_SHOWN, columns=2, width=6.6, height=2.1, parts=(2.1, 1.0), kind="sounds", parts_gap=0.06
)


def draw_sounds(predictions: Sequence[Prediction], path: Path) -> None:
    """Draw up to 16 predictions as cards: waveform over spectrogram on the same seconds, the likeliest classes beside them.

    Args:
        predictions: `values` with `label` and `probabilities` (name to probability, falling); `shown` with `waveform`
            [num_samples] and `features` (a SoundFeatures, which knows the sampling rate and the mel bands).
        path: picture to write.
    """
    titles = ("waveform and log-mel spectrogram over seconds", "probability")
    draw_cards(predictions, path, LAYOUT, titles, _draw_card)


def _draw_card(figure: Any, parts: Sequence[Any], prediction: Prediction) -> None:
    waveform, features = prediction.shown["waveform"], prediction.shown["features"]
    seconds = len(waveform) / features.sampling_rate
    stacked = parts[0].subgridspec(2, 1, height_ratios=[1.0, 2.0], hspace=0.08)
    above, below = figure.add_subplot(stacked[0]), figure.add_subplot(stacked[1])
    times = np.arange(len(waveform)) / features.sampling_rate
    above.plot(times, waveform, color=INK, linewidth=0.5)
    loudest = float(np.abs(waveform).max()) or 1.0
    above.set(xlim=(0.0, seconds), ylim=(-loudest, loudest))
    above.set_axis_off()
    title_card(above, prediction, 48)
    energies = replace(features, input_form="log-mel", mean=0.0, std=1.0).of_one(waveform).numpy()
    # Digital silence lies far below everything that can be heard: it would leave no shades for the rest.
    lowest = max(float(energies.min()), float(energies.max()) - 12.0)
    below.imshow(
        energies.T, origin="lower", aspect="auto", cmap="magma", vmin=lowest, extent=(0.0, seconds, 0, energies.shape[1])
    )  # fmt: skip
    below.set_yticks([])
    below.tick_params(labelsize=7, colors=INK, length=2)
    for side in below.spines.values():
        side.set_visible(False)
    draw_ranking(figure.add_subplot(parts[1]), prediction)
