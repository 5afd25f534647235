"""Tables: any columns in; classes, labels and numbers out, several at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from perceivers.arguments import DataArguments
from perceivers.data.opening import Tables, open_tables
from perceivers.data.splits import Splits
from perceivers.tasks.column_task import ColumnTask
from perceivers.tasks.columns import Columns
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.plan import TablePlan, plan_table
from perceivers.tasks.table.printing import plan_as_table


class TableTask(ColumnTask[TableArguments]):
    """Rows of pictures, texts, sounds, numbers, categories and dates, of any number of columns."""

    name: ClassVar[str] = "table"
    arguments_class: ClassVar[type[Any]] = TableArguments
    needs_all = False

    #: What each column was taken for; known with the training data.
    table_plan: TablePlan | None = None

    @property
    def groups(self) -> str | None:
        """See ColumnTask."""
        return self.arguments.group_column

    def open(self, arguments: DataArguments) -> Tables:
        """See ColumnTask."""
        return open_tables(arguments, ())

    def choose(self, tables: Tables) -> Columns:
        """See ColumnTask."""
        self.table_plan = plan_table(tables["train"], self.arguments)
        return self.table_plan.chosen

    def plan(self, splits: Splits) -> list[Any]:
        """What each column was taken for, and how many rows have no target."""
        assert self.table_plan is not None
        lines: list[Any] = [plan_as_table(self.table_plan)]
        if self.num_left_out:
            lines.append(f"{self.num_left_out:,} rows without any target are left out")
        return lines

    def columns_of(self, row: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """The row's own cells, and beside them each target's answer, and its probability or interval."""
        values = {
            name: cell for name, cell in row.items() if isinstance(cell, str | int | float | bool | None)
        }
        for name, said in answers.items():
            column = self.columns.answers[name].column
            (_, answer), *others = said.items()
            values[f"{column}_answer" if column in row else column] = answer
            values.update((f"{column}_{key}", value) for key, value in others)
        return values
