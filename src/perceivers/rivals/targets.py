"""Targets as the rivals learn them, and their answers measured as those of a model are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from perceivers.errors import ConfigurationError, DataError
from perceivers.metrics.answers import MISSING_CLASS, measure, measures_of

# Name -> "class", "labels" or "number", the targets of the training rows, those of the test rows.
Targets = Mapping[str, tuple[str, Sequence[Any], Sequence[Any]]]
# No probability is 0: the log loss of one mistake would be infinite.
LEAST_PROBABILITY = 1e-7


@dataclass(frozen=True)
class Rival:
    """What a simple method reached.

    Args:
        measures: target -> measure -> value on the test rows, with the names of `perceivers.metrics.answers`; those that have
            no value, such as the correlation with a constant, are left out.
        read: columns that it was given.
        ignored: columns whose kind it cannot read.
    """

    measures: Mapping[str, Mapping[str, float]]
    read: tuple[str, ...] = ()
    ignored: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class EncodedTarget:
    """One target as numbers.

    Args:
        answer: "class", "labels" or "number".
        names: of classes or labels by id; of a number none.
        train: of the training rows that have one: ids [rows], 0 or 1 [rows, labels], or numbers [rows].
        rows: which training rows these are, [rows].
        test: of all test rows, with -100 or NaN where it is missing.
    """

    answer: str
    names: tuple[str, ...]
    train: np.ndarray
    rows: np.ndarray
    test: np.ndarray

    @property
    def num_outputs(self) -> int:
        """Classes or labels; 1 for a number."""
        return len(self.names) or 1


def encode_target(name: str, answer: str, train: Sequence[Any], test: Sequence[Any]) -> EncodedTarget:
    """A target as numbers.

    Args:
        name: for messages.
        answer: "class": anything with a name, or ids, which keep the order of a model's classes. "labels": lists of labels.
            "number": numbers, or their texts.
        train: of the training rows; None (or NaN) where it is missing.
        test: of the test rows, alike.

    Raises:
        DataError: no training row has it, or a value is no number.
        ConfigurationError: another `answer`.
    """
    if answer == "number":
        numbers, held_out = (np.array([_number(name, value) for value in part]) for part in (train, test))
        kept = np.flatnonzero(~np.isnan(numbers))
        return EncodedTarget(answer, (), _require_rows(name, numbers[kept]), kept, held_out)
    if answer == "class":
        parts = [[None if _is_missing(value) else str(value) for value in part] for part in (train, test)]
        # A class that only the test rows have is a class still, which nobody can have learned.
        names = tuple(sorted({value for part in parts for value in part if value is not None}, key=_natural))
        ids = {each: index for index, each in enumerate(names)}
        numbers, held_out = (
            np.array([MISSING_CLASS if value is None else ids[value] for value in part], dtype=np.int64)
            for part in parts
        )
        kept = np.flatnonzero(numbers != MISSING_CLASS)
        return EncodedTarget(answer, names, _require_rows(name, numbers[kept]), kept, held_out)
    if answer == "labels":
        lists = [
            [None if _is_missing(value) else [str(each) for each in value] for value in part]
            for part in (train, test)
        ]
        names = tuple(
            sorted({each for part in lists for value in part for each in value or ()}, key=_natural)
        )
        numbers, held_out = (
            np.array(
                [
                    [math.nan] * len(names) if value is None else [float(each in value) for each in names]
                    for value in part
                ]
            ).reshape(len(part), len(names))
            for part in lists
        )
        kept = np.flatnonzero([value is not None for value in lists[0]])
        return EncodedTarget(answer, names, _require_rows(name, numbers[kept]), kept, held_out)
    raise ConfigurationError(f"`targets[{name!r}]` must be a class, labels or number, received {answer!r}")


def measured(target: EncodedTarget, answers: np.ndarray) -> dict[str, float]:
    """The measures of answers to the test rows that have one value each and have a value at all.

    Args:
        target: what is asked.
        answers: probabilities [rows, classes] or [rows, labels] in [0, 1], or numbers [rows].
    """
    preds = torch.from_numpy(np.asarray(answers, dtype=np.float64))
    if target.answer == "class":
        preds = preds.clamp(min=LEAST_PROBABILITY).log()
    elif target.answer == "labels":
        preds = preds.clamp(LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY).logit()
    found = {}
    for name in measures_of(target.answer, target.num_outputs):
        metric = measure(name, target.answer, target.num_outputs)
        metric.update(preds, torch.from_numpy(target.test))
        value = metric.compute()
        if value.ndim == 0 and not value.isnan():
            found[name] = float(value)
    return found


def _require_rows(name: str, values: np.ndarray) -> np.ndarray:
    if not values.size:
        raise DataError(f"`targets[{name!r}]` must be known of one training row or more, received none")
    return values


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _number(name: str, value: Any) -> float:
    if _is_missing(value):
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        raise DataError(f"`targets[{name!r}]` must hold numbers, received {value!r:.80}") from None


def _natural(name: str) -> tuple[int, int, str]:
    """Whole numbers by size, then all else by letter."""
    is_whole = name.removeprefix("-").isdecimal()
    return (0, int(name), "") if is_whole else (1, 0, name)
