"""Figures of matplotlib that need no screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from perceivers.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(purpose: str, size: tuple[float, float], **options: Any) -> Figure:
    """A matplotlib figure that needs no screen and leaves nothing behind.

    Args:
        purpose: what is drawn, for the error that names the missing package.
        size: width and height in inches.
        options: further arguments of matplotlib's Figure.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "train", purpose) from error
    figure = Figure(figsize=size, facecolor="white", **options)
    FigureCanvasAgg(figure)
    return figure
