"""Answers that rank names by their probability: what one class and several labels have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from perceivers.answers.base import Answer
from perceivers.answers.drawing import chosen_names, draw_ranking, ranking_as_html
from perceivers.answers.ranking import compare_rankings
from perceivers.answers.said import Said


@dataclass(frozen=True)
class RankedAnswer(Answer):
    """Names with probabilities; what is said of a sample is one of `perceivers.answers.ranking.ranked_answers`."""

    drawn: ClassVar[str] = "probability"

    def head(self) -> dict[str, Any]:
        """See Answer."""
        return {**super().head(), "id2label": dict(enumerate(self.names))}

    def compare(self, said: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
        """See Answer; the change is that of the probability of what was likeliest."""
        return compare_rankings(said, other)

    def draw(self, axes: Any, said: Mapping[str, Any]) -> None:
        """See Answer."""
        draw_ranking(axes, said)

    def in_words(self, said: Mapping[str, Any]) -> Said:
        """See Answer; with the likeliest names."""
        words = said["label"] or "none of the labels"
        return Said(self.title, words, said["probabilities"], frozenset(chosen_names(said)))

    def html(self, said: Mapping[str, Any]) -> str:
        """See Answer."""
        return ranking_as_html(said)
