"""Tasks that answer one column from another: a kind of data in, a class or labels out."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from perceivers.answers.base import Answer
from perceivers.answers.one_class import OneClass
from perceivers.answers.several_labels import SeveralLabels
from perceivers.arguments import DataArguments, RunArguments
from perceivers.arguments.advice import Advice
from perceivers.data.opening import Tables, open_tables
from perceivers.data.splits import Splits
from perceivers.data.tables import StreamTable, Table, require_columns
from perceivers.kinds.base import Kind, is_empty
from perceivers.tasks.answering import LABELS
from perceivers.tasks.base import Batch
from perceivers.tasks.choosing import count_of, options_of, with_inputs, with_network
from perceivers.tasks.column_task import ColumnTask
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input
from perceivers.tasks.label_arguments import LabelArguments

ANSWER = "label"

TaskArguments = TypeVar("TaskArguments")


class OneColumnTask(ColumnTask[TaskArguments]):
    """One column in, one out, in a folder for each class or a table. A subclass names the kind and the columns."""

    kind_class: ClassVar[type[Kind]]
    """What is read."""
    input_name: ClassVar[str | None] = None
    """What the model calls it; None: by the kind's name, "": as the kind calls its modalities."""

    column_option: ClassVar[str | None] = None
    """The argument that names the input's column, where it may be left open; None: the one that has its name as value."""

    @abstractmethod
    def names_of_input(self) -> tuple[str, ...]:
        """Columns that the input may stand in: the first of them that a table has is read."""

    def untaught_answer(self) -> Answer:
        """What is asked for, before it has seen the training cells: one class, or several labels where they are chosen."""
        chosen: Any = self.arguments
        if isinstance(chosen, LabelArguments) and chosen.answer == "several-labels":
            return SeveralLabels(chosen.label_column, separator=chosen.label_separator)
        return OneClass(chosen.label_column)

    def averaged_in_pairs(self, batch: Batch, alpha: float) -> Batch:
        """A training batch with the values of its only modality averaged in pairs, see `perceivers.kinds.mixing`.

        Args:
            batch: with class ids [batch], or labels [batch, num_classes].
            alpha: of the shares; 0 leaves the batch as it is.

        Returns:
            Values of the same shape, and targets [batch, num_classes].
        """
        if not alpha:
            return batch
        from perceivers.kinds.mixing import mixed_in_pairs

        ((name, values),) = batch["inputs"].items()
        num_classes = self.columns.answers[ANSWER].description.num_outputs
        values, targets = mixed_in_pairs(values, batch[LABELS][ANSWER], num_classes=num_classes, alpha=alpha)
        return {**batch, "inputs": {name: values}, LABELS: {ANSWER: targets}}

    def open(self, arguments: DataArguments) -> Tables:
        """See ColumnTask."""
        return open_tables(arguments, self.kind_class.suffixes)

    def choose(self, tables: Tables) -> Columns:
        """See ColumnTask."""
        answer = self.untaught_answer()
        # A stream cannot be looked through beforehand; its test part must have all the classes.
        train = tables["train"]
        labelled = next((table for table in (train, *tables.values()) if isinstance(table, Table)), train)
        require_columns(labelled, answer.column)
        cells = [cell for cell in labelled.column(answer.column) if not is_empty(cell)]
        column = self._column(train.columns)
        require_columns(train, column, option=self.column_option)
        self.arguments = self.reading(train, column)
        kind: Kind = self.kind_class(options_of(self.kind_class, self.arguments))
        name = kind.name if self.input_name is None else self.input_name
        return Columns((Input(name, (column,), kind),), {ANSWER: answer.settle(cells, labelled.source)})

    def reading(self, train: Table | StreamTable, column: str) -> TaskArguments:
        """The arguments with all of how samples are read: what was left open is chosen from the training cells."""
        return with_inputs(
            self.arguments,
            self.name,
            self.kind_class,
            table=train,
            column=column,
            num_rows=count_of(train),
            start=self.start,
        )

    def advise(self, splits: Splits, run: RunArguments) -> Advice:
        """See Task; what was left open of the network is chosen, too."""
        (only,), (answer,) = self.columns.inputs, self.columns.answers.values()
        self.arguments, advice = with_network(
            self.arguments,
            only.kind,
            run=run,
            num_rows=count_of(splits.train),
            num_classes=len(answer.names) if isinstance(answer, OneClass) else None,
        )
        return advice

    def columns_for(self, columns: Columns, names: Sequence[str]) -> Columns:
        """See ColumnTask."""
        (only,) = columns.inputs
        found = dataclasses.replace(only, columns=(self._column(names),))
        return dataclasses.replace(columns, inputs=(found,))

    def _column(self, names: Sequence[str]) -> str:
        wanted = self.names_of_input()
        return next((name for name in wanted if name in names), wanted[0])
