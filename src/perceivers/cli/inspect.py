"""`perceivers inspect DATA`: what the columns of a table would be taken for, without training."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

# As `perceivers train` has them: one or more behind one name.
Names = Annotated[tuple[str, ...], Parameter(negative="", consume_multiple=True)]


def inspect(
    data: str,
    /,
    *,
    target: Names = (),
    column: Names = (),
    column_options: Names = (),
    ignore: Names = (),
    group_column: str | None = None,
    decimal: Literal["auto", "point", "comma", "grouped"] = "auto",
) -> None:
    """Print the columns of a table: kind, gaps, different values, an example, what is left out; and what would be chosen.

    Args:
        data: bundled name, folder or table.
        target: columns that are to be answered, see `perceivers train table --help`. Names go on up to the next option: DATA
            stands before them.
        column: NAME=KIND, what a column holds where the guess is wrong.
        column_options: NAME:OPTION=VALUE, an option of a column's kind, see `perceivers train table --help`.
        ignore: columns that are not to be read.
        group_column: column whose equal values stay in one part.
        decimal: how numbers are written, see `perceivers train table --help`.
    """
    from rich.console import Console

    from perceivers.arguments import DataArguments
    from perceivers.data.notation import settle_notation
    from perceivers.data.opening import notes_of
    from perceivers.data.tables import Table
    from perceivers.kinds.registry import KINDS
    from perceivers.tasks.table.learned import learned_before
    from perceivers.tasks.table.number_texts import number_texts
    from perceivers.tasks.table.opening import open_any
    from perceivers.tasks.table.options import TableArguments
    from perceivers.tasks.table.plan import plan_table, wishes_of
    from perceivers.tasks.table.printing import choices_in_words, plan_as_table

    arguments = TableArguments(target=target, column=column, column_options=column_options, ignore=ignore)
    console = Console()
    tables = open_any(DataArguments(data=data))
    wishes = wishes_of(tables["train"], arguments, group_column=group_column, needs_target=False)
    notation = settle_notation(tables, decimal, lambda train: number_texts(train, wishes))
    plan = plan_table(tables["train"], arguments, group_column=group_column, needs_target=False)
    console.print(plan_as_table(plan))
    counts = {part: len(table) for part, table in tables.items() if isinstance(table, Table)}
    rows = ", ".join(f"{part} {count:,}" for part, count in counts.items())
    if list(counts) == ["train"]:
        rows = f"{counts['train']:,}, of which training holds out some to validate and to test"
    train, notes, choices = tables["train"], [], []
    if isinstance(train, Table):
        columns = learned_before(plan.chosen, train)
        notes = [note for each in columns.inputs for note in each.notes()]
        choices = choices_in_words(plan, columns, counts["train"])
    notes = [*notes_of(tables), *filter(None, [notation.note]), *notes]
    for line in (*dict.fromkeys(notes), f"rows: {rows}", *choices, f"kinds: {', '.join(KINDS)}"):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
