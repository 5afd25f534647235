"""The picture of confusions: which classes are taken for which others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from perceivers.figures import drawable, new_figure, save_figure

MOST_NUMBERED = 30


def draw_confusions(counts: np.ndarray, names: Sequence[str], path: Path) -> None:
    """Draw a confusion matrix: true classes down, answers across, shares of each true class as shades.

    Args:
        counts: [num_classes, num_classes], number of samples by true class and answer.
        names: of the classes, by id.
        path: picture to write.
    """
    size = len(names)
    side = min(max(3.0, 0.42 * size), 30.0)
    figure = new_figure("The picture of confusions", (side + 2.4, side + 1.6), layout="constrained")
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    if size <= MOST_NUMBERED:
        for row, column in zip(*np.nonzero(counts), strict=True):
            colour = "white" if shares[row, column] > 0.5 else "#222222"
            axes.text(
                column, row, str(int(counts[row, column])), ha="center", va="center", fontsize=8, color=colour
            )
    shown = [drawable(name) if len(name) <= 16 else f"{drawable(name[:15])}…" for name in names]
    axes.set(xlabel="answer", ylabel="true class")
    axes.set_xticks(range(size), shown, rotation=90 if size > 6 else 0, fontsize=8, parse_math=False)
    axes.set_yticks(range(size), shown, fontsize=8, parse_math=False)
    right = int(np.trace(counts))
    total = int(counts.sum())
    axes.set_title(f"{right:,} of {total:,} right", fontsize=11, loc="left")
    figure.colorbar(image, ax=axes, shrink=0.6, label="share of the true class")
    save_figure(figure, path, dpi=120)
