"""An answer drawn: the likeliest classes as bars, a number with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perceivers.kinds.cards import ACCENT, INK, PALE


def draw_answer(axes: Any, said: Mapping[str, Any]) -> None:
    """Draw what `Answer.describe` said of one sample."""
    if "probabilities" in said:
        draw_ranking(axes, said)
        return
    words = f"{said['number']:.4g}"
    if "low" in said:
        words += f"\n{said['low']:.4g} to {said['high']:.4g}"
    axes.text(0.0, 0.5, words, va="center", fontsize=10, color=INK, transform=axes.transAxes)
    axes.set_axis_off()


def draw_ranking(axes: Any, said: Mapping[str, Any]) -> None:
    """Draw the likeliest classes with their probabilities as bars; the classes that were answered stand out.

    Args:
        axes: where to.
        said: `label` (several joined by ", ") and `probabilities`, name to probability, falling.
    """
    ranked = list(said["probabilities"].items())
    answers = set(str(said["label"]).split(", "))
    # What would read 0.00 is left out.
    drawn = ranked[:1] + [(name, value) for name, value in ranked[1:] if value >= 0.005]
    for position, (name, value) in enumerate(drawn):
        axes.barh(position, value, color=ACCENT if name in answers else PALE, height=0.66)
        axes.text(
            value + 0.03,
            position,
            f"{name[:18]}  {value:.2f}",
            va="center",
            fontsize=9,
            color=INK,
            parse_math=False,
        )
    axes.set(xlim=(0.0, 1.7), ylim=(max(len(ranked), 3) - 0.4, -0.6))
    axes.set_axis_off()
