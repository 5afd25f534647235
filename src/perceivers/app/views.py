"""Answers as the page shows them: words, bars, what the model looked at, the truth where it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os.path import isabs
from pathlib import PurePath
from typing import Any

from markupsafe import Markup

from perceivers.answers.said import Said
from perceivers.tasks.asking.base import Asking, Example
from perceivers.tasks.base import Prediction


@dataclass(frozen=True)
class Bar:
    """A name with its probability.

    Args:
        name: of a class, a label, or a guess.
        share: in [0, 1].
        is_chosen: whether it was answered.
        is_true: whether it is the truth.
    """

    name: str
    share: float
    is_chosen: bool
    is_true: bool

    @property
    def percent(self) -> str:
        """In words."""
        return "<0.1 %" if 0.0 < self.share < 0.0005 else f"{100.0 * self.share:.1f} %"


@dataclass(frozen=True)
class ShownAnswer:
    """One answer.

    Args:
        title: what was asked.
        words: what was answered.
        note: what stands behind the words.
        bars: the likeliest names.
        truth: what should be answered; None where nobody knows.
        is_right: whether that is what was answered; None where it is a matter of how near.
    """

    title: str
    words: str
    note: str
    bars: tuple[Bar, ...]
    truth: str | None
    is_right: bool | None


def shown_answers(said: list[Said], truth: Mapping[str, str]) -> list[ShownAnswer]:
    """Answers beside the truth, by their titles."""
    return [_shown(each, truth.get(each.title)) for each in said]


def looked_at(asking: Asking, prediction: Prediction) -> Markup:
    """What the model looked at. The kinds escape what they show, so that nothing in it that was sent is markup."""
    return Markup(asking.html(prediction))


def true_picture(example: Example | None) -> Markup:
    """The truth of an example where it is a picture."""
    return Markup("" if example is None else example.html)


def card_of(example: Example, answers: list[ShownAnswer]) -> dict[str, Any]:
    """An example as the list of examples shows it: its truth, and whether the model knows it."""
    has_titles = len(example.truth) > 1
    return {
        "name": _near_name(example.name),
        "truth": [(title if has_titles else "", truth) for title, truth in example.truth.items()],
        "said": [
            (each.title if has_titles else "", each.words, each.is_right)
            for each in answers
            if each.truth is not None
        ],
    }


def _near_name(name: str) -> str:
    """A name; of a path of this machine the end alone, which nobody needs to know more of."""
    return "/".join(PurePath(name).parts[-2:]) if isabs(name) else name


def _shown(said: Said, truth: str | None) -> ShownAnswer:
    true_names = set() if truth is None else _names(truth)
    bars = tuple(
        Bar(name, share, name in said.chosen, name == truth or name in true_names)
        for name, share in said.shares.items()
    )
    is_right = None
    if truth is not None and said.shares:
        is_right = said.words == truth or _names(said.words) == true_names
    return ShownAnswer(said.title, said.words, said.note, bars, truth, is_right)


def _names(words: str) -> set[str]:
    """Several labels that stand in one cell."""
    return {part.strip() for part in words.split(",") if part.strip()}
