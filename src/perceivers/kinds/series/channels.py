"""Which columns of steps are channels: not those that only count the steps, or say when each was."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from perceivers.data.columns import is_nameless, is_row_number
from perceivers.data.numbers import Decimal, number_of
from perceivers.data.words import listed
from perceivers.errors import DataError
from perceivers.kinds.series.files import SeriesColumns, shape_of_array, steps_of_file
from perceivers.kinds.series.number_texts import is_list_text, numbers_in
from perceivers.kinds.series.times import moment_of

# In fewer steps, values that rise are nothing strange.
FEWEST_STEPS = 10
_TIMES = re.compile(
    r"t|ts|time.*|.*[_ ]time|.*timestamp.*|date.*|datetime|seconds|sec|msec|ms|epoch|.*[_ ]date"
)
# Seconds, thousandths or millionths of one, from 1985 to 2100.
_SINCE_1970 = tuple((4.7e8 * unit, 4.1e9 * unit) for unit in (1, 1_000, 1_000_000))

Steps = Mapping[str, Sequence[Any]]


def choose_channels(
    candidates: Sequence[str],
    series: Sequence[Steps],
    columns: SeriesColumns,
    source: str,
    decimal: Decimal = "point",
) -> tuple[list[str], list[str]]:
    """Names of the channels, and notes for the user.

    Args:
        candidates: columns that may be channels.
        series: cells by column of some series, at least one.
        columns: what the user named; channels that are named are taken as they are.
        source: what errors call the table.
        decimal: see `perceivers.data.numbers.number_of`.

    Returns:
        The channels in the order of the table, and what was left out or is doubtful.
    """
    if columns.channels:
        return list(candidates), []
    left_out, doubtful, kept = [], [], []
    for name in candidates:
        cells = [each[name] for each in series if name in each]
        reason = _why_no_channel(name, cells, decimal)
        if reason is None:
            kept.append(name)
            if _only_rises(cells, decimal):
                doubtful.append(name)
        else:
            left_out.append(f"{name} ({reason})")
    if not kept:
        return list(candidates), []
    notes = [f"`{source}`: the channels are {listed(kept)}"]
    if left_out:
        notes[0] += (
            f"; left out: {listed(left_out)}; `--channel-columns NAMES` says which are channels, `--time-column NAME` "
            "sorts by one"
        )
    if doubtful:
        notes.append(
            f"`{source}`: {listed(doubtful)} only rises in every series that was looked at: if it is the time, take "
            f"`--time-column {doubtful[0]}`"
        )
    return kept, notes


def channels_of_cells(
    cells: Sequence[Any], table: Any, columns: SeriesColumns
) -> tuple[list[str], list[str]]:
    """Names of the channels in the files that some cells name, and notes for the user; no names where they are arrays.

    Args:
        cells: of a column of series.
        table: what they are from.
        columns: what the user named.
    """
    cells = [_unpacked(cell) for cell in cells]
    files = [table.path(cell) for cell in cells if isinstance(cell, str) and cell]
    steps, shapes = [], []
    for file in files:
        try:
            named, shape = steps_of_file(file), shape_of_array(file)
        except DataError:
            continue
        steps += [] if named is None else [named]
        shapes += [] if shape is None else [shape]
    shapes += [np.shape(cell) for cell in cells if isinstance(cell, list | tuple | np.ndarray)]
    notes = [] if columns.channels_first else _first_axis_of(shapes, table.source)
    if not steps:
        return [], notes
    candidates = columns.channels_of(list(steps[0]), table.source)
    names, more = choose_channels(candidates, steps, columns, table.source, table.decimal)
    return ([] if columns.channels else names), [*notes, *more]


def _unpacked(cell: Any) -> Any:
    """A list that stands in a text; None of a torn one, which is told when it is read."""
    try:
        return numbers_in(cell) if is_list_text(cell) else cell
    except DataError:
        return None


def _first_axis_of(shapes: Sequence[Sequence[int]], source: str) -> list[str]:
    """A note where arrays look as if their channels came first."""
    if not shapes or any(len(shape) != 2 for shape in shapes):
        return []
    steps, channels = {shape[0] for shape in shapes}, {shape[1] for shape in shapes}
    is_long = all(shape[1] >= FEWEST_STEPS and shape[1] >= 4 * shape[0] for shape in shapes)
    if not is_long and not (len(steps) == 1 and len(channels) > 1):
        return []
    first, second = shapes[0]
    return [
        f"`{source}`: arrays such as the first are {first} steps of {second} channels; if they are {first} channels of "
        f"{second} steps, take `--channels-first`"
    ]


def _why_no_channel(name: str, series: Sequence[Sequence[Any]], decimal: Decimal) -> str | None:
    if sum(map(len, series)) < FEWEST_STEPS:
        return None
    if is_nameless(name) and all(is_row_number(name, cells) for cells in series):
        return "has no name and only counts"
    if all(is_row_number(name, cells) or _is_shuffled_count(cells) for cells in series):
        return "only counts the steps"
    moments = _moments(series, decimal)
    if moments is None:
        return None
    is_text = any(
        isinstance(cell, str) and not _is_number(cell, decimal) for cells in series for cell in cells
    )
    if is_text:
        return "holds times"
    low, high = min(map(np.min, moments)), max(map(np.max, moments))
    is_since_1970 = any(low >= first and high <= last for first, last in _SINCE_1970)
    rises = all((np.diff(np.sort(each)) > 0).all() for each in moments)
    if rises and (is_since_1970 or (_TIMES.fullmatch(name.strip().lower()) and _only_rises(series, decimal))):
        return "only rises, as time does"
    return None


def _is_shuffled_count(cells: Sequence[Any]) -> bool:
    """Whether cells are 0, 1, 2 or 1, 2, 3 in another order."""
    try:
        numbers = sorted(float(cell) for cell in cells)
    except (TypeError, ValueError):
        return False
    return (
        len(numbers) >= FEWEST_STEPS
        and numbers[0] in (0.0, 1.0)
        and numbers == [numbers[0] + index for index in range(len(numbers))]
    )


def _only_rises(series: Sequence[Sequence[Any]], decimal: Decimal) -> bool:
    moments = _moments(series, decimal)
    if moments is None or sum(map(len, series)) < FEWEST_STEPS:
        return False
    return all(len(each) > 2 and bool((np.diff(each) > 0).all()) for each in moments)


def _moments(series: Sequence[Sequence[Any]], decimal: Decimal) -> list[np.ndarray] | None:
    """The cells as numbers or times; None where one is missing or something else."""
    found = []
    for cells in series:
        try:
            moments = [moment_of(cell, decimal) for cell in cells]
        except DataError:
            return None
        if not moments or None in moments:
            return None
        found.append(np.array(moments, dtype=np.float64))
    return found


def _is_number(cell: str, decimal: Decimal) -> bool:
    try:
        number_of(cell, decimal, may_be_infinite=True)
    except DataError:
        return False
    return True
