"""Text classification: a text or two in; one class, several labels or a number out, for one task or several at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from perceivers.answers.base import Answer
from perceivers.answers.one_class import OneClass
from perceivers.arguments import DataArguments, RunArguments
from perceivers.arguments.advice import Advice
from perceivers.arguments.open import AUTO, completed, filled, given
from perceivers.configuration import PerceiverConfig
from perceivers.data.opening import TABLE_FORMATS, Tables, find_files, open_tables, require_named
from perceivers.data.rows import StreamSamples
from perceivers.data.some_cells import SomeCells
from perceivers.data.splits import Samples, Splits
from perceivers.data.tables import FILE_COLUMN, ListTable, StreamTable, Table, require_columns
from perceivers.errors import DataError
from perceivers.kinds.forms import forms_meant
from perceivers.kinds.text.kind import TextKind
from perceivers.kinds.text.reading import (
    TEXT_SUFFIXES,
    column_of_text,
    is_given_as_path,
    is_path,
    read_text_file,
)
from perceivers.kinds.text.sizing import RATE_OF_STARTED
from perceivers.tasks.base import Parts, Prediction, Unreadable
from perceivers.tasks.choosing import count_of, options_of, size_of, with_inputs, with_network
from perceivers.tasks.column_task import ColumnTask
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input, Sample
from perceivers.tasks.looking import some_samples
from perceivers.tasks.model_names import model_names
from perceivers.tasks.text_classification.options import TextClassificationArguments
from perceivers.tasks.text_classification.questions import (
    labels_that_are_numbers,
    only_answer,
    problem_of,
    task_answers,
)

if TYPE_CHECKING:
    from torch import Tensor

    from perceivers.models.prediction import PerceiverForPrediction
    from perceivers.models.sequence_classification import PerceiverForSequenceClassification

# What the model calls its input, and its answer where there is one task.
TEXT, ANSWER = "text", "answer"
# Stands between the two texts of a typed pair.
PAIR_MARK = "[SEP]"
OF_TASKS = "of_tasks"


class TextClassification(ColumnTask[TextClassificationArguments]):
    """Texts or pairs of texts with a class, labels or a number; tables, or folders with one sub-folder a class."""

    name: ClassVar[str] = "text-classification"
    arguments_class: ClassVar[type[Any]] = TextClassificationArguments

    @property
    def answers_several(self) -> bool:
        """Whether a column says which task a row is of; results then name each measure's task."""
        return self.arguments.task_column is not None

    @property
    def has_heads(self) -> bool:
        """Whether each task has a query and a head of its own, in place of the plain classifier."""
        chosen = self.arguments
        has_more = chosen.queries_per_answer not in (1, AUTO) or chosen.token_rate not in (0, AUTO)
        return self.answers_several or chosen.head_layers > 0 or has_more or self.reads_ngrams

    @property
    def reads_ngrams(self) -> bool:
        """Whether a text is one vector, that of its words and runs of letters."""
        return self.arguments.text_reading == "ngrams"

    @property
    def _may_start_as_margins(self) -> bool:
        """Whether n-grams will start as support vector machines if nothing else is given; see `linear_start`."""
        chosen = self.arguments
        return (
            self.start is None
            and size_of(chosen) != "paper"
            and chosen.text_reading in ("ngrams", AUTO)
            and chosen.answer == "one-class"
            and not self.answers_several
            and chosen.linear_start in (True, AUTO)
            and not forms_meant(TextKind.forms_of_input, given(chosen), {"text_reading": "ngrams"})
        )

    @property
    def by_modality(self) -> bool:  # type: ignore[override]
        """See ColumnTask."""
        return self.has_heads

    @property
    def strata(self) -> str | None:
        """The tasks; of one task, the classes."""
        chosen = self.arguments
        classes = chosen.label_column if chosen.answer == "one-class" else None
        return chosen.task_column or classes

    def open(self, arguments: DataArguments) -> Tables:
        """Tables, or folders of text files."""
        return open_tables(arguments, TEXT_SUFFIXES)

    def number_texts(self, train: Table | StreamTable) -> Sequence[SomeCells]:
        """See ColumnTask; the labels of the tasks that answer numbers."""
        chosen = self.arguments
        if chosen.answer != "number" and not chosen.number_tasks:
            return ()
        return labels_that_are_numbers(train, chosen)

    def choose(self, tables: Tables) -> Columns:
        """See ColumnTask."""
        chosen = self.arguments
        columns = (column_of_text(tables["train"], chosen.text_column), *self._others())
        require_columns(tables["train"], *columns, chosen.label_column, *filter(None, [chosen.task_column]))
        train = tables["train"]
        if self._may_start_as_margins:
            chosen = filled(chosen, {"ngram_learning_rate": RATE_OF_STARTED})
        self.arguments = with_inputs(
            chosen,
            self.name,
            TextKind,
            table=train,
            column=columns[0],
            num_rows=count_of(train),
            start=self.start,
        )
        options = options_of(TextKind, self.arguments)
        answers: Mapping[str, Answer]
        if self.answers_several:
            tasks = task_answers(tables["train"], chosen)
            names = model_names(list(tasks))
            answers = {names[task]: answer for task, answer in tasks.items()}
        else:
            answers = {ANSWER: only_answer(tables["train"], chosen)}
        return Columns((Input(TEXT, columns, TextKind(options)),), answers)

    def advise(self, splits: Splits, run: RunArguments) -> Advice:
        """See Task; what was left open of the network is chosen, too."""
        (only,) = self.columns.inputs
        answer = None if self.answers_several else self.columns.answers[ANSWER]
        self.arguments, advice = with_network(
            self.arguments,
            only.kind,
            run=run,
            num_rows=count_of(splits.train),
            num_classes=len(answer.names) if isinstance(answer, OneClass) else None,
        )
        known = completed(self.arguments)
        answers = {
            name: dataclasses.replace(
                each.trained_by(known.class_loss) if isinstance(each, OneClass) else each,
                num_queries=known.queries_per_answer,
                token_rate=known.token_rate,
            )
            for name, each in self.columns.answers.items()
        }
        self.columns = dataclasses.replace(self.columns, answers=answers)
        return advice

    def build_model(
        self, columns: Columns, start: PerceiverConfig | None
    ) -> PerceiverForSequenceClassification | PerceiverForPrediction:
        """The page's classifier; where tasks have heads, a query and a head for each."""
        from perceivers.models.prediction import PerceiverForPrediction
        from perceivers.models.sequence_classification import PerceiverForSequenceClassification
        from perceivers.models.text_building import start_positions, text_config

        model: PerceiverForSequenceClassification | PerceiverForPrediction
        values = self.arguments.config_values()
        if self.has_heads:
            # The sizes of bytes are the configuration's own, so that a checkpoint can give them.
            modalities = columns.modalities() if self.reads_ngrams else {TEXT: {"type": "text"}}
            model = PerceiverForPrediction(
                text_config(values, start, modalities=modalities, answers=columns.heads())
            )
        else:
            model = PerceiverForSequenceClassification(
                text_config(values, start, **problem_of(columns.answers[ANSWER]))
            )
        if not self.reads_ngrams:
            start_positions(model, self.arguments.position_start)
        return model

    def load_model(self, folder: Path) -> Any:
        """See ColumnTask."""
        from perceivers.models.prediction import PerceiverForPrediction
        from perceivers.models.sequence_classification import PerceiverForSequenceClassification

        if self.has_heads:
            return PerceiverForPrediction.from_pretrained(folder)
        return PerceiverForSequenceClassification.from_pretrained(folder)

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """See ColumnTask; a model that learned from files can be asked about the texts of a column as well."""
        parts = super().build(splits, start)
        if self.arguments.linear_start and start is None:
            self._start_as_margins(parts.model, splits.train)
        self.columns = self.columns_for(parts.processor, (self.arguments.text_column,))
        return dataclasses.replace(parts, processor=self.columns)

    def _start_as_margins(self, model: Any, train: Samples | StreamSamples) -> None:
        from perceivers.tasks.text_classification.linear_start import start_as_margins
        from perceivers.tasks.text_classification.margins import MOST_LOOKS

        ((name, answer),) = self.columns.answers.items()
        (only,) = self.columns.inputs
        start_as_margins(
            model.perceiver.input_preprocessor,
            model.token_readers[name],
            cast("Any", only.kind),
            ((sample.values[0], sample.targets[0]) for sample in some_samples(train, MOST_LOOKS)),
            num_classes=len(answer.names),
            seed=0,
        )

    def columns_for(self, columns: Columns, names: Sequence[str]) -> Columns:
        """See ColumnTask; folders of files have a column of their own."""
        first = self.arguments.text_column
        first = FILE_COLUMN if first not in names and FILE_COLUMN in names else first
        (only,) = columns.inputs
        return dataclasses.replace(
            columns, inputs=(dataclasses.replace(only, columns=(first, *self._others())),)
        )

    def answers_of(self, output: Any, views: int) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
        """See ColumnTask; the plain classifier gives a number as a column of one."""
        said, scores = super().answers_of(output, views)
        if self.has_heads or self.arguments.answer != "number":
            return said, scores
        numbers = {name: values[:, 0] for name, values in scores.items()}
        return numbers, numbers

    def predict(
        self, parts: Parts, inputs: Sequence[str], left_out: list[Unreadable] | None = None
    ) -> list[Prediction]:
        """Answer for texts: typed ones, text files, folders of these, and the rows of tables.

        A typed pair of texts has [SEP] between them. Of a model with several tasks, a table's row has its own task's answer
        if the table says which it is, and every other text those of all tasks, a prediction each.
        """
        found = super().predict(parts, inputs, left_out)
        if not self.answers_several:
            return found
        return [
            Prediction(
                each.source,
                {"text": each.values["text"], "task": self.columns.answers[name].title, **said},
                each.shown[OF_TASKS][name] if each.shown else {},
                {name: said},
            )
            for each in found
            for name, said in each.answers.items()
        ]

    def shown_of(self, parts: Parts, sample: Sample, answers: Sequence[str]) -> dict[str, Any]:
        """See ColumnTask; of several tasks, the same for each."""
        if not self.answers_several:
            return super().shown_of(parts, sample, answers)
        return {
            OF_TASKS: {
                name: super(TextClassification, self).shown_of(parts, sample, [name]) for name in answers
            }
        }

    def columns_of(self, row: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """The texts, and the answer; of several tasks `answers`, by task."""
        names = self.columns_for(self.columns, tuple(row)).columns_read
        cells = [_words(row[name]) for name in names if row.get(name) is not None]
        said = {self.columns.answers[name].title: dict(own) for name, own in answers.items()}
        own_answer = {"answers": said} if self.answers_several else next(iter(said.values()))
        return {"text": f" {PAIR_MARK} ".join(cells), **own_answer}

    def files_of(self, given: str) -> list[str]:
        """The files of text in a folder."""
        if not is_path(given) or not Path(given).is_dir():
            return [given]
        return [str(path) for path in find_files([given], TEXT_SUFFIXES, "text")]

    def tables_of(self, given: str) -> Iterator[Table]:
        """A table; or a typed text, or each file of text, as a table of one row."""
        if self.columns.inputs[0].kind.options.empty_texts == "absent":
            require_named(given)
        if not is_given_as_path(given, (*TEXT_SUFFIXES, *TABLE_FORMATS)):
            yield self._row_of(given, given)
        elif Path(given).suffix.lower() in TABLE_FORMATS:
            yield from super().tables_of(given)
        else:
            for path in find_files([given], TEXT_SUFFIXES, "text"):
                yield self._row_of(read_text_file(path).decode("utf-8"), str(path))

    def _others(self) -> tuple[str, ...]:
        second = self.arguments.second_text_column
        return () if second is None else (second,)

    def _row_of(self, text: str, source: str) -> Table:
        columns = self.columns.columns_read
        parts = [part.strip() for part in text.split(PAIR_MARK)] if len(columns) == 2 else [text]
        if len(parts) != len(columns):
            raise DataError(
                f"`inputs` must be pairs of texts with {PAIR_MARK} between them, received {source[:80]!r} with {len(parts)} "
                f"text{'s' if len(parts) > 1 else ''}"
            )
        return ListTable([dict(zip(columns, parts, strict=True))], source, [source])


def _words(cell: Any) -> str:
    return cell.decode("utf-8") if isinstance(cell, bytes) else str(cell)
