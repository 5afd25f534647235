"""Pictures of masked autoencoding: what was hidden and what was said, and what the learned positions learned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from perceivers.figures import new_figure, save_figure
from perceivers.tasks.base import Prediction
from perceivers.tasks.masked_autoencoding.measures import neighbours_found, similarities

INK, ACCENT, PALE = "#222222", "#d1495b", "#8a9ba8"
# Pixels whose positions are compared with all others: parts of the height and the width.
PROBES = ((0.2, 0.2), (0.2, 0.8), (0.5, 0.5), (0.8, 0.3))
SHOWN_FRAMES = 6


def draw_positions(
    tables: Mapping[str, Tensor], shape: tuple[int, int, int], chance: float, path: Path
) -> None:
    """Draw how alike the learned positions of a frame are, for a few pixels; of sound, by how far samples are apart.

    Args:
        tables: `image` [frames * height * width, channels] and `audio` [samples, channels].
        shape: frames, height and width.
        chance: share of all pairs of pixels that are neighbours.
        path: picture to write.
    """
    figure = new_figure("The pictures of masked autoencoding", (12.0, 3.6))
    places = torch.stack(torch.meshgrid(*map(torch.arange, shape), indexing="ij"), -1).flatten(0, -2).float()
    found = neighbours_found(tables["image"], places)
    figure.suptitle(
        f"learned positions: of {found:.0%} of the pixels the most similar one is a neighbour (by chance {chance:.1%})",
        x=0.02, ha="left", fontsize=12, color=INK,
    )  # fmt: skip
    grid = figure.add_gridspec(1, len(PROBES) + 1, width_ratios=[1] * len(PROBES) + [1.5], left=0.03, right=0.955,
                               top=0.78, bottom=0.16, wspace=0.18)  # fmt: skip
    _draw_likeness(figure, grid, similarities(tables["image"]), shape)
    _draw_lags(figure.add_subplot(grid[0, -1]), similarities(tables["audio"]))
    save_figure(figure, path, dpi=110)


def _draw_likeness(figure: Any, grid: Any, alike: Tensor, shape: tuple[int, int, int]) -> None:
    """How alike the positions of a few pixels are to those of all others in the middle frame."""
    frames, height, width = shape
    frame = frames // 2
    for column, (down, right) in enumerate(PROBES):
        row, place = round(down * (height - 1)), round(right * (width - 1))
        axes = figure.add_subplot(grid[0, column])
        one = alike[(frame * height + row) * width + place].reshape(shape)[frame]
        axes.imshow(one.numpy(), cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
        axes.plot(place, row, marker="s", markersize=7, markerfacecolor="none", markeredgecolor=INK)
        axes.set_title(f"like row {row}, column {place}", fontsize=9, color=INK)
        axes.set_xticks([])
        axes.set_yticks([])


def _draw_lags(axes: Any, sound: Tensor) -> None:
    """How alike the positions of samples are, by their distance."""
    lags = range(1, min(64, len(sound)))
    axes.plot(lags, [float(sound.diagonal(lag).mean()) for lag in lags], color=ACCENT)
    axes.axhline(0.0, color=PALE, linewidth=0.8)
    axes.set_title("sound: likeness by distance", fontsize=9, color=INK)
    axes.set_xlabel("samples apart", fontsize=9)
    axes.set_ylim(-1, 1)
    # On the left they would lie over the last of the frames.
    axes.yaxis.tick_right()
    axes.spines[["top", "left"]].set_visible(False)


def draw_clip(prediction: Prediction, path: Path) -> None:
    """Draw a clip, what was visible of it, and what the model says; below, its sound.

    Args:
        prediction: `shown` with `shape` (frames, height, width), and `truth`, `hidden` and `said`, each by `image` and
            `audio`, as points.
        path: picture to write.
    """
    columns = min(SHOWN_FRAMES, prediction.shown["shape"][0])
    figure = new_figure("The pictures of masked autoencoding", (1.9 * max(columns, 4) + 1.0, 8.4))
    grid = figure.add_gridspec(4, columns, left=0.09, right=0.98, top=0.91, bottom=0.06, hspace=0.12, wspace=0.06,
                               height_ratios=[1, 1, 1, 1.1])  # fmt: skip
    words = ", ".join(f"{name.replace('_', ' ')} {value:.1f}" for name, value in prediction.values.items())
    figure.suptitle(f"{Path(prediction.source).name}: {words}", x=0.02, ha="left", fontsize=10, color=INK)
    _draw_frames(figure, grid, prediction.shown)
    _draw_sound(figure.add_subplot(grid[3, :]), prediction.shown)
    save_figure(figure, path, dpi=110)


def _draw_frames(figure: Any, grid: Any, shown: Mapping[str, Any]) -> None:
    """Three rows of frames: the film, what was shown of it, what the model says."""
    truth, hidden, said = (shown[name]["image"] for name in ("truth", "hidden", "said"))
    shape = shown["shape"]
    rows = {
        "film": _pixels(truth, shape),
        "shown": _pixels(np.where(hidden[:, None], 1.0, truth), shape),
        "said": _pixels(said, shape),
    }
    for row, (label, frames) in enumerate(rows.items()):
        for column in range(min(SHOWN_FRAMES, len(frames))):
            axes = figure.add_subplot(grid[row, column])
            axes.imshow(frames[column], interpolation="nearest")
            axes.set_xticks([])
            axes.set_yticks([])
            if column == 0:
                axes.set_ylabel(label, fontsize=10, color=INK)


def _draw_sound(axes: Any, shown: Mapping[str, Any]) -> None:
    """The wave of the film, the model's over it, and points where it was shown."""
    wave, answer = shown["truth"]["audio"][:, 0], shown["said"]["audio"][:, 0]
    seen = np.flatnonzero(~shown["hidden"]["audio"])
    axes.plot(wave, color=PALE, linewidth=1.2, label="film")
    axes.plot(answer, color=ACCENT, linewidth=0.9, label="said")
    axes.plot(seen, wave[seen], ".", color=INK, markersize=2, label="shown")
    axes.set_ylabel("sound", fontsize=10, color=INK)
    axes.set_xlim(0, len(wave))
    axes.legend(loc="upper right", fontsize=8, frameon=False, ncols=3)
    axes.spines[["top", "right"]].set_visible(False)


def _pixels(points: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """[points, 3] in [-1, 1] as frames [frames, height, width, 3] in [0, 1]."""
    return ((points + 1) / 2).clip(0, 1).reshape(*shape, 3)
