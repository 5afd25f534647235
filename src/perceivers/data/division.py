"""Which parts of a data set are measured on, which rows are held out of it, and what makes that division doubtful."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from perceivers.arguments.data import DataArguments
from perceivers.data.groups import groups_of, on_both_sides
from perceivers.data.leaks import equal_files, files_of, shared_beginnings
from perceivers.data.splits import hold_out, hold_out_groups, strata_of
from perceivers.data.tables import FILE_COLUMN, StreamTable, Table, has_targets, require_columns
from perceivers.data.words import counted, listed

GROUPS_NAMED = 3


def with_answers(
    tables: Mapping[str, Table | StreamTable], asked: Sequence[str], arguments: DataArguments
) -> tuple[dict[str, Table | StreamTable], list[str]]:
    """The tables without a part that has nothing to measure on, as the test part of a competition, and a note of each.

    Args:
        tables: by part.
        asked: columns of the answers.
        arguments: parts that were named by themselves stay: that they cannot be used is an error.
    """
    kept, notes = {}, []
    for part, table in tables.items():
        is_named = {"validation": arguments.validation_data, "test": arguments.test_data}.get(
            part
        ) is not None
        if part == "train" or is_named or has_targets(table, asked):
            kept[part] = table
        else:
            held_out = f"and a share of the training rows is held out as {part} part; "
            if isinstance(tables["train"], StreamTable):
                held_out = ""
            notes.append(
                f"`{table.source}` has no values of {listed(asked)}: it is left out, {held_out}it can be given to "
                "`perceivers predict`"
            )
    return kept, notes


def held_out(
    table: Table,
    indices: Sequence[int],
    share: float,
    seed: int,
    *,
    labels: str | None,
    labels_are_numbers: bool,
    groups: Sequence[Hashable] | None,
) -> tuple[list[int], list[int]]:
    """Places among some rows that are kept, and those that are held out.

    Args:
        table: the rows.
        indices: which of them are divided.
        share: of those that are held out.
        seed: of the choice.
        labels: column whose values both sides have the same share of.
        labels_are_numbers: see `perceivers.data.splits.strata_of`.
        groups: of all rows of the table; those of one group stay together, whatever their labels.
    """
    if groups is not None:
        return hold_out_groups([groups[index] for index in indices], share, seed)
    if labels is None:
        return hold_out([""] * len(indices), share, seed)
    values = table.numbers(labels) if labels_are_numbers else table.column(labels)
    strata = strata_of([values[index] for index in indices], numbers=labels_are_numbers)
    return hold_out(strata, share, seed)


def doubts(
    parts: Mapping[str, tuple[Table, Sequence[int]]],
    *,
    labels: str | None,
    arguments: DataArguments,
    usual_groups: str | None = None,
) -> list[str]:
    """What makes measures of these parts doubtful.

    Args:
        parts: tables and their rows by part.
        labels: column of the classes.
        arguments: the groups that the user named, which should be in one part each.
        usual_groups: column of the task's own groups.
    """
    files = [
        file for part, (table, indices) in parts.items() for file in files_of(table, indices, part, labels)
    ]
    notes = equal_files(files)
    groups, pattern = arguments.group_column, arguments.group_pattern
    if groups is None and pattern is None:
        return notes if usual_groups is not None else [*notes, *shared_beginnings(files)]
    own: dict[str, list[Hashable]] = {}
    for part, (table, indices) in parts.items():
        if groups is None or groups in table.columns:
            values = groups_of(table, groups, pattern)
            own[part] = [values[index] for index in indices]
    for part in ("validation", "test"):
        if both := on_both_sides(own.get("train", ()), own.get(part, ())):
            said = counted(len(both), "group is", "groups are")
            notes.append(
                f"{said} in the training part and in the {part} part, which were given apart: "
                f"{listed(map(str, both), GROUPS_NAMED)}"
            )
    return notes


def groups_of_stream(table: StreamTable, arguments: DataArguments) -> list[str]:
    """What is said of groups that were asked for where the training part is a stream: they divide nothing.

    Raises:
        DataError: the stream has no such column.
    """
    if arguments.group_column is None and arguments.group_pattern is None:
        return []
    require_columns(table, arguments.group_column or FILE_COLUMN)
    given = "group_column" if arguments.group_column is not None else "group_pattern"
    return [
        f"`{given}` changes nothing here: `{table.source}` is a stream, which is not divided, and whether its groups are in "
        "the other parts, too, is not looked at"
    ]


def column_of_groups(arguments: DataArguments, usual: str | None) -> str | None:
    """The column that rows are kept together by: the user's, else the task's."""
    return usual if arguments.group_column is None else arguments.group_column


def rows_of(samples: Any) -> tuple[Table, Sequence[int]] | None:
    """Table and rows of samples; None of a stream, and of none."""
    indices = getattr(samples, "indices", None)
    return None if not indices else (samples.table, indices)
