"""Tables: any columns in; classes, labels, numbers and selected entities out, several at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal

from perceivers.arguments import DataArguments, RunArguments
from perceivers.arguments.advice import Advice
from perceivers.arguments.open import USUAL_SIZE, filled
from perceivers.configuration import PerceiverConfig
from perceivers.data.opening import Tables
from perceivers.data.rows import RowSamples, StreamSamples
from perceivers.data.some_cells import SomeCells
from perceivers.data.splits import Samples, Splits
from perceivers.data.tables import StreamTable, Table
from perceivers.errors import ConfigurationError
from perceivers.kinds.base import is_empty
from perceivers.kinds.series.archives import archive_table, has_own_form
from perceivers.tasks.base import Parts, Prediction, Unreadable
from perceivers.tasks.choosing import for_length
from perceivers.tasks.column_task import ColumnTask
from perceivers.tasks.columns import Columns
from perceivers.tasks.looking import some_samples
from perceivers.tasks.sizes import values_of_size
from perceivers.tasks.sizing import narrowed
from perceivers.tasks.strays import LookedThrough, told
from perceivers.tasks.table.guesses import SMALL
from perceivers.tasks.table.number_texts import number_texts
from perceivers.tasks.table.opening import open_any
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.plan import TablePlan, plan_table, wishes_of
from perceivers.tasks.table.sizing import advice_for

# Linear models are fitted to at most so many rows.
MOST_ROWS = 20_000


class TableTask(ColumnTask[TableArguments]):
    """Rows of pictures, texts, sounds, numbers, categories and dates, of any number of columns."""

    name: ClassVar[str] = "table"
    arguments_class: ClassVar[type[Any]] = TableArguments
    needs_all = False

    #: What each column was taken for; known with the training data.
    table_plan: TablePlan | None = None

    @property
    def best_by(self) -> tuple[str, Literal["higher", "lower"]]:
        """The loss: of few rows, it tells more than how many answers are right."""
        return "loss", "lower"

    def open(self, arguments: DataArguments) -> Tables:
        """See ColumnTask."""
        return open_any(arguments)

    def tables_of(self, given: str) -> Iterator[Table]:
        """See ColumnTask; an archive of series is a table, for a run that learned from series."""
        path = Path(given)
        if (
            path.is_file()
            and has_own_form(path)
            and any(each.kind.name == "series" for each in self.columns.inputs)
        ):
            yield self.to_be_asked(archive_table(path, takes_numbers=True))
        else:
            yield from super().tables_of(given)

    def number_texts(self, train: Table | StreamTable) -> Sequence[SomeCells]:
        """See ColumnTask."""
        return number_texts(train, wishes_of(train, self.arguments, group_column=self.group_column))

    def choose(self, tables: Tables) -> Columns:
        """See ColumnTask; what was left open of the network is chosen from the rows."""
        self.arguments = filled(self.arguments, values_of_size(self.name, self.arguments.size))
        self.table_plan = plan_table(
            tables["train"],
            self.arguments,
            group_column=self.group_column,
            takes_strays=self.takes_strays,
        )
        self.arguments = self.table_plan.arguments
        return self.table_plan.chosen

    def looked_through(
        self, part: str, table: Table | StreamTable, arguments: DataArguments
    ) -> Mapping[str, LookedThrough]:
        """See ColumnTask; the training table was looked through while its columns were chosen."""
        if part == "train" and self.table_plan is not None:
            # The plan's table of columns says so.
            self.told_elsewhere = frozenset(told(table, self.table_plan.looked))
            return self.table_plan.looked
        return super().looked_through(part, table, arguments)

    def advise(self, splits: Splits, run: RunArguments) -> Advice:
        """See Task."""
        if not isinstance(splits.train, RowSamples) or self.arguments.size == USUAL_SIZE:
            return Advice()
        num_rows = len(splits.train)
        advice = advice_for(self.columns, num_rows, starts_linear=self.arguments.linear_start)
        return for_length(narrowed(advice, self.arguments.latent_channels), run, num_rows)

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """See ColumnTask; a model that starts anew may start as linear models."""
        parts = super().build(splits, start)
        if self.arguments.linear_start and start is None:
            self._start_linear(parts.model, splits.train)
        return parts

    def _start_linear(self, model: Any, train: Samples | StreamSamples) -> None:
        from perceivers.tasks.table.linear_start import start_as_linear_models

        bent = [each for each in self.columns.inputs if not each.kind.is_linear]
        if bent or any(answer.selects for answer in self.columns.answers.values()):
            received = ", ".join(f"{'/'.join(each.columns)} ({each.kind.name})" for each in bent)
            raise ConfigurationError(
                "`linear_start` needs columns of numbers (not as waves alone), dates, categories, texts (not as bytes) "
                "and series (not step by step), and targets that are classes, labels and numbers, received "
                f"{received or 'members of a set'}"
            )
        samples = list(some_samples(train, MOST_ROWS))
        start_as_linear_models(model, self.columns, samples, seed=0)

    def plan(self, splits: Splits) -> list[Any]:
        """What each column was taken for, and what else is to be known of the rows."""
        from perceivers.tasks.table.printing import plan_as_table

        assert self.table_plan is not None
        return [plan_as_table(self.table_plan), *super().plan(splits)]

    def truths_given(self, table: Table) -> list[str]:
        """See AnsweringTask."""
        names = dict.fromkeys(answer.column for answer in self.columns.answers.values())
        given = [
            name for name in names if name in table.columns and not all(map(is_empty, table.column(name)))
        ]
        return [
            f"`{table.source}` holds the column {name!r}, which is answered: of each row {name!r} is what was given, and "
            f"{_answer_of(name)!r} the answer"
            for name in given
        ]

    def predict(
        self, parts: Parts, inputs: Sequence[str], left_out: list[Unreadable] | None = None
    ) -> list[Prediction]:
        """See AnsweringTask; an answer is called alike in all rows, where one table among others has its column, too."""
        found = super().predict(parts, inputs, left_out)
        for column in dict.fromkeys(answer.column for answer in self.columns.answers.values()):
            name = _answer_of(column)
            if any(name in each.values for each in found):
                found = [
                    each if name in each.values else replace(each, values=_renamed(each.values, column, name))
                    for each in found
                ]
        return found

    def columns_of(self, row: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """The row's own cells, and beside them each target's answer, and its probability or interval."""
        values = {
            name: str(cell) if isinstance(cell, date | time | timedelta) else cell
            for name, cell in row.items()
            if isinstance(cell, SMALL | None)
        }
        for name, said in answers.items():
            column = self.columns.answers[name].column
            (_, answer), *others = said.items()
            values[_answer_of(column) if column in row else column] = answer
            values.update((f"{column}_{key}", value) for key, value in others)
        return values


def _renamed(values: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    return {new if name == old else name: value for name, value in values.items()}


def _answer_of(column: str) -> str:
    """What the answer is called beside the column that was given."""
    return f"{column}_answer"
