"""The first line of a table of text: names of columns, or data that lack them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from perceivers.data.numbers import MISSING_WORDS, number_of
from perceivers.errors import DataError

# Names of columns are shorter.
WORDS_OF_A_SENTENCE = 4


def column_names(path: Path, header: Sequence[str], first: Sequence[Sequence[str]]) -> list[str]:
    """Names of the columns; those without one are called as pandas does, "Unnamed: 0".

    Args:
        path: the file, for errors.
        header: fields of the first line.
        first: records that follow, as far as they were read, each as long as `header`.

    Raises:
        DataError: two columns have one name, or the first line looks like data.
    """
    if looks_like_data(header, first):
        raise DataError(
            f"`{path}` must begin with a line of column names, received {', '.join(header[:5])}, which looks like data; "
            "write a line of names above it (if these are names, give the columns names that are no numbers)"
        )
    return distinct_names(path, header)


def distinct_names(path: Path, header: Sequence[str]) -> list[str]:
    """See `column_names`; whatever the line looks like."""
    names = [name or _name_of_place(index, header) for index, name in enumerate(header)]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise DataError(
                f"`{path}` has two columns {name!r}, {names.index(name) + 1} and {index + 1} of {len(names)}; give each a "
                "name of its own in the first line"
            )
    return names


def _name_of_place(index: int, header: Sequence[str]) -> str:
    """What a column without a name is called, if need be as pandas tells it from another one, "Unnamed: 0.1"."""
    usual = f"Unnamed: {index}"
    return (
        usual
        if usual not in header
        else next(name for count in itertools.count(1) if (name := f"{usual}.{count}") not in header)
    )


def all_numbers(record: Sequence[str]) -> bool:
    """Whether every field is a number, with a decimal point or comma, or a word for a missing one."""
    return not any(math.isnan(_number(cell)) and cell.strip().lower() not in MISSING_WORDS for cell in record)


def looks_like_data(header: Sequence[str], first: Sequence[Sequence[str]]) -> bool:
    """Whether a first line is a record like those below.

    It is one if every column of numbers is headed by a number, and most of these are of the size of the numbers below.
    Numbers that count, such as 0, 1, 2 or the years 2019, 2020, are names.

    Args:
        header: fields of the first line.
        first: some of the records below; fewer than two say nothing.
    """
    if len(first) < 2:
        return False
    heads = [_number(name) for name in header]
    columns = [[_number(cell) for cell in column if cell != ""] for column in zip(*first, strict=True)]
    of_numbers = [
        index for index, column in enumerate(columns) if column and not any(map(math.isnan, column))
    ]
    if not of_numbers or any(math.isnan(heads[index]) for index in of_numbers):
        return False
    if _counts([head for head in heads if not math.isnan(head)]):
        return False
    like = sum(_is_of_the_size_of(heads[index], columns[index]) for index in of_numbers)
    return like >= 0.8 * len(of_numbers)


def is_a_row(columns: Mapping[str, Sequence[Any]]) -> bool:
    """Whether what columns are called is rather a row like those below, of a table that lacks the names that were expected.

    It is one if a column is called as one of its own cells, as a class is; if its cells are names of files of one ending,
    and so is its name; or if its cells are sentences, and so is its name.

    Args:
        columns: the first cells of each, by its name.
    """
    return any(_is_one_of(name, [cell for cell in cells if cell]) for name, cells in columns.items() if name)


def _is_one_of(name: str, cells: Sequence[Any]) -> bool:
    texts = [cell for cell in cells if isinstance(cell, str)]
    if len(texts) < 2 or len(texts) < len(cells):
        return False
    if name in texts:
        return True
    ending = PurePath(name).suffix.lower()
    if ending and not ending[1:].isdecimal() and all(text.lower().endswith(ending) for text in texts):
        return True
    lengths = [len(text.split()) for text in (name, *texts)]
    return min(lengths) >= WORDS_OF_A_SENTENCE


def _number(cell: str) -> float:
    try:
        number = number_of(cell, "comma" if "," in cell else "point")
    except DataError:
        return math.nan
    return math.nan if number is None else number


def _counts(numbers: Sequence[float]) -> bool:
    steps = {after - before for before, after in itertools.pairwise(numbers)}
    return len(steps) == 1 and steps.pop() > 0 and all(number.is_integer() for number in numbers)


def _is_of_the_size_of(head: float, column: Sequence[float]) -> bool:
    lowest, highest = min(column), max(column)
    margin = highest - lowest + max(abs(lowest), abs(highest))
    return lowest - margin <= head <= highest + margin
