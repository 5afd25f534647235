"""One picture of a reconstructed film: frames above their reconstructions, and both waves of its sound."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.figures import new_figure, save_figure
from perceivers.metrics.decibels import decibels_of
from perceivers.tasks.base import Prediction

INK, ACCENT, PALE = "#222222", "#d1495b", "#8a9ba8"


def draw_reconstruction(prediction: Prediction, path: Path) -> None:
    """Draw what `reconstruct_film` gave.

    Args:
        prediction: `values` with the PSNRs and the SNR in dB and the length in `seconds`; `shown` with `frames` and `waves`.
        path: picture to write.
    """
    frames = prediction.shown["frames"]
    columns = len(frames)
    height, width = frames[0][1].shape[:2]
    panel = min(2.0, 14.0 / columns)
    strip = panel * height / width
    size = (max(panel * columns, 8.0) + 1.1, 2 * strip + 4.3)
    figure = new_figure("The picture of a reconstruction", size)
    grid = figure.add_gridspec(
        4, columns, height_ratios=[strip, strip, 1.1, 1.1], hspace=0.5, wspace=0.06, left=0.09, right=0.985,
        bottom=0.07, top=1.0 - 1.0 / (2 * strip + 4.3),
    )  # fmt: skip
    figure.suptitle(
        _title(prediction), x=0.02, y=0.985, ha="left", va="top", color=INK, fontsize=12, parse_math=False
    )
    _draw_frames(figure, grid, frames)
    _draw_waves(figure, grid, prediction.shown["waves"], float(prediction.values["seconds"]))
    save_figure(figure, path, dpi=110)


def _draw_frames(figure: Any, grid: Any, frames: Sequence[tuple[float, np.ndarray, np.ndarray]]) -> None:
    """Two rows: each original below its second, each reconstruction below its PSNR."""
    for column, (second, original, made) in enumerate(frames):
        squared = float(np.square(made / 255 - original / 255).mean())
        for row, (pixels, title) in enumerate(
            ((original, f"{second:.2f} s"), (made, f"{decibels_of(1.0, squared):.1f} dB"))
        ):
            axes = figure.add_subplot(grid[row, column])
            axes.imshow(pixels, interpolation="nearest")
            axes.set_title(title, fontsize=9, color=INK, pad=3)
            axes.set_xticks([])
            axes.set_yticks([])
            if column == 0:
                axes.set_ylabel(("original", "reconstruction")[row], fontsize=10, color=INK)


def _draw_waves(figure: Any, grid: Any, waves: Sequence[np.ndarray], seconds: float) -> None:
    """Two rows: the sound of the film, and of its reconstruction, equally high."""
    loudest = max(float(np.abs(wave).max()) for wave in waves) or 1.0
    for row, (wave, label, colour) in enumerate(
        zip(waves, ("original", "reconstruction"), (PALE, ACCENT), strict=True)
    ):
        axes = figure.add_subplot(grid[2 + row, :])
        times = np.linspace(0.0, seconds, len(wave))
        axes.fill_between(times, wave[:, 0], wave[:, 1], color=colour, linewidth=0.6)
        axes.set_xlim(0.0, seconds)
        axes.set_ylim(-1.05 * loudest, 1.05 * loudest)
        axes.set_ylabel(f"sound,\n{label}", fontsize=10, color=INK)
        axes.spines[["top", "right"]].set_visible(False)
        if row == 0:
            axes.set_xticklabels([])
        else:
            axes.set_xlabel("seconds", fontsize=10, color=INK)


def _title(prediction: Prediction) -> str:
    values = prediction.values
    ratio = "silent" if values["audio_snr"] is None else f"SNR {values['audio_snr']:.1f} dB"
    words = [
        f"{Path(prediction.source).name}, video PSNR {values['video_psnr']:.1f} dB",
        f"sound PSNR {values['audio_psnr']:.1f} dB (silence {values['audio_psnr_of_silence']:.1f} dB), {ratio}",
    ]
    if "label" in values:
        words.append(f"class {values['label']} ({values['probability']:.2f})")
    return "  ·  ".join(words)
