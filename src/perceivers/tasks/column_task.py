"""Tasks that read columns and answer columns: rows to samples, one model for all of them, losses, measures, answers."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from perceivers.arguments import DataArguments
from perceivers.arguments.open import completed
from perceivers.configuration import PerceiverConfig
from perceivers.data.division import column_of_groups, with_answers
from perceivers.data.folds import can_be_folded, folded
from perceivers.data.groups import groups_of
from perceivers.data.held import HeldTable
from perceivers.data.kept import KeptValues
from perceivers.data.notation import Notation, settle_notation
from perceivers.data.opening import Tables, notes_of
from perceivers.data.rows import load_splits
from perceivers.data.some_cells import SomeCells
from perceivers.data.splits import Splits
from perceivers.data.tables import StreamTable, Table, require_columns
from perceivers.errors import ConfigurationError
from perceivers.tasks.answering import EXACT, LABELS, VIEWS, AnsweringTask
from perceivers.tasks.asked_notation import asked_notation
from perceivers.tasks.base import Batch, Parts, Step
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Sample
from perceivers.tasks.missing_columns import lacking_told
from perceivers.tasks.row_reader import RowReader
from perceivers.tasks.settling import learned_from_training, settled, with_some_answer, with_targets
from perceivers.tasks.started_columns import as_started, in_order_of, in_words, known_inputs, reads_others
from perceivers.tasks.strays import (
    LookedThrough,
    decided_together,
    look_through_columns,
    strays_of_all,
    told,
    without_strays,
)
from perceivers.tasks.telling import classes_in_words, cut_in_words, without_target_in_words
from perceivers.tasks.unknown_names import unknown_names_told

if TYPE_CHECKING:
    from torch import Tensor, nn

    from perceivers.metrics.running import Metrics
    from perceivers.tasks.measuring import Measures

TaskArguments = TypeVar("TaskArguments")


class ColumnTask(AnsweringTask[TaskArguments]):
    """Columns in, answers out. A subclass says which tables, which columns are what, and which model."""

    chooses = True

    def __init__(self, arguments: TaskArguments | None = None) -> None:
        super().__init__(arguments)
        # What the user should know of the data: how a file was read, what was passed over.
        self.notes: list[str] = []
        # Lines about cells that are taken for missing which the plan shows in another place.
        self.told_elsewhere: frozenset[str] = frozenset()
        # Column that says which rows stay in one part.
        self.group_column: str | None = None

    @abstractmethod
    def open(self, arguments: DataArguments) -> Tables:
        """The tables of a data set, by part."""

    def number_texts(self, train: Table | StreamTable) -> Sequence[SomeCells]:
        """What is read as numbers of a training table, where it holds texts; none where the task reads none so."""
        return ()

    @abstractmethod
    def choose(self, tables: Tables) -> Columns:
        """Which columns are read as what, and which are asked for; answers have seen the training cells."""

    def build_model(self, columns: Columns, start: PerceiverConfig | None) -> Any:
        """An untrained model for settled columns."""
        from perceivers.models.prediction import PerceiverForPrediction

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
        if start.modalities != columns.modalities() or reads_others(columns, self.start):
            known = in_words(known_inputs(self.start)) or "others"
            raise ConfigurationError(
                f"`start` must be a model of the same columns, read alike: it reads {known}, received "
                f"{in_words(columns.inputs)}; --column NAME=KIND says what a column holds, --ignore leaves one out"
            )

    @property
    def strata(self) -> str | None:
        """Column whose values every part has the same share of: the only target's, where its values are few."""
        answers = list(self.columns.answers.values())
        return answers[0].column if len(answers) == 1 and answers[0].divides_rows else None

    @property
    def label_smoothing(self) -> float:
        """Share of the target probability spread over all classes while training, in [0, 1)."""
        return float(getattr(self.arguments, "label_smoothing", 0.0))

    @property
    def measures(self) -> Measures:
        """What is measured of the answers."""
        from perceivers.tasks.measuring import Measures

        return Measures(self.columns.answers, self.answers_several)

    @property
    def headline(self) -> str:  # type: ignore[override]
        """The first measure of the only answer; of several, their mean score."""
        return self.measures.headline[0]

    @property
    def headline_is_better(self) -> Literal["higher", "lower"]:  # type: ignore[override]
        """Which way the headline improves."""
        return self.measures.headline[1]

    def load_data(self, arguments: DataArguments, parts: Parts | None = None) -> Splits:
        """Open rows; those of a trained model are read and answered as it was trained to."""
        self.group_column, self.takes_strays = arguments.group_column, arguments.takes_strays
        tables = self.open(arguments)
        if parts is None:
            notation = settle_notation(tables, arguments.decimal, self.number_texts)
            self.columns = in_order_of(self.choose(tables), self.start).surveyed(tables["train"])
        else:
            notation = self._as_known(tables, arguments, parts.processor)
        self.decimal = notation.decimal
        tables, taken = self._without_strays(tables, arguments, learns=parts is None)
        if parts is not None:
            unknown = (line for table in tables.values() for line in unknown_names_told(table, self.columns))
            taken = (*filter(None, [notation.note]), *taken, *unknown)
        tables, unlabelled = with_answers(tables, self.columns.columns_asked, arguments)
        of_kinds = [note for each in self.columns.inputs for note in each.notes()]
        lacking: list[str] = []
        for table in tables.values():
            if self.needs_all:
                require_columns(table, *self.columns.columns_read, *self.columns.columns_asked)
            else:
                lacking += lacking_told(table, self.columns.columns_read)
        self.notes = [*notes_of(tables), *filter(None, [notation.note]), *of_kinds, *lacking, *unlabelled]
        if parts is not None:
            taken = (*lacking, *taken)
        splits = dataclasses.replace(
            self._read_splits(tables, arguments), odd_cells=taken, decimal=notation.decimal
        )
        splits = (
            with_some_answer(splits, self.columns)
            if self.needs_all
            else with_targets(splits, self.columns.columns_asked)
        )
        if parts is None:
            self.columns, splits = learned_from_training(self.columns, splits)
        return splits

    def _as_known(self, tables: Tables, arguments: DataArguments, known: Columns) -> Notation:
        """Take the columns of a trained model, as they are called in these tables; how these write numbers."""
        train = tables["train"]
        self.columns = self.columns_for(known, train.columns)
        if self.asked_decimal is None:
            return settle_notation(tables, arguments.decimal, self.number_texts)
        notation = asked_notation(train, self.columns, self.asked_decimal, arguments.known_decimal)
        for table in tables.values():
            table.decimal = notation.decimal
        answers = {
            name: answer.in_notation(notation.decimal) for name, answer in self.columns.answers.items()
        }
        self.columns = dataclasses.replace(self.columns, answers=answers)
        return notation

    def _without_strays(
        self, tables: Tables, arguments: DataArguments, *, learns: bool
    ) -> tuple[Tables, tuple[str, ...]]:
        """Tables in which strays are missing, and a line about each; columns that are to be learned know them."""
        looked = decided_together(
            {part: self.looked_through(part, table, arguments) for part, table in tables.items()},
            takes_strays=arguments.takes_strays,
        )
        if learns:
            self.columns = self.columns.with_strays(strays_of_all(looked))
        taken = [line for part, table in tables.items() for line in told(table, looked[part])]
        without = {part: without_strays(table, looked[part]) for part, table in tables.items()}
        return without, tuple(dict.fromkeys(taken))

    def _read_splits(self, tables: Tables, arguments: DataArguments) -> Splits:
        """The rows of all parts, divided where they are not, each read as its columns say."""
        for table in tables.values():
            if isinstance(table, Table):
                self.refuse_files_beside(table, self.columns)
        if arguments.unreadable == "trust":
            self.columns = self.columns.trusting()
        return load_splits(
            arguments,
            {part: self.held(table) for part, table in tables.items()},
            RowReader(
                self.columns,
                self.needs_all,
                self.kept_values(arguments),
                # Of a stream nobody can say beforehand which rows are left out.
                needs_target=self.needs_all and isinstance(tables["train"], StreamTable),
            ),
            labels=self.strata,
            hold=all(each.kind.is_light for each in self.columns.inputs),
            class_names=() if self.answers_several else next(iter(self.columns.answers.values())).names,
        )

    def folds(self, splits: Splits, count: int, arguments: DataArguments) -> list[Splits]:
        """See Task; each division as the parts were divided, by classes or by groups."""
        if not can_be_folded(splits):
            return []
        column, pattern = column_of_groups(arguments, None), arguments.group_pattern
        is_grouped = column is not None or pattern is not None
        table = splits.train.table  # type: ignore[attr-defined]
        return folded(
            splits,
            count,
            arguments.split_seed,
            labels=self.strata,
            groups=groups_of(table, column, pattern) if is_grouped else None,
        )

    def looked_through(
        self, part: str, table: Table | StreamTable, arguments: DataArguments
    ) -> Mapping[str, LookedThrough]:
        """Columns of numbers and dates of a part with what is taken for missing in them."""
        return look_through_columns(table, self.columns, takes_strays=arguments.takes_strays)

    def kept_values(self, arguments: DataArguments) -> KeptValues | None:
        """Where values that were read are kept; nowhere, where no kind's are or no room is given."""
        chosen = arguments
        no_room = not (chosen.keep_megabytes or chosen.keep_gigabytes)
        if no_room or all(each.kind.kept() is None for each in self.columns.inputs):
            return None
        folder = None if chosen.keep_folder is None else Path(chosen.keep_folder)
        return KeptValues(chosen.keep_megabytes << 20, int(chosen.keep_gigabytes * 2**30), folder)

    def held(self, table: Table | StreamTable) -> Table | StreamTable:
        """The table with its small columns in memory, where it is no stream."""
        if isinstance(table, StreamTable):
            return table
        light = [name for name in self.columns.light_columns if name in table.columns]
        extra = [name for name in (self.strata, self.group_column) if name in table.columns]
        heavy = [name for name in table.columns if name not in light]
        return HeldTable(table, list(dict.fromkeys([*light, *extra])), heavy)

    def plan(self, splits: Splits) -> list[Any]:
        """How files were read, the classes with their rows, and what is left out."""
        taken = [line for line in splits.odd_cells if line not in self.told_elsewhere]
        lines: list[Any] = list(dict.fromkeys([*self.notes, *splits.notes, *taken]))
        if line := without_target_in_words(splits.num_without_target()):
            lines.append(line)
        return lines

    def plan_of_samples(self, splits: Splits) -> dict[str, str]:
        """See Task; the classes of each answer with their shares, what was learned of inputs, and what is cut."""
        rows = super().plan_of_samples(splits)
        for answer in self.columns.answers.values():
            said = classes_in_words(answer, splits.train)
            if said is not None:
                rows["classes" if len(self.columns.answers) == 1 else f"{answer.title}, classes"] = said
        for each in self.columns.inputs:
            if learned := each.kind.learned():
                rows[f"in {', '.join(each.columns)}"] = each.said(learned)
        cut = cut_in_words(self.columns.inputs, splits.train)
        return rows if cut is None else {**rows, "cut": cut}

    def sees(self) -> list[str]:
        """See Task."""
        inputs = self.columns.inputs
        return [
            each.kind.described()
            if len(inputs) == 1
            else f"{', '.join(each.columns)}: {each.kind.described()}"
            for each in inputs
        ]

    def build(self, splits: Splits, start: PerceiverConfig | None = None) -> Parts:
        """Learn from the training values what the kinds need, or take what a run to start from has learned; build a model."""
        self.arguments = completed(self.arguments)
        options_are_given = bool(getattr(self.arguments, "column_options", ()))
        self.columns = settled(self.columns, splits.train)
        if start is not None:
            self.columns = as_started(self.columns, self.start, options_are_given=options_are_given)
        return Parts(self.build_model(self.columns, start), self.columns)

    @property
    def varies(self) -> bool:
        """See Task."""
        return self.columns.varies

    def vary(self, sample: Sample, generator: np.random.Generator) -> Sample:
        """Change the values of one sample, each as its kind does."""
        return self.columns.vary(sample, generator)

    def augment(self, batch: Batch) -> Batch:
        """Change the values of the whole batch, each modality as its kind does."""
        return {**batch, "inputs": self.columns.augment(batch["inputs"])}

    def step(self, model: nn.Module, batch: Batch) -> Step:
        """Compute each answer's loss over the samples that have a target, and their weighted sum."""
        from perceivers.tasks.measuring import step_of

        said, scores = self.answers_of(model(**self.given(batch)), batch[VIEWS])
        smoothing = self.label_smoothing if model.training else 0.0
        return step_of(self.columns.answers, said, scores, batch[LABELS], smoothing, batch.get(EXACT))

    def metrics(self, parts: Parts) -> Metrics:
        """Fresh metrics of every answer, and the loss."""
        return dataclasses.replace(self.measures, answers=parts.processor.answers).metrics()

    def summarize(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Of several answers, their mean score."""
        return self.measures.summarized(scores)

    @property
    def calibrates(self) -> bool:
        """Whether answers are corrected after training: as the arguments say, or else where targets were softened.

        What learns from softened or mixed targets is right more often than it says.
        """
        asked = getattr(self.arguments, "calibrate", None)
        if asked is not None:
            return bool(asked)
        return any(getattr(self.arguments, name, 0.0) for name in ("label_smoothing", "mixup", "cutmix"))

    def finish(self, parts: Parts, measure: Callable[[], Mapping[str, Tensor]]) -> Parts:
        """Correct each answer by what it said of the validation samples, where that is wanted or needed."""
        measured = measure() if self.calibrates else {}
        if not measured:
            return parts
        answers = {
            name: answer.calibrated(measured[f"{name}/preds"], measured[f"{name}/target"])
            for name, answer in parts.processor.answers.items()
        }
        self.columns = dataclasses.replace(parts.processor, answers=answers)
        return dataclasses.replace(parts, processor=self.columns)

    def show_evaluation(self, parts: Parts, values: Mapping[str, Tensor], folder: Path) -> list[Path]:
        """Draw what is no single number, such as the confusions of classes."""
        return dataclasses.replace(self.measures, answers=parts.processor.answers).draw(values, folder)
