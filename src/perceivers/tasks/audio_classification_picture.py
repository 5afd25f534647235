"""One picture of classified sounds: each as waveform and log-mel spectrogram, with its probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perceivers.errors import MissingExtraError
from perceivers.tasks.base import Prediction

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_SHOWN = 16
COLUMNS = 2
CARD_HEIGHT, HEAD = 2.1, 0.7
INK, ACCENT, PALE = "#222222", "#d1495b", "#b8c4cc"


def draw_sounds(predictions: Sequence[Prediction], path: Path) -> None:
    """Draw up to 16 predictions as cards: waveform over spectrogram on the same seconds, the likeliest classes beside them.

    Args:
        predictions: `values` with `label` and `probabilities` (name to probability, falling); `shown` with `waveform`
            [num_samples] and `features` (a SoundFeatures, which knows the sampling rate and the mel bands).
        path: picture to write.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "train", "The picture of predictions") from error
    shown = predictions[:MOST_SHOWN]
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    height = CARD_HEIGHT * rows + HEAD
    figure = Figure(figsize=(6.6 * columns, height), facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        rows, columns, left=0.02, right=0.985, bottom=0.45 / height, top=1.0 - (HEAD + 0.25) / height, wspace=0.06,
        hspace=0.45,
    )  # fmt: skip
    count = f"{len(shown)} of {len(predictions)} sounds" if len(shown) < len(predictions) else ""
    figure.suptitle(
        "  ·  ".join(filter(None, ["waveform and log-mel spectrogram over seconds", "probability", count])),
        x=0.02, y=1.0 - 0.12 / height, ha="left", va="top", color=INK, fontsize=13,
    )  # fmt: skip
    for index, prediction in enumerate(shown):
        cell = grid[index // columns, index % columns].subgridspec(
            2, 2, width_ratios=[2.1, 1.0], height_ratios=[1.0, 2.0], wspace=0.06, hspace=0.08
        )
        _draw_card(figure, cell, prediction)
    figure.savefig(path, dpi=110)


def _draw_card(figure: Figure, cell: Any, prediction: Prediction) -> None:
    waveform, features = prediction.shown["waveform"], prediction.shown["features"]
    seconds = len(waveform) / features.sampling_rate
    above, below = figure.add_subplot(cell[0, 0]), figure.add_subplot(cell[1, 0])
    times = np.arange(len(waveform)) / features.sampling_rate
    above.plot(times, waveform, color=INK, linewidth=0.5)
    loudest = float(np.abs(waveform).max()) or 1.0
    above.set(xlim=(0.0, seconds), ylim=(-loudest, loudest))
    above.set_axis_off()
    source = Path(prediction.source)
    above.set_title(f"{source.parent.name}/{source.name}"[-48:], fontsize=9, color=INK, loc="left", pad=3)
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
    right = figure.add_subplot(cell[:, 1])
    ranked = list(prediction.values["probabilities"].items())
    answers = set(str(prediction.values["label"]).split(", "))
    for position, (name, value) in enumerate(ranked):
        right.barh(position, value, color=ACCENT if name in answers else PALE, height=0.62)
        right.text(value + 0.03, position, f"{name[:18]}  {value:.2f}", va="center", fontsize=9, color=INK)
    right.set(xlim=(0.0, 1.7), ylim=(max(len(ranked), 3) - 0.4, -0.6))
    right.set_axis_off()
