"""What a trained model of columns is asked: rows, files and tables in; answers, a picture or a page out."""

from __future__ import annotations

import dataclasses
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from perceivers.data.listed_files import refuse_column_of_files_beside
from perceivers.data.notation import Asked, Notation
from perceivers.data.numbers import Decimal
from perceivers.data.opening import (
    TABLE_FORMATS,
    find_files,
    is_table,
    open_table_file,
    require_named,
    with_files_of,
)
from perceivers.data.rows import decode_row
from perceivers.data.table_folders import part_of_table
from perceivers.data.tables import FILE_COLUMN, ListTable, Table, require_columns
from perceivers.errors import DataError, absent
from perceivers.tasks.arrays import reads_arrays
from perceivers.tasks.asked_notation import asked_notation
from perceivers.tasks.base import Batch, Parts, Prediction, Task, Unreadable, guarded, located
from perceivers.tasks.columns import Columns, stack_inputs
from perceivers.tasks.inputs import Sample
from perceivers.tasks.missing_columns import lacking_told, of_a_trained_run
from perceivers.tasks.option_advice import OF_ASKING, without_options
from perceivers.tasks.page import show_answers
from perceivers.tasks.row_reader import RowReader, require_asked
from perceivers.tasks.strays import look_through_columns, strays_of, told
from perceivers.tasks.unknown_names import unknown_names_told

if TYPE_CHECKING:
    from torch import Tensor

LABELS, EXACT, VIEWS = "labels", "exact", "views"
# Letters of a row's name in messages.
MOST_NAMED = 200

TaskArguments = TypeVar("TaskArguments")


class AnsweringTask(Task[TaskArguments]):
    """Rows to a model's answers about them. A subclass says how columns are called, and what tables say of a row."""

    #: Rows that a page shows of what is predicted.
    most_shown: int = 200
    #: Whether a row without a value or a target is an error, instead of the one being masked and the other left out.
    needs_all: bool = True
    #: Whether the model takes its inputs by the names of modalities; the page's own models take the only one as it is.
    by_modality: bool = True

    def __init__(self, arguments: TaskArguments | None = None) -> None:
        super().__init__(arguments)
        # Known with the data.
        self.columns = Columns((), {})
        # How tables that are asked about write numbers: as those of the run did.
        self.decimal: Decimal = "point"
        # What is said of those of tables that are not the run's own; None: they write numbers as it does.
        self.asked_decimal: Asked | None = None
        # Whether single cells of them that are no numbers or dates are taken for missing.
        self.takes_strays = True

    @property
    def answers_several(self) -> bool:
        """Whether results name each measure's answer."""
        return len(self.columns.answers) > 1

    def load_model(self, folder: Path) -> Any:
        """The model of a run."""
        from perceivers.models.prediction import PerceiverForPrediction

        return PerceiverForPrediction.from_pretrained(folder)

    def restore(self, folder: Path) -> Parts:
        """Load the model and its columns."""
        self.columns = Columns.from_pretrained(folder)
        model = self.load_model(folder)
        self.columns.require_of(model.config, folder)
        return Parts(model, self.columns)

    def columns_for(self, columns: Columns, names: Sequence[str]) -> Columns:
        """The columns of a trained model as they are called in a table with these names."""
        return columns

    def given(self, batch: Batch) -> dict[str, Any]:
        """What the model takes of a batch, by the names of its arguments."""
        if self.by_modality:
            return {name: batch[name] or None for name in ("inputs", "attention_mask", "pos")}
        ((name, values),) = batch["inputs"].items()
        return {"inputs": values, "attention_mask": batch["attention_mask"].get(name)}

    def collate(self, processor: Columns, samples: Sequence[Sample]) -> Batch:
        """Give `inputs`, `attention_mask` and `pos` by modality, and `labels` and `exact` by answer.

        Samples that are looked at in several views have them one after the other in `inputs`; `views` is their number.
        """
        rows, count = _in_views(processor, samples)
        return {
            **stack_inputs(processor.tensors(rows)),
            LABELS: processor.targets(samples),
            EXACT: processor.exact_targets(samples),
            VIEWS: count,
        }

    def lesser(self, samples: Sequence[Sample]) -> list[list[Sample]]:
        """See Task: an input is absent, where a row may lack one, or shorter; one input at a time.

        What is shorter comes beside others, and alone: a batch is as long as the longest in it.
        """
        first, *rest = samples
        found = []
        for place, each in enumerate(self.columns.inputs):
            value = first.values[place]
            lesser = (
                [] if value is None else [first.with_value(place, own) for own in each.kind.lesser(value)]
            )
            absent = [] if self.needs_all else [first.with_value(place, None)]
            found += [[other, *rest] for other in (*absent, *lesser)]
            found += [[other] for other in lesser]
        return found

    def answers_of(self, output: Any, views: int) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
        """What is trained and what is answered, by answer: what each query says, and the mean over queries and views."""
        (only, *others) = self.columns.answers
        scores = output.logits if others or isinstance(output.logits, Mapping) else {only: output.logits}
        if views > 1:
            scores = {
                name: self.columns.answers[name].mean_of_views(some.reshape(-1, views, *some.shape[1:]))
                for name, some in scores.items()
            }
            return scores, scores
        return getattr(output, "query_logits", None) or scores, scores

    def predict(
        self, parts: Parts, inputs: Sequence[str], left_out: list[Unreadable] | None = None
    ) -> list[Prediction]:
        """Answer for every row of the tables, and every file, among `inputs`; see `rows_of`."""
        found = []
        asked: deque[tuple[str, int | None]] = deque()

        def rows() -> Iterator[tuple[str, Mapping[str, Any], Any]]:
            for index, (name, row, table) in self._numbered_rows(inputs, left_out):
                numbered = name == Table.name(table, index)
                asked.append((table.source, index + 1) if numbered else (name, None))
                yield name, row, table

        for each in self.answer(parts, rows()):
            place = asked.popleft()
            if not isinstance(each, DataError):
                found.append(each)
            elif left_out is None:
                raise each
            else:
                left_out.append(Unreadable(*place, str(each)))
        return found

    def answer(
        self,
        parts: Parts,
        rows: Iterable[tuple[str, Mapping[str, Any] | DataError, Any]],
        *,
        prepared: Any = None,
        shows: bool = True,
    ) -> Iterator[Prediction | DataError]:
        """Answer for rows, in order, in the exact fast form; a row that cannot be read gives its error.

        Args:
            parts: a trained model and its columns.
            rows: what each is called, its cells or why they cannot be read, and its table.
            prepared: the model's fast form, where it is at hand.
            shows: keep what pictures and pages need of the first rows.
        """
        prepared, rows = parts.fast_form() if prepared is None else prepared, iter(rows)
        num_shown = self._num_shown() if shows and not reads_arrays(prepared) else 0
        at_once, last = _at_once(parts.processor), None
        while chunk := list(islice(rows, at_once)):
            read = [self._read(parts.processor, *each) for each in chunk]
            samples = [each for each in read if isinstance(each, Sample)]
            described = iter(self._describe(parts, prepared, samples) if samples else ())
            for (name, row, table), each in zip(chunk, read, strict=True):
                if isinstance(each, DataError):
                    yield each
                    continue
                # A row without an error is one.
                assert not isinstance(row, DataError)
                said = next(described)
                answers = {
                    own: said[own] for own, asked in parts.processor.answers.items() if asked.asks(row)
                }
                shown = self.shown_of(parts, each, list(answers)) if num_shown > 0 else {}
                num_shown -= 1
                notes = tuple(table.notes) if table is not last else ()
                last = table
                # In its own words: what it lists by ids is read by their paths.
                written = table.as_called(row) if isinstance(table, Table) else row
                yield Prediction(name, self.columns_of(written, answers), shown, answers, notes)

    def values(
        self, parts: Parts, rows: Iterable[tuple[str, Mapping[str, Any], Any]], prepared: Any
    ) -> dict[str, Tensor]:
        """What each answer says of all rows, as numbers: see `perceivers.answers.base.Answer.values`.

        Args:
            parts: a trained model and its columns.
            rows: see `answer`; at least one.
            prepared: the model's fast form.

        Raises:
            DataError: a row cannot be read.
        """
        import torch

        rows, found = iter(rows), []
        while chunk := list(islice(rows, _at_once(parts.processor))):
            read = [self._read(parts.processor, *each) for each in chunk]
            if error := next((each for each in read if isinstance(each, DataError)), None):
                raise error
            found.append(self._scores(parts, prepared, read))  # type: ignore[arg-type]
        # Values are of one width, scores of entities as wide as the largest set of theirs.
        return {
            name: torch.cat([answer.values(each[name]) for each in found])
            for name, answer in parts.processor.answers.items()
        }

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Draw the values of a kind that has a picture, with their answers; write a page of all others."""
        return show_answers(predictions, self.columns, folder, self.answers_several)

    def columns_of(self, row: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """What the tables of predictions say of a row: its only answer."""
        return dict(next(iter(answers.values())))

    def truths_given(self, table: Table) -> list[str]:
        """A line where what tables of predictions say under a target's name is not the answer, but what was given."""
        return []

    def rows_of(self, inputs: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
        """Name, cells and table of every row of tables, and of every file in what else is named.

        Raises:
            DataError: there is no such file.
        """
        return (row for _, row in self._numbered_rows(inputs, None))

    def files_of(self, given: str) -> list[str]:
        """An input of the command as several, each of which can be read where another cannot."""
        return [given]

    def tables_of(self, given: str) -> Iterator[Table]:
        """An input of the command as tables with a row a sample."""
        require_named(given)
        path = Path(given)
        if self.is_table(path):
            table = open_table_file(path)
            assert isinstance(table, Table)
            # As it was trained on: names of files beside the table may stand for them.
            endings = self._endings
            is_alone = len(self.columns.inputs) == 1
            listed = with_files_of(
                table, path.parent, endings if is_alone else (), endings, part_of_table(path)
            )
            assert isinstance(listed, Table)
            self.refuse_files_beside(listed, self.columns_for(self.columns, listed.columns))
            yield self.to_be_asked(listed)
            return
        only = self.columns.inputs[0]
        if len(self.columns.inputs) > 1 or not only.kind.suffixes:
            raise DataError(
                f"`inputs` must be tables ({', '.join(TABLE_FORMATS)}), received {given!r}"
                + ("" if path.exists() else f", which {absent(path)}")
            )
        notes: list[str] = []
        files = [str(file) for file in find_files([given], only.kind.suffixes, only.kind.name, notes)]
        column = only.columns[0] if len(only.columns) == 1 else FILE_COLUMN
        found = ListTable([{column: file} for file in files], given, files)
        found.notes = notes
        yield found

    def refuse_files_beside(self, table: Table, columns: Columns) -> None:
        """Raise DataError where a column that is read as files names those of a folder beside that of the table."""
        for each in columns.inputs:
            for column in each.columns:
                if each.kind.suffixes and column in table.columns:
                    refuse_column_of_files_beside(table, column, each.kind.suffixes)

    def to_be_asked(self, table: Table) -> Table:
        """A table that is asked about, with a note of the columns that it lacks.

        Raises:
            DataError: it lacks a column, where all are needed; or all columns, so that there is nothing to answer from.
        """
        notation = self.notation_of_asked(table)
        table.decimal = notation.decimal
        wanted = self.columns_for(self.columns, table.columns).columns_read
        if self.needs_all:
            with of_a_trained_run():
                require_columns(table, *wanted)
        table.notes = [*table.notes, *lacking_told(table, wanted)]
        if self.takes_strays:
            read = dataclasses.replace(self.columns_for(self.columns, table.columns), answers={})
            looked = look_through_columns(table, read)
            table.as_missing = strays_of(looked)
            table.warnings = told(table, looked)
        told_of_numbers = [f"`{table.source}`: {notation.note}"] if notation.note else []
        table.warnings = [*told_of_numbers, *table.warnings, *unknown_names_told(table, self.columns)]
        table.notes = [*table.notes, *table.warnings]
        return table

    def notation_of_asked(self, table: Table) -> Notation:
        """How a table that is asked about writes numbers."""
        columns = dataclasses.replace(self.columns_for(self.columns, table.columns), answers={})
        return asked_notation(table, columns, self.asked_decimal or self.decimal, self.decimal)

    def is_table(self, path: Path) -> bool:
        """Whether an input of the command is a table with a row a sample."""
        # A text may be asked about, too; one that is too long for a name of a file is none.
        return is_table(path) and os.path.isfile(path)

    def holds_rows(self, path: Path) -> bool:
        """Whether a file that is given as a value holds several: one of steps, or of points, is a value itself."""
        return path.suffix.lower() not in self._endings and self.is_table(path)

    @property
    def _endings(self) -> tuple[str, ...]:
        """Of all files that values of the columns may be."""
        return tuple(dict.fromkeys(suffix for each in self.columns.inputs for suffix in each.kind.suffixes))

    def gathered(self, table: Table) -> Table:
        """A table with a row a sample, of one that has it in another form."""
        return table

    def shown_of(self, parts: Parts, sample: Sample, answers: Sequence[str]) -> dict[str, Any]:
        """What pictures and pages need of a sample: `inputs`, and what the first of its answers looked at."""
        return {"inputs": self.looked_at(parts, sample, answers[0])}

    def looked_at(self, parts: Parts, sample: Sample, answer: str | None = None) -> dict[str, Any]:
        """What is kept of a sample to be drawn: each input's value with the attention of an answer over it; of the first."""
        import torch

        from perceivers.tasks.attention import attention_of_answer

        one = self._one_view(parts, sample)
        batch = self._on(parts.model.device, self._unlabelled(parts.processor, [one]))
        query = self._query_of(parts.processor, answer)
        with torch.no_grad():
            weights, grids = attention_of_answer(parts.model, batch["inputs"], self.given(batch), query)
        # Columns that are a token each are told beside each other: 1 is the weight of the one that was looked at most.
        light = [
            full
            for each in parts.processor.inputs
            if each.kind.is_light
            for full in each.modality_names.values()
        ]
        heaviest = max((float(weights[full].max()) for full in light if full in weights), default=0.0) or 1.0
        weights.update({full: weights[full] / heaviest for full in light if full in weights})
        values = {}
        for each, value in zip(parts.processor.inputs, sample.values, strict=True):
            own = each.modality_names
            values[each.name] = each.kind.show(
                value,
                {name: weights[full] for name, full in own.items() if full in weights},
                {name: grids[full] for name, full in own.items() if full in grids},
            )
        return values

    def _numbered_rows(
        self, inputs: Sequence[str], left_out: list[Unreadable] | None
    ) -> Iterator[tuple[int, tuple[str, Mapping[str, Any], Any]]]:
        """What `rows_of` gives, with each row's number in its table, from 0."""
        for given in inputs:
            for file in guarded(given, self._files(given), left_out):
                for table in guarded(file, self.tables_of(file), left_out):
                    for line in table.left_out:
                        if left_out is None:
                            raise DataError(line)
                        left_out.append(located(line))
                    for index in range(len(table)):
                        for row in guarded(table.source, _row(table, index), left_out, index + 1):
                            yield index, (table.name(index), row, table)

    def _files(self, given: str) -> Iterator[str]:
        yield from self.files_of(given)

    def _num_shown(self) -> int:
        (first, *others) = self.columns.inputs
        return self.most_shown if others or first.kind.card is None else first.kind.card.most

    def _read(
        self, columns: Columns, name: str, row: Mapping[str, Any] | DataError, table: Any
    ) -> Sample | DataError:
        if isinstance(row, DataError):
            return row
        own = dataclasses.replace(self.columns_for(columns, tuple(row)), answers={})
        # A text that was typed is its own name.
        named = name[:MOST_NAMED]
        try:
            require_asked(row, columns)
            sample: Sample = decode_row(RowReader(own, self.needs_all), table, row, named)
        except DataError as error:
            said = without_options(str(error), OF_ASKING)
            return DataError(said if named in said else f"`{named}` {said}")
        return sample

    def _describe(
        self, parts: Parts, prepared: Any, samples: Sequence[Sample]
    ) -> Iterator[dict[str, dict[str, Any]]]:
        """What each answer says of each sample."""
        scores = self._scores(parts, prepared, samples)
        said = {name: answer.describe(scores[name]) for name, answer in parts.processor.answers.items()}
        return ({name: rows[index] for name, rows in said.items()} for index in range(len(samples)))

    def _scores(self, parts: Parts, prepared: Any, samples: Sequence[Sample]) -> dict[str, Tensor]:
        """Each answer's scores, float32 [samples, ...]."""
        if reads_arrays(prepared):
            rows, count = _in_views(parts.processor, samples)
            given = self.given(stack_inputs(parts.processor.arrays(rows)))
            return dict(self.answers_of(prepared(**given), count)[1])
        import torch

        batch = self._on(parts.model.device, self._unlabelled(parts.processor, samples))
        with torch.no_grad():
            _, scores = self.answers_of(prepared(**self.given(batch)), batch[VIEWS])
        return {name: each.float() for name, each in scores.items()}

    def _unlabelled(self, columns: Columns, samples: Sequence[Sample]) -> Batch:
        return self.collate(dataclasses.replace(columns, answers={}), samples)

    def _query_of(self, columns: Columns, answer: str | None) -> int:
        """Number of an answer's first query; models have answers in the order of their names."""
        names = sorted(columns.answers)
        before = names[: names.index(answer or next(iter(columns.answers)))]
        return sum(columns.answers[name].num_queries for name in before)

    def _one_view(self, parts: Parts, sample: Sample) -> Sample:
        views = parts.processor.views(sample)
        return views[len(views) // 2]

    def _on(self, device: Any, batch: Batch) -> Batch:
        return {
            name: {key: tensor.to(device) for key, tensor in value.items()}
            if isinstance(value, dict)
            else value
            for name, value in batch.items()
        }


def _in_views(columns: Columns, samples: Sequence[Sample]) -> tuple[list[Any], int]:
    """Values of all views of each sample, one after the other, and how many a sample has."""
    views = [columns.views(sample) for sample in samples]
    count = max(map(len, views))
    return [own[index % len(own)].values for own in views for index in range(count)], count


def _row(table: Table, index: int) -> Iterator[Mapping[str, Any]]:
    """A row alone, read when it is asked for."""
    yield table[index]


def _at_once(columns: Columns) -> int:
    """Rows that lie in memory together when a trained model answers."""
    return min(each.kind.answered_at_once for each in columns.inputs)
