"""Tasks that read columns and answer columns: rows to samples, one model for all of them, losses, measures, answers."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from perceivers.answers.drawing import draw_answer
from perceivers.arguments import DataArguments
from perceivers.configuration import PerceiverConfig
from perceivers.data.held import HeldTable
from perceivers.data.numbers import Decimal
from perceivers.data.opening import TABLE_FORMATS, Tables, find_files, is_table, notes_of, open_table_file
from perceivers.data.rows import RowSamples, StreamSamples, decode_row, load_splits
from perceivers.data.splits import Splits
from perceivers.data.tables import FILE_COLUMN, ListTable, StreamTable, Table, require_columns
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.base import is_empty
from perceivers.kinds.cards import draw_cards
from perceivers.metrics.answers import collected, of_answer
from perceivers.metrics.named import mean_of
from perceivers.models.answers.losses import has_target
from perceivers.models.prediction import PerceiverForPrediction
from perceivers.tasks.base import Batch, Parts, Prediction, Step, Task
from perceivers.tasks.columns import (
    Columns,
    Input,
    RowReader,
    Sample,
    attention_by_modality,
    require_asked,
    stack_inputs,
)
from perceivers.tasks.confusions import CONFUSIONS, draw_confusions
from perceivers.tasks.page import write_page

if TYPE_CHECKING:
    from torchmetrics import MetricCollection

LABELS, VIEWS = "labels", "views"
# Letters of a row's name in messages.
MOST_NAMED = 200

TaskArguments = TypeVar("TaskArguments")


class ColumnTask(Task[TaskArguments]):
    """Columns in, answers out. A subclass says which tables, which columns are what, and which model."""

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
        # What the user should know of the data: how a file was read, what was passed over.
        self.notes: list[str] = []
        # Rows without any target.
        self.num_left_out = 0
        # How tables that are asked about write numbers: as those of the run did.
        self.decimal: Decimal = "point"

    @abstractmethod
    def open(self, arguments: DataArguments) -> Tables:
        """The tables of a data set, by part."""

    @abstractmethod
    def choose(self, tables: Tables) -> Columns:
        """Which columns are read as what, and which are asked for; answers have seen the training cells."""

    def build_model(self, columns: Columns, start: PerceiverConfig | None) -> Any:
        """An untrained model for settled columns."""
        if start is None:
            sizes = {**self.arguments.config_values(), "modalities": columns.modalities()}  # type: ignore[attr-defined]
        else:
            self.require_fitting(start, columns)
            # Classes are those of the answers.
            names = ("id2label", "label2id")
            sizes = {key: value for key, value in start.to_dict().items() if key not in names}
        return PerceiverForPrediction(PerceiverConfig.from_dict({**sizes, "answers": columns.heads()}))

    def require_fitting(self, start: PerceiverConfig, columns: Columns) -> None:
        """Raise ConfigurationError for a checkpoint of other inputs."""
        if start.modalities != columns.modalities():
            raise ConfigurationError(
                "`start` must be a model of the same columns: name those of the run it was trained in"
            )

    def load_model(self, folder: Path) -> Any:
        """The model of a run."""
        return PerceiverForPrediction.from_pretrained(folder)

    def columns_for(self, columns: Columns, names: Sequence[str]) -> Columns:
        """The columns of a trained model as they are called in a table with these names."""
        return columns

    def given(self, batch: Batch) -> dict[str, Any]:
        """What the model takes of a batch, by the names of its arguments."""
        if self.by_modality:
            return {name: batch[name] or None for name in ("inputs", "attention_mask", "pos")}
        ((name, values),) = batch["inputs"].items()
        return {"inputs": values, "attention_mask": batch["attention_mask"].get(name)}

    @property
    def answers_several(self) -> bool:
        """Whether results name each measure's answer."""
        return len(self.columns.answers) > 1

    @property
    def strata(self) -> str | None:
        """Column whose values every part has the same share of: the only target, where it is a class."""
        answers = list(self.columns.answers.values())
        return answers[0].column if len(answers) == 1 and answers[0].name == "class" else None

    @property
    def groups(self) -> str | None:
        """Column whose equal values stay in one part."""
        return None

    @property
    def label_smoothing(self) -> float:
        """Share of the target probability spread over all classes while training, in [0, 1)."""
        return float(getattr(self.arguments, "label_smoothing", 0.0))

    @property
    def headline(self) -> str:  # type: ignore[override]
        """The first measure of the only answer; of several, their mean score."""
        if self.answers_several:
            return "score"
        return next(iter(self.columns.answers.values())).measures[0]

    @property
    def headline_is_better(self) -> Literal["higher", "lower"]:  # type: ignore[override]
        """Which way the headline improves."""
        if self.answers_several:
            return "higher"
        answer = next(iter(self.columns.answers.values()))
        return answer.better(answer.measures[0])

    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Open rows; those of a trained model are read and answered as it was trained to."""
        tables = self.open(arguments)
        self.notes = notes_of(tables)
        names = tables["train"].columns
        self.columns = (
            self.choose(tables).surveyed(tables["train"])
            if parts is None
            else self.columns_for(parts.processor, names)
        )
        if self.needs_all:
            for table in tables.values():
                require_columns(table, *self.columns.columns_read, *self.columns.columns_asked)
        if arguments.unreadable == "trust":
            self.columns = self.columns.trusting()
        splits = load_splits(
            arguments,
            {part: self.held(table) for part, table in tables.items()},
            RowReader(self.columns, self.needs_all),
            labels=self.strata,
            groups=self.groups,
            class_names=()
            if self.answers_several
            else getattr(next(iter(self.columns.answers.values())), "names", ()),
        )
        return splits if self.needs_all else self._with_targets(splits)

    def held(self, table: Table | StreamTable) -> Table | StreamTable:
        """The table with its small columns in memory, where it is no stream."""
        if isinstance(table, StreamTable):
            return table
        light = [name for name in self.columns.light_columns if name in table.columns]
        extra = [name for name in (self.strata, self.groups) if name in table.columns]
        heavy = [name for name in table.columns if name not in light]
        return HeldTable(table, list(dict.fromkeys([*light, *extra])), heavy)

    def plan(self, splits: Splits) -> list[Any]:
        """How files were read, the classes with their rows, and what is left out."""
        lines: list[Any] = list(self.notes)
        if self.num_left_out:
            lines.append(f"{self.num_left_out:,} rows without any target are left out")
        return lines

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """Learn from the training values what the kinds need, and build a model."""
        inputs = tuple(self._settled(each, splits.train) for each in self.columns.inputs)
        self.columns = dataclasses.replace(self.columns, inputs=inputs)
        return Parts(self.build_model(self.columns, start), self.columns)

    def restore(self, folder: Path) -> Parts:
        """Load the model and its columns."""
        self.columns = Columns.from_pretrained(folder)
        return Parts(self.load_model(folder), self.columns)

    def vary(self, sample: Sample, generator: np.random.Generator) -> Sample:
        """Change the values of one sample, each as its kind does."""
        return self.columns.vary(sample, generator)

    def collate(self, processor: Columns, samples: Sequence[Sample]) -> Batch:
        """Give `inputs`, `attention_mask` and `pos` by modality, and `labels` by answer.

        Samples that are looked at in several views have them one after the other in `inputs`; `views` is their number.
        """
        views = [processor.views(sample) for sample in samples]
        count = max(map(len, views))
        rows = [own[index % len(own)].values for own in views for index in range(count)]
        return {
            **stack_inputs(processor.tensors(rows)),
            LABELS: processor.targets(samples),
            VIEWS: count,
        }

    def augment(self, batch: Batch) -> Batch:
        """Change the values of the whole batch, each modality as its kind does."""
        return {**batch, "inputs": self.columns.augment(batch["inputs"])}

    def step(self, model: nn.Module, batch: Batch) -> Step:
        """Compute each answer's loss over the samples that have a target, and their weighted sum."""
        said, scores = self.answers_of(model(**self.given(batch)), batch[VIEWS])
        smoothing = self.label_smoothing if model.training else 0.0
        # Where each row has an answer of its own, every row counts alike; else every answer.
        is_own = all(answer.where for answer in self.columns.answers.values())
        sums: list[Tensor] = []
        counts: list[Tensor] = []
        measured: dict[str, Tensor] = {}
        of_samples = torch.zeros(len(next(iter(scores.values()))), device=next(iter(scores.values())).device)
        for name, answer in self.columns.answers.items():
            targets = batch[LABELS][name]
            own_smoothing = smoothing if answer.description.type != "number" else 0.0
            losses = answer.losses(said[name], targets, own_smoothing)
            sums.append(answer.weight * losses.sum())
            counts.append(has_target(targets, answer.description).sum())
            of_samples = of_samples + answer.weight * losses.detach()
            preds, truth = answer.measured(scores[name].detach().float(), targets)
            measured |= {f"{name}/preds": preds, f"{name}/target": truth}
        summed, counted = torch.stack(sums), torch.stack(counts)
        total = summed.sum() / counted.sum().clamp(min=1) if is_own else (summed / counted.clamp(min=1)).sum()
        return Step(total, {**measured, "loss": of_samples})

    def answers_of(self, output: Any, views: int) -> tuple[Mapping[str, Tensor], Mapping[str, Tensor]]:
        """What is trained and what is answered, by answer: what each query says, and the mean over queries and views."""
        (only, *others) = self.columns.answers
        scores = output.logits if others or isinstance(output.logits, Mapping) else {only: output.logits}
        if views > 1:
            scores = {
                name: mean_of_views(some.unflatten(0, (-1, views)), self.columns.answers[name].name)
                for name, some in scores.items()
            }
            return scores, scores
        return getattr(output, "query_logits", None) or scores, scores

    def metrics(self, parts: Parts) -> MetricCollection:
        """Fresh metrics of every answer, and the loss."""
        found = {
            self.measure_name(name, measure): of_answer(name, answer.metric(measure))
            for name, answer in parts.processor.answers.items()
            for measure in (*answer.measures, *((CONFUSIONS,) if answer.name == "class" else ()))
        }
        return collected({**found, "loss": mean_of("loss")})

    def measure_name(self, answer: str, measure: str) -> str:
        """What a measure is called in the results: with its answer's title, where there are several."""
        return f"{self.columns.answers[answer].title}/{measure}" if self.answers_several else measure

    def summarize(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Of several answers, the mean of each one's score: accuracy, mean average precision, R2, or the measure chosen."""
        if not self.answers_several:
            return dict(scores)
        found = [
            scores[full]
            for name, answer in self.columns.answers.items()
            if (full := self.measure_name(name, answer.score)) in scores
        ]
        known = [score for score in found if score == score]
        return {"score": sum(known) / len(known) if known else float("nan"), **scores}

    def finish(self, parts: Parts, measure: Callable[[], Mapping[str, Tensor]]) -> Parts:
        """Correct each answer by what it said of the validation samples, where that is wanted."""
        measured = measure() if getattr(self.arguments, "calibrate", False) else {}
        if not measured:
            return parts
        answers = {
            name: answer.calibrated(measured[f"{name}/preds"], measured[f"{name}/target"])
            for name, answer in parts.processor.answers.items()
        }
        self.columns = dataclasses.replace(parts.processor, answers=answers)
        return dataclasses.replace(parts, processor=self.columns)

    def show_evaluation(self, parts: Parts, values: Mapping[str, Tensor], folder: Path) -> list[Path]:
        """Draw the confusion matrix of each answer that has classes."""
        written = []
        for name, answer in parts.processor.answers.items():
            full = self.measure_name(name, CONFUSIONS)
            if full in values and answer.name == "class" and values[full].any():
                path = folder / (f"{CONFUSIONS}.png" if full == CONFUSIONS else f"{name}-{CONFUSIONS}.png")
                draw_confusions(values[full].cpu().numpy(), answer.names, path)
                written.append(path)
        return written

    def predict(self, parts: Parts, inputs: Sequence[str]) -> list[Prediction]:
        """Answer for every row of the tables, and every file, among `inputs`; see `rows_of`."""
        found = []
        for each in self.answer(parts, self.rows_of(inputs)):
            if isinstance(each, DataError):
                raise each
            found.append(each)
        return found

    @torch.no_grad()
    def answer(
        self,
        parts: Parts,
        rows: Iterable[tuple[str, Mapping[str, Any], Any]],
        *,
        prepared: Any = None,
        shows: bool = True,
    ) -> Iterator[Prediction | DataError]:
        """Answer for rows, in order, in the exact fast form; a row that cannot be read gives its error.

        Args:
            parts: a trained model and its columns.
            rows: what each is called, its cells, and its table.
            prepared: the model's fast form, where it is at hand.
            shows: keep what pictures and pages need of the first rows.
        """
        prepared, rows = parts.model.prepare() if prepared is None else prepared, iter(rows)
        num_shown = self._num_shown() if shows else 0
        at_once, last = answered_at_once(parts.processor), None
        while chunk := list(islice(rows, at_once)):
            read = [self._read(parts.processor, *each) for each in chunk]
            samples = [each for each in read if isinstance(each, Sample)]
            described = iter(self._describe(parts, prepared, samples) if samples else ())
            for (name, row, table), each in zip(chunk, read, strict=True):
                if isinstance(each, DataError):
                    yield each
                    continue
                said = next(described)
                answers = {
                    own: said[own] for own, asked in parts.processor.answers.items() if asked.asks(row)
                }
                shown = self.shown_of(parts, each, list(answers)) if num_shown > 0 else {}
                num_shown -= 1
                notes = tuple(table.notes) if table is not last else ()
                last = table
                yield Prediction(name, self.columns_of(row, answers), shown, answers, notes)

    @torch.no_grad()
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
        rows, found = iter(rows), []
        while chunk := list(islice(rows, answered_at_once(parts.processor))):
            read = [self._read(parts.processor, *each) for each in chunk]
            if error := next((each for each in read if isinstance(each, DataError)), None):
                raise error
            found.append(self._scores(parts, prepared, read))  # type: ignore[arg-type]
        return {
            name: answer.values(torch.cat([each[name] for each in found]))
            for name, answer in parts.processor.answers.items()
        }

    def show(self, predictions: Sequence[Prediction], folder: Path) -> list[Path]:
        """Draw the values of a kind that has a picture, with their answers; write a page of all others."""
        (first, *others), answers = self.columns.inputs, list(self.columns.answers)
        layout = first.kind.card
        if others or layout is None or self.answers_several:
            path = folder / "predictions.html"
            write_page(predictions, self.columns, path)
            return [path]
        path = folder / "predictions.png"

        def draw_value(figure: Any, places: Sequence[Any], index: int) -> None:
            prediction = predictions[index]
            shown = prediction.shown["inputs"][first.name]
            if shown is not None:
                first.kind.draw(figure, places, shown, prediction.source)

        def draw_said(axes: Any, index: int) -> None:
            draw_answer(axes, predictions[index].answers[answers[0]])

        is_number = self.columns.answers[answers[0]].name == "number"
        title = "answer" if is_number else "probability"
        draw_cards(len(predictions), path, layout, draw_value, draw_said, title)
        return [path]

    def columns_of(self, row: Mapping[str, Any], answers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """What the tables of predictions say of a row: its only answer."""
        return dict(next(iter(answers.values())))

    def rows_of(self, inputs: Sequence[str]) -> Iterator[tuple[str, Mapping[str, Any], Any]]:
        """Name, cells and table of every row of tables, and of every file in what else is named.

        Raises:
            DataError: there is no such file.
        """
        for given in inputs:
            for table in self.tables_of(given):
                for index in range(len(table)):
                    yield table.name(index), table[index], table

    def tables_of(self, given: str) -> Iterator[Table]:
        """An input of the command as tables with a row a sample."""
        path = Path(given)
        if self.is_table(path):
            table = open_table_file(path)
            assert isinstance(table, Table)
            yield self.to_be_asked(table)
            return
        only = self.columns.inputs[0]
        if len(self.columns.inputs) > 1 or not only.kind.suffixes:
            raise DataError(
                f"`inputs` must be tables ({', '.join(TABLE_FORMATS)}), received {given!r}"
                + ("" if path.exists() else ", which does not exist")
            )
        files = [str(file) for file in find_files([given], only.kind.suffixes, only.kind.name)]
        column = only.columns[0] if len(only.columns) == 1 else FILE_COLUMN
        yield ListTable([{column: file} for file in files], given, files)

    def to_be_asked(self, table: Table) -> Table:
        """A table that is asked about, with a note of the columns that it lacks.

        Raises:
            DataError: it lacks a column, where all are needed; or all columns, so that there is nothing to answer from.
        """
        table.decimal = self.decimal
        wanted = self.columns_for(self.columns, table.columns).columns_read
        absent = [name for name in wanted if name not in table.columns]
        if self.needs_all:
            require_columns(table, *wanted)
        elif len(absent) == len(wanted):
            raise DataError(
                f"`{table.source}` must have one of the columns {', '.join(wanted)} to be answered from, received "
                f"{', '.join(table.columns)}"
            )
        elif absent:
            note = (
                f"`{table.source}` has no column {', '.join(absent)}: what is missing is masked in every row"
            )
            table.notes = [*table.notes, note]
        return table

    def is_table(self, path: Path) -> bool:
        """Whether an input of the command is a table with a row a sample."""
        return is_table(path) and path.is_file()

    def _num_shown(self) -> int:
        (first, *others) = self.columns.inputs
        return self.most_shown if others or first.kind.card is None else first.kind.card.most

    def _read(self, columns: Columns, name: str, row: Mapping[str, Any], table: Any) -> Sample | DataError:
        own = dataclasses.replace(self.columns_for(columns, tuple(row)), answers={})
        # A text that was typed is its own name.
        named = name[:MOST_NAMED]
        try:
            require_asked(row, columns)
            sample: Sample = decode_row(RowReader(own, self.needs_all), table, row, named)
        except DataError as error:
            return error if named in str(error) else DataError(f"`{named}` {error}")
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
        batch = self._on(parts.model.device, self._unlabelled(parts.processor, samples))
        _, scores = self.answers_of(prepared(**self.given(batch)), batch[VIEWS])
        return {name: each.float() for name, each in scores.items()}

    def _unlabelled(self, columns: Columns, samples: Sequence[Sample]) -> Batch:
        return self.collate(dataclasses.replace(columns, answers={}), samples)

    def shown_of(self, parts: Parts, sample: Sample, answers: Sequence[str]) -> dict[str, Any]:
        """What pictures and pages need of a sample: `inputs`, and what the first of its answers looked at."""
        return {"inputs": self.looked_at(parts, sample, answers[0])}

    def looked_at(self, parts: Parts, sample: Sample, answer: str | None = None) -> dict[str, Any]:
        """What is kept of a sample to be drawn: each input's value with the attention of an answer over it; of the first."""
        one = self._one_view(parts, sample)
        batch = self._on(parts.model.device, self._unlabelled(parts.processor, [one]))
        query = self._query_of(parts.processor, answer)
        weights, grids = attention_of_answer(parts.model, batch["inputs"], self.given(batch), query)
        values = {}
        for each, value in zip(parts.processor.inputs, sample.values, strict=True):
            own = each.modality_names
            values[each.name] = each.kind.show(
                value,
                {name: weights[full] for name, full in own.items() if full in weights},
                {name: grids[full] for name, full in own.items() if full in grids},
            )
        return values

    def _query_of(self, columns: Columns, answer: str | None) -> int:
        """Number of an answer's first query; models have answers in the order of their names."""
        names = sorted(columns.answers)
        before = names[: names.index(answer or next(iter(columns.answers)))]
        return sum(columns.answers[name].num_queries for name in before)

    def _one_view(self, parts: Parts, sample: Sample) -> Sample:
        views = parts.processor.views(sample)
        return views[len(views) // 2]

    def _on(self, device: torch.device, batch: Batch) -> Batch:
        return {
            name: {key: tensor.to(device) for key, tensor in value.items()}
            if isinstance(value, dict)
            else value
            for name, value in batch.items()
        }

    def _settled(self, each: Input, train: Any) -> Input:
        """The input with what its kind learns from training values."""
        wanted = each.kind.settles_on
        if wanted == 0:
            return each
        values = [value for value in training_values(each, train, wanted) if value is not None]
        if not values:
            raise DataError(
                f"the column {', '.join(each.columns)} holds nothing in any training row: leave it out (--ignore)"
            )
        return dataclasses.replace(each, kind=each.kind.settle(values, each.columns))

    def _with_targets(self, splits: Splits) -> Splits:
        """The parts without the rows that have no target at all."""
        kept, self.num_left_out = {}, 0
        for part in ("train", "validation", "test"):
            samples = getattr(splits, part)
            if isinstance(samples, RowSamples):
                asked = [name for name in self.columns.columns_asked if name in samples.table.columns]
                cells = [samples.table.column(name) for name in asked]
                rows = [
                    place
                    for place, index in enumerate(samples.indices)
                    if not all(is_empty(cell[index]) for cell in cells)
                ]
                self.num_left_out += len(samples) - len(rows)
                samples = samples.select(rows)
            kept[part] = samples
        return dataclasses.replace(splits, **kept)


def answered_at_once(columns: Columns) -> int:
    """Rows that one call of the model answers, so that they fit into memory."""
    return min(each.kind.answered_at_once for each in columns.inputs)


def training_values(each: Input, train: Any, count: int | None) -> Iterator[Any]:
    """Values of one input in training samples, evenly spread over them; the first ones of a stream.

    Args:
        each: the input.
        train: the training part.
        count: how many; None for all.
    """
    if isinstance(train, StreamSamples):
        place = train.decode.columns.inputs.index(each)  # type: ignore[attr-defined]
        for _, sample in islice(train.samples(0), count):
            yield sample.values[place]
        return
    number = len(train) if count is None else min(len(train), count)
    for index in np.unique(np.linspace(0, len(train) - 1, number).round().astype(int)):
        row = train.table[train.indices[int(index)]]
        yield each.kind.read(row, each.columns, train.table)


def mean_of_views(scores: Tensor, answer: str) -> Tensor:
    """What several views of a sample say together: probabilities, or numbers, averaged.

    Args:
        scores: [batch, views, outputs], or numbers [batch, views].
        answer: "class" (softmax), "labels" (sigmoid) or "number".

    Returns:
        [batch, outputs]: scores such that their softmax, or sigmoid, is the mean over the views; or the mean number.
    """
    count = float(np.log(scores.shape[1]))
    if answer == "class":
        return scores.log_softmax(dim=-1).logsumexp(dim=1) - count
    if answer == "labels":
        yes = nn.functional.logsigmoid(scores).logsumexp(dim=1)
        no = nn.functional.logsigmoid(-scores).logsumexp(dim=1)
        return yes - no
    return scores.mean(dim=1)


def attention_of_answer(
    model: Any, inputs: Mapping[str, Tensor], given: Mapping[str, Any], query: int = 0
) -> tuple[dict[str, Tensor], dict[str, tuple[int, ...]]]:
    """Weight that an answer about one sample gives each token, see `attention_through_latents`.

    Args:
        model: with `encode` and `decode`.
        inputs: of one sample, by modality.
        given: what the model is called with for it.
        query: number of the answer's query.

    Returns:
        Modality -> weights [num_tokens] on the processor, all of them summing to 1; modality -> sizes of its grid of tokens.
    """
    encoded = model.encode(**given, output_attentions=True)
    decoded = model.decode(encoded, output_attentions=True)
    weights = attention_through_latents(encoded.cross_attentions[0], decoded.cross_attentions[0], query).cpu()
    preprocessor = model.perceiver.input_preprocessor
    if encoded.modality_sizes is None:
        ((name, values),) = inputs.items()
        return {name: weights[0]}, {name: tuple(preprocessor.index_dims(values))}
    parts = attention_by_modality(weights, encoded.modality_sizes)
    return {name: part[0] for name, part in parts.items()}, {
        name: tuple(preprocessor.modalities[name].index_dims(inputs[name])) for name in parts
    }


def attention_through_latents(to_tokens: Tensor, to_latents: Tensor, query: int) -> Tensor:
    """Weight that an answer gives each token: its attention to the latents times theirs to the tokens.

    Args:
        to_tokens: attention of the latents, [batch, heads, latents, tokens].
        to_latents: attention of the queries, [batch, heads, queries, latents].
        query: number of the answer's query.

    Returns:
        [batch, tokens], each row summing to 1.
    """
    of_latents, of_queries = to_tokens.mean(dim=1), to_latents.mean(dim=1)
    return (of_queries[:, query : query + 1] @ of_latents)[:, 0]
