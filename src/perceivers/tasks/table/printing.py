"""What each column was taken for, as a table for people."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from perceivers.tasks.table.plan import TablePlan


def plan_as_table(plan: TablePlan) -> Table:
    """One line a column: what it is, what it holds, how much is missing. Nothing in it is taken for markup."""
    table = Table(title="columns", title_justify="left")
    table.add_column("column", overflow="fold")
    for heading in ("role", "kind"):
        table.add_column(heading, no_wrap=True)
    for heading in ("missing", "distinct"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("example", overflow="fold")
    table.add_column("note", overflow="fold")
    for each in plan.columns:
        cells = (
            each.name,
            each.role,
            each.kind,
            f"{each.missing:.1%}" if each.missing else "",
            "" if each.distinct is None else f"{each.distinct:,}",
            each.example,
            each.note,
        )
        table.add_row(*map(Text, cells))
    return table
