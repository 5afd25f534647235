"""What each column was taken for, as a table for people; and what a run would choose for them, in words."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from perceivers.kinds.base import counted
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input
from perceivers.tasks.table.plan import TablePlan
from perceivers.tasks.table.sizing import advice_for


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


def choices_in_words(plan: TablePlan, columns: Columns, num_rows: int) -> list[str]:
    """What `train table` would choose: what it gives the model of each input, the network, the loop.

    Args:
        plan: of the table.
        columns: its inputs and answers, with what is learned of them.
        num_rows: that would be trained on.
    """
    advice = advice_for(columns, num_rows, starts_linear=plan.arguments.linear_start)
    chosen = plan.arguments
    beside = " beside a linear model, from which it starts" if chosen.linear_start else ""
    return [
        *(f"{', '.join(each.columns)}: {_in_words(each)}" for each in columns.inputs),
        f"`perceivers train table` would choose: {chosen.num_latents} latents of {chosen.latent_channels} channels{beside}, "
        f"{counted(chosen.num_layers, 'layer')}; {counted(advice.epochs or 1, 'pass', 'passes')}, "
        f"{counted(advice.batch_size or 1, 'row')} a step, learning rate {advice.learning_rate:g}",
    ]


def _in_words(each: Input) -> str:
    """What the model is given of an input, and what was learned of it."""
    return "; ".join(filter(None, (each.kind.described(), each.said(each.kind.learned()))))
