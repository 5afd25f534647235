"""The answers by name: one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perceivers.answers.base import Answer
from perceivers.answers.number import Number
from perceivers.answers.one_class import OneClass
from perceivers.answers.one_entity import OneEntity
from perceivers.answers.several_entities import SeveralEntities
from perceivers.answers.several_labels import SeveralLabels
from perceivers.errors import ConfigurationError

ANSWERS: dict[str, type[Answer]] = {
    each.name: each for each in (OneClass, SeveralLabels, Number, OneEntity, SeveralEntities)
}


def answer_class(name: str) -> type[Answer]:
    """The answer called `name`."""
    if name not in ANSWERS:
        raise ConfigurationError(f"a target must be one of {', '.join(ANSWERS)}, received {name!r}")
    return ANSWERS[name]


def guess_answer(cells: Sequence[Any]) -> type[Answer]:
    """The answer that a column of targets most likely holds.

    Args:
        cells: those of the training rows that are not empty, at least one.
    """
    return max(ANSWERS.values(), key=lambda each: each.guess(cells))


def answer_of_state(state: Mapping[str, Any]) -> Answer:
    """The answer that was saved, `answer` naming its class."""
    own = dict(state)
    return answer_class(own.pop("answer")).of_state(own)
