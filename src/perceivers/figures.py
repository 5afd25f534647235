"""Figures of matplotlib that need no screen."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perceivers.errors import MissingExtraError
from perceivers.text_files import NO_LETTERS

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


def save_figure(figure: Figure, path: Path, dpi: int) -> None:
    """Write a figure as a picture.

    What a user names may have letters that matplotlib's font lacks: they are drawn as boxes, without a warning for each.
    Names of ticks are to be `drawable`; other texts are made so.

    Args:
        figure: of `new_figure`.
        path: the file; its ending tells the format.
        dpi: pixels an inch.
    """
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_text(drawable(text.get_text()))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font", UserWarning)
        figure.savefig(path, dpi=dpi)


def drawable(text: str) -> str:
    """A text as it can be drawn: names of files need not be text, and what of them is none is a question mark."""
    return NO_LETTERS.sub("?", text)
