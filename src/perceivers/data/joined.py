"""Answers in a table of their own, joined to the rows that they belong to."""

from __future__ import annotations

from collections.abc import Sequence

from perceivers.data.tables import Table
from perceivers.data.words import listed
from perceivers.errors import DataError

# Words of the names of tables that hold answers alone: train_labels.csv, y_train.csv.
ANSWER_WORDS = frozenset({"label", "labels", "target", "targets", "y", "answers", "solution"})


def joined(table: Table, answers: Table) -> Table:
    """A table with the columns of another that holds the answers of its rows.

    Args:
        table: the rows.
        answers: with a row for each of them, found by the columns that both have; or, where they share none, in their order.

    Returns:
        The table with the other columns of `answers`; a row that `answers` lacks has None there. A note says how.

    Raises:
        DataError: the rows cannot be told apart by the shared columns, or there are none and the numbers of rows differ.
    """
    shared = [name for name in answers.columns if name in table.columns]
    added = [name for name in answers.columns if name not in shared]
    if not shared:
        for line in (*table.left_out, *answers.left_out):
            raise DataError(
                f"{line}; it cannot be left out, because `{answers.source}` and `{table.source}` are joined row by row"
            )
        if len(table) != len(answers):
            raise DataError(
                f"`{answers.source}` must have a row for each of the {len(table):,} rows of `{table.source}`, or a column in "
                f"common with it, received {len(answers):,} rows of {listed(answers.columns)}"
            )
        places: Sequence[int | None] = range(len(table))
        how = "row by row"
    else:
        keys = list(zip(*(map(str, answers.column(name)) for name in shared), strict=True))
        rows = {key: place for place, key in enumerate(keys)}
        if len(rows) < len(keys):
            raise DataError(
                f"`{answers.source}` must have one row for each {listed(shared)}, to be joined to `{table.source}`"
            )
        places = [
            rows.get(key) for key in zip(*(map(str, table.column(name)) for name in shared), strict=True)
        ]
        how = f"by {listed(shared)}"
    left_out = [*table.left_out, *answers.left_out]
    notes = [*table.notes, f"`{answers.source}`: {listed(added)} joined to `{table.source}` {how}"]
    for name in added:
        cells = answers.column(name)
        table = table.with_column(name, [None if place is None else cells[place] for place in places])
    table.notes, table.left_out = notes, left_out
    return table
