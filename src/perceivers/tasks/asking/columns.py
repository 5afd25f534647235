"""Questions to a model that reads columns: a field a column, an answer a target, and what the first answer looked at."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perceivers.answers.said import Said
from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.kinds.asked import Extent, Field, Media
from perceivers.kinds.base import Kind, is_empty
from perceivers.tasks.asking.base import QUESTION, Asking, Example, Own
from perceivers.tasks.base import Prediction
from perceivers.tasks.page import input_html


class ColumnAsking(Asking):
    """See Asking; `task` is a ColumnTask."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """See Asking; in the order in which the kinds are read. The only one is needed: without it nothing is asked."""
        found = [field for each in self.parts.processor.inputs for field in each.kind.fields(each.columns)]
        needed = len(found) == 1 or bool(self.task.needs_all)  # type: ignore[attr-defined]
        return tuple(dataclasses.replace(field, needed=needed) for field in found)

    def read_and_answer(
        self, rows: Sequence[Mapping[str, Any]], folder: Path, *, shows: bool
    ) -> list[Prediction | DataError]:
        """See Asking."""
        task: Any = self.task
        read = [self._row(row, folder) for row in rows]
        readable = (each for each in read if not isinstance(each, DataError))
        answered = task.answer(self.parts, readable, prepared=self.prepared, shows=shows)
        return [each if isinstance(each, DataError) else next(answered) for each in read]

    def said(self, prediction: Prediction) -> list[Said]:
        """See Asking."""
        asked = self.parts.processor.answers
        return [asked[name].in_words(said) for name, said in prediction.answers.items()]

    def html(self, prediction: Prediction) -> str:
        """See Asking; each value, and the attention of the first answer over it."""
        shown = prediction.shown
        while shown and "inputs" not in shown:
            # Of several tasks, each has what it looked at; here it is that of the first.
            shown = next(iter(next(iter(shown.values())).values()))
        if not shown:
            return ""
        inputs = self.parts.processor.inputs
        return "\n".join(
            input_html(each, shown["inputs"][each.name], alone=len(inputs) == 1) for each in inputs
        )

    def example(self, samples: Any, index: int) -> Example:
        """See Asking."""
        table = samples.table
        row = table[samples.indices[index]]
        cells: dict[str, Any] = {}
        for own, other in zip(self.parts.processor.inputs, samples.decode.columns.inputs, strict=True):
            for column, name in zip(own.columns, other.columns, strict=True):
                cell = row.get(name)
                if is_empty(cell):
                    continue
                asked = self._field(column)
                cells[column] = (
                    Own(cell, row, table)
                    if asked.form == "file"
                    else _inside(own.kind.typed(cell, name, table), asked)
                )
        answers = self.parts.processor.answers.values()
        truth = {
            answer.title: _in_words(row[answer.column])
            for answer in answers
            if answer.asks(row) and not is_empty(row.get(answer.column))
        }
        return Example(samples.name(index), cells, truth)

    def extent(self, column: str, content: bytes, most_seconds: float) -> Extent:
        """See Asking."""
        return self._kind(column).extent(content, most_seconds)

    def media(self, column: str, cell: Any) -> Media | None:
        """See Asking."""
        kind = self._kind(column)
        try:
            value = kind.read({**cell.row, column: cell.value}, (column,), cell.table)
        except DataError:
            # Asking about it says why.
            return None
        return None if value is None else kind.media(value)

    def _row(self, cells: Mapping[str, Any], folder: Path) -> tuple[str, dict[str, Any], Any] | DataError:
        """Name, cells and table of a question; a cell of the data comes with what stands beside it in its row."""
        table: Any = None
        beside: dict[str, Any] = {}
        row: dict[str, Any] = dict.fromkeys(self.parts.processor.columns_read)
        asked = self.parts.processor.columns_asked
        for column, cell in cells.items():
            if isinstance(cell, Own):
                row[column], table = cell.value, cell.table
                beside.update(cell.row)
                continue
            try:
                row[column] = _plain(self._kind(column).content(cell, folder), self._field(column))
            except DataError as error:
                return DataError(f"in the column {column!r}: {error}")
        unused = {name: cell for name, cell in beside.items() if name not in row and name not in asked}
        row = {**row, **unused}
        if table is None:
            table = ListTable([row], QUESTION)
            table.decimal = self.task.decimal  # type: ignore[attr-defined]
        return QUESTION, row, table

    def _field(self, column: str) -> Field:
        return next(each for each in self.fields if each.column == column)

    def _kind(self, column: str) -> Kind:
        return next(each.kind for each in self.parts.processor.inputs if column in each.columns)


def _plain(cell: Any, asked: Field) -> Any:
    """A number that was typed as one; browsers write a point, whatever the run's tables do.

    Raises:
        DataError: it is infinite. Of a table that is taken for the largest number, and told; nobody would be told here.
    """
    if asked.form != "number":
        return cell
    number = cell
    if isinstance(cell, str):
        try:
            number = float(cell)
        except ValueError:
            return cell
    if isinstance(number, float) and math.isinf(number):
        raise DataError(f"expected a finite number, received {cell!r:.80}; {_bound(asked, number)}")
    return number


def _bound(asked: Field, number: float) -> str:
    bound, which = (asked.high, "largest") if number > 0 else (asked.low, "smallest")
    return f"the {which} that the run was trained on is {bound:g}" if bound is not None else "give one"


def _inside(cell: Any, asked: Field) -> Any:
    """A cell of the data; an infinite number as what the model takes it for."""
    if not isinstance(cell, float) or not math.isinf(cell):
        return cell
    bound = asked.high if cell > 0 else asked.low
    return cell if bound is None else bound


def _in_words(cell: Any) -> str:
    """A true answer; a whole number without its point."""
    return f"{cell:g}" if isinstance(cell, float) else str(cell)
