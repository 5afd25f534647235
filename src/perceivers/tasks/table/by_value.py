"""Numbers of which each value says something of its own: numbers of shops or patients, which bins would mix up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from perceivers.answers.base import Answer
from perceivers.data.columns import names_things
from perceivers.data.evenly import evenly_spread
from perceivers.errors import DataError
from perceivers.kinds.base import Kind, is_empty
from perceivers.processors.numbers import Numbers, apply_quantiles, fit_quantiles, piecewise_edges

# Values that a column may have whose name does not say that they are ids, and how often they come in the mean: less cannot
# be learned.
MOST_VALUES, USUAL_ROWS = 1_024, 2
# How far beyond chance the values' means must differ, in standard deviations of the F statistic, and how much of the
# target's variance must lie there.
FARTHEST_BY_CHANCE, LEAST_SHARE = 5.0, 0.01
# The least F statistic of a column whose name does not say that it has ids: of what the means of values differ by, half is
# no chance.
LEAST_STATISTIC = 2.0
# Rows that are looked at, and classes or labels, the most frequent ones; more say the same.
MOST_ROWS, MOST_CLASSES = 20_000, 64

# What is said of such a column.
NOTE = "each value says something of its own: it is told like a category, too"


def columns_by_value(
    numbers: Mapping[str, Kind],
    answers: Iterable[Answer],
    cells: Callable[[str], Sequence[Any]],
    table: Any,
    num_bins: int,
) -> tuple[str, ...]:
    """The columns of numbers of which each value says something of its own, of any answer.

    Args:
        numbers: column -> the kind that reads it.
        answers: what is asked.
        cells: of a column, by its name.
        table: what they are from.
        num_bins: that the model is given of a column.
    """
    targets = [
        _told(answer, evenly_spread(cells(answer.column), MOST_ROWS))
        for answer in answers
        if not answer.selects
    ]
    asked = [told for told in targets if told is not None]
    found = []
    for name, kind in numbers.items():
        known = [_read(kind.plain, cell, name, table) for cell in evenly_spread(cells(name), MOST_ROWS)]
        values = np.array([np.nan if number is None else number for number in known], dtype=np.float64)
        values[np.isinf(values)] = np.nan
        are_ids = names_things(name)
        if any(says_by_value(values, told, num_bins, are_ids=are_ids) for told in asked):
            found.append(name)
    return tuple(found)


def first_of_each(groups: Sequence[Any]) -> list[int]:
    """The first row of each group; rows without one are groups of their own."""
    found: dict[Any, int] = {}
    for row, group in enumerate(groups):
        found.setdefault(row if is_empty(group) else str(group), row)
    return list(found.values())


def says_by_value(values: Numbers, targets: Numbers, num_bins: int, *, are_ids: bool = False) -> bool:
    """Whether the values of a number tell more of a target than bins of it do: an F test of nested linear models.

    The smaller model is a line through each of `num_bins` bins, the larger one has a mean of its own for each value. The
    statistic is compared with what chance gives: a mean of 1, and a variance of 2 / (degrees of freedom above) + 2 / (below).

    Args:
        values: float64 [rows], NaN where one is missing.
        targets: float64 [rows, num_targets], NaN where one is missing: amounts, or classes as 0 and 1.
        num_bins: that the model is given of the column.
        are_ids: whether the column's name says that its numbers name things, as `film_id` does. Then any difference beyond
            chance is enough, and any number of values: neighbours have nothing in common that bins could tell.
    """
    known = ~(np.isnan(values) | np.isnan(targets).any(axis=1))
    rows = np.flatnonzero(known)
    own, told = values[rows], targets[rows]
    distinct, places, counts = np.unique(own, return_inverse=True, return_counts=True)
    # Values that come once explain themselves.
    again = counts[places] > 1
    own, told, num_values = own[again], told[again], int((counts > 1).sum())
    most = len(rows) if are_ids else MOST_VALUES
    if not num_bins + 1 < len(distinct) <= most or len(rows) < USUAL_ROWS * len(distinct):
        return False
    left = told - _by_bins(own, told, num_bins)
    total = ((told - told.mean(axis=0)) ** 2).sum()
    above, below = num_values - num_bins - 1, len(own) - num_values
    if above < 1 or below < 1 or (left**2).sum() <= 1e-9 * total:
        return False
    _, places = np.unique(own, return_inverse=True)
    sums = np.stack([np.bincount(places, weights=column) for column in left.T])
    explained = float((sums**2 / np.bincount(places)).sum())
    by_chance = max(float((left**2).sum()) - explained, 1e-12 * total) / below
    statistic = explained / above / by_chance
    is_beyond = statistic - 1.0 > FARTHEST_BY_CHANCE * np.sqrt(2.0 / above + 2.0 / below)
    is_much = explained - above * by_chance > LEAST_SHARE * total
    return bool(is_beyond and is_much and (are_ids or statistic >= LEAST_STATISTIC))


def _by_bins(values: Numbers, targets: Numbers, num_bins: int) -> Numbers:
    """What the best sum of a line a bin says, [rows, num_targets]."""
    edges = np.array(piecewise_edges(values[:, None], num_bins)[0])
    passed = np.clip((values[:, None] - edges[:-1]) / np.diff(edges), 0.0, 1.0)
    features = np.column_stack([passed, np.ones(len(values))])
    return np.asarray(features @ np.linalg.lstsq(features, targets, rcond=None)[0])


def _read(read: Callable[..., Any], *cell: Any) -> Any:
    """What a cell holds; None of those that cannot be read, which others tell of."""
    try:
        return read(*cell)
    except DataError:
        return None


def _told(answer: Answer, cells: Sequence[Any]) -> Numbers | None:
    """Targets of rows as numbers: classes and labels as 0 and 1, amounts by their ranks, so that large ones do not decide.

    Returns:
        float64 [rows, num_targets], NaN where one is missing; None where targets are something else.
    """
    targets = [_read(answer.target, cell) for cell in cells]
    if answer.is_quantity:
        own = np.array([np.nan if target is None else target for target in targets], dtype=np.float64)[
            :, None
        ]
        own[np.isinf(own)] = np.nan
        return apply_quantiles(own, fit_quantiles(own))
    known = [target for target in targets if target is not None]
    if not answer.names or not all(isinstance(target, int) or np.ndim(target) == 1 for target in known):
        return None
    counts = np.zeros(len(answer.names))
    for target in known:
        if np.ndim(target):
            counts += target
        else:
            counts[target] += 1
    often = np.argsort(-counts, kind="stable")[:MOST_CLASSES]
    missing = np.full(len(often), np.nan)
    return np.stack(
        [missing if each is None else each[often] if np.ndim(each) else often == each for each in targets]
    ).astype(np.float64)
