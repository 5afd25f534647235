"""The task `table` on tables that Python holds."""

from __future__ import annotations

from perceivers.arguments import DataArguments
from perceivers.data.opening import Tables
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.task import TableTask


class GivenTableTask(TableTask):
    """The task `table` on tables that are at hand.

    Args:
        arguments: see TableTask.
        tables: by part; None opens what the data arguments name.
    """

    def __init__(self, arguments: TableArguments | None = None, tables: Tables | None = None) -> None:
        super().__init__(arguments)
        self._tables = tables

    def open(self, arguments: DataArguments) -> Tables:
        """See ColumnTask."""
        return super().open(arguments) if self._tables is None else self._tables
