"""One picture of classified films: each with a frame, its sound and the likeliest classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from perceivers.errors import MissingExtraError
from perceivers.tasks.base import Prediction

MOST_SHOWN = 24
COLUMNS = 3
INK, ACCENT, PALE = "#222222", "#d1495b", "#8a9ba8"


def draw_films(predictions: Sequence[Prediction], path: Path) -> None:
    """Draw up to 24 predictions as cards: a frame, the wave of the clip around it, the likeliest classes.

    Args:
        predictions: `values` with `label` and `probabilities` (name to probability, falling); `shown` with `frame` [3,
            height, width] uint8 and `waveform` [samples], each None where the film lacks it.
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
    height = 1.9 * rows + 0.9
    figure = Figure(figsize=(6.0 * columns, height), facecolor="white")
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        rows,
        columns,
        left=0.02,
        right=0.98,
        bottom=0.3 / height,
        top=1.0 - 0.85 / height,
        wspace=0.12,
        hspace=0.5,
    )
    count = f"{len(shown)} of {len(predictions)} films" if len(shown) < len(predictions) else ""
    title = "  ·  ".join(filter(None, ["frame", "sound around it", "probability", count]))
    figure.suptitle(title, x=0.02, y=1.0 - 0.12 / height, ha="left", va="top", color=INK, fontsize=13)
    for index, prediction in enumerate(shown):
        cell = grid[index // columns, index % columns].subgridspec(
            1, 3, width_ratios=[1.0, 1.2, 1.4], wspace=0.15
        )
        frame, wave, bars = (figure.add_subplot(cell[0, column]) for column in range(3))
        source = Path(prediction.source)
        frame.set_title(f"{source.parent.name}/{source.name}"[-24:], fontsize=9, color=INK, loc="left", pad=3)
        pixels, waveform = prediction.shown["frame"], prediction.shown["waveform"]
        if pixels is None:
            frame.text(
                0.5, 0.5, "no pictures", ha="center", va="center", color=INK, transform=frame.transAxes
            )
        else:
            frame.imshow(pixels.permute(1, 2, 0).numpy(), interpolation="nearest")
        if waveform is None:
            wave.text(0.5, 0.5, "no sound", ha="center", va="center", color=INK, transform=wave.transAxes)
        else:
            wave.plot(waveform.numpy(), color=PALE, linewidth=0.5)
            wave.set_ylim(-1.0, 1.0)
        for axes in (frame, wave):
            axes.set_xticks([])
            axes.set_yticks([])
        ranked = prediction.values["probabilities"]
        places = np.arange(len(ranked))
        colours = [ACCENT if place == 0 else PALE for place in places]
        bars.barh(places, list(ranked.values()), color=colours, height=0.7)
        for place, (name, probability) in enumerate(ranked.items()):
            bars.text(0.02, place, f"{name}  {probability:.2f}", va="center", fontsize=9, color=INK)
        bars.set_xlim(0.0, 1.0)
        bars.invert_yaxis()
        bars.axis("off")
    figure.savefig(path, dpi=110)
