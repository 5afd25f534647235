"""Answers drawn beside what they are about: words, and the likeliest classes as bars."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from perceivers.kinds.cards import ACCENT, INK, PALE

# What would read 0.00 is left out.
LEAST_SHOWN = 0.005


def draw_words(axes: Any, words: str) -> None:
    """Write words in the middle, letter by letter: nothing in them is a formula."""
    axes.text(
        0.0, 0.5, words, va="center", fontsize=10, color=INK, transform=axes.transAxes, parse_math=False
    )
    axes.set_axis_off()


def draw_ranking(axes: Any, said: Mapping[str, Any]) -> None:
    """Draw the likeliest classes with their probabilities as bars; the classes that were answered stand out.

    Args:
        axes: where to.
        said: see `perceivers.answers.ranking.ranked_answers`.
    """
    chosen = chosen_names(said)
    for position, (name, value) in enumerate(shown_names(said)):
        axes.barh(position, value, color=ACCENT if name in chosen else PALE, height=0.66)
        axes.text(
            value + 0.03,
            position,
            f"{name[:18]}  {value:.2f}",
            va="center",
            fontsize=9,
            color=INK,
            parse_math=False,
        )
    axes.set(xlim=(0.0, 1.7), ylim=(max(len(said["probabilities"]), 3) - 0.4, -0.6))
    axes.set_axis_off()


def ranking_as_html(said: Mapping[str, Any]) -> str:
    """The likeliest classes with their probabilities; see `draw_ranking`."""
    chosen = chosen_names(said)
    return "".join(
        f'<span class="{"answer" if name in chosen else "other"}">{escape(name)} {value:.1%} </span>'
        for name, value in shown_names(said)
    )


def chosen_names(said: Mapping[str, Any]) -> set[str]:
    """The classes that were answered: `label` joins several by commas."""
    return set(str(said["label"]).split(", "))


def shown_names(said: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Name and probability of the likeliest class, and of every other that is likely enough to be shown."""
    first, *others = said["probabilities"].items()
    return [first, *((name, value) for name, value in others if value >= LEAST_SHOWN)]
