"""What a trained model's answers depend on: permutation importance of every column, and single rows without a column."""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.arguments import TrainingArguments
from perceivers.data.draws import NumberedBatch, plain_loader
from perceivers.data.evenly import spread_indices
from perceivers.data.notation import Asked
from perceivers.data.rows import RowSamples
from perceivers.data.splits import JoinedSamples, PartName
from perceivers.data.tables import Table
from perceivers.errors import ConfigurationError, DataError
from perceivers.figures import drawable, new_figure, save_figure
from perceivers.folder_lock import alone_in
from perceivers.records import whole_file, writing
from perceivers.tasks.base import Parts, Prediction
from perceivers.tasks.column_task import ColumnTask
from perceivers.tasks.missing_columns import of_a_trained_run
from perceivers.tasks.option_advice import advising
from perceivers.tasks.registry import load_run
from perceivers.tasks.row_reader import RowReader
from perceivers.text_files import ON_NO_LETTERS
from perceivers.training.evaluation import (
    build_accelerator,
    data_of_run,
    load_other_data,
    measure,
    require_notation,
)
from perceivers.training.reporting import could_not_draw
from perceivers.warned import print_warning

COLUMNS_FILE, ROWS_FILE, PICTURE = "columns.csv", "rows.csv", "columns.png"


@dataclass(frozen=True)
class Importance:
    """What one column is worth to one answer.

    Args:
        column: whose cells were exchanged among the rows.
        target: column that is answered.
        measure: its headline.
        unchanged: the measure with all columns as they are.
        lost: how much worse the measure becomes, the mean over the exchanges.
        spread: standard deviation over the exchanges.
    """

    column: str
    target: str
    measure: str
    unchanged: float
    lost: float
    spread: float


def explain(
    folder: str | Path,
    *,
    output: str | Path,
    data: str | None = None,
    split: PartName = "test",
    repeats: int = 5,
    most_rows: int = 1_000,
    single_rows: int = 10,
    seed: int = 0,
    batch_size: int = 64,
    device: str = "auto",
    decimal: Asked = "auto",
) -> list[Importance]:
    """Find what every column is worth, whatever it holds; write `columns.csv`, `columns.png` and `rows.csv`.

    A column is worth as much as the headline measure loses when its cells are dealt out among the rows anew (permutation
    importance, Breiman 2001). Of single rows it is told how their answer changes without the column.

    Args:
        folder: a training run of columns.
        output: folder that receives the files.
        data: see DataArguments; None takes the data of the run, divided as the run divided its own.
        split: part of the data.
        repeats: how often each column is dealt out.
        most_rows: that are looked at, evenly spread over the part.
        single_rows: rows that are looked at one by one.
        seed: of the exchanges.
        batch_size: samples a forward pass.
        device: "auto" or "cpu".
        decimal: how `data` writes numbers in texts, see `perceivers.load`.

    Returns:
        One importance a column and answer, the most important columns first.
    """
    if repeats < 1:
        raise ConfigurationError(f"`repeats` must be at least 1, received {repeats}")
    require_notation(decimal, data)
    target = Path(output)
    with alone_in(target):
        task, parts, run = load_run(Path(folder))
        if not isinstance(task, ColumnTask):
            raise ConfigurationError(
                f"`folder` must be a run whose answers come from columns, received one of {task.name}"
            )
        with of_a_trained_run(), advising("decimal", "data", "split", "output"):
            splits = (
                task.load_data(data_of_run(run), parts)
                if data is None
                else load_other_data(task, parts, run.data, data, decimal)
            )
        samples = _some(splits.part(split), most_rows)
        accelerator = build_accelerator(TrainingArguments(batch_size=batch_size, device=device))  # type: ignore[arg-type]
        prepared = parts.model.to(accelerator.device).eval().prepare()

        def scores_of(some: RowSamples) -> dict[str, float]:
            loader = plain_loader(some, NumberedBatch(task.collate, parts.processor), batch_size=batch_size)
            scores, _ = measure(task, prepared, parts, accelerator.prepare(loader), accelerator)
            return scores

        unchanged = scores_of(samples)
        generator = np.random.default_rng(seed)
        found: list[Importance] = []
        for column in parts.processor.columns_read:
            dealt = [scores_of(_dealt_out(samples, column, generator)) for _ in range(repeats)]
            found.extend(_importances(task, parts, column, unchanged, dealt))
        totals = {each.column: 0.0 for each in found}
        for each in found:
            totals[each.column] += each.lost / (abs(each.unchanged) or 1.0)
        found.sort(key=lambda each: -totals[each.column])
        rows = _single_rows(task, parts, prepared, samples, single_rows)
        with writing(target, "name another folder with --output, or make room there"):
            target.mkdir(parents=True, exist_ok=True)
            _write(target / COLUMNS_FILE, [vars(each) for each in found])
            if rows:
                _write(target / ROWS_FILE, rows)
        _draw(found, target / PICTURE)
        return found


def _draw(found: Sequence[Importance], target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="perceivers-") as name:
        drawn = Path(name) / target.name
        try:
            draw_importances(found, drawn)
            with whole_file(target) as partial:
                shutil.copyfile(drawn, partial)
        except Exception as error:  # whatever a drawing raises
            print_warning(could_not_draw("the picture of importances", error))


def draw_importances(found: Sequence[Importance], path: Path) -> None:
    """Draw bars for each target, the most important column first, with the spread over the exchanges."""
    targets = list(dict.fromkeys(each.target for each in found))
    columns = list(dict.fromkeys(each.column for each in found))
    height = max(1.6, 0.32 * len(columns) + 0.9)
    figure = new_figure(
        "The picture of importances", (1.2 + 4.6 * len(targets), height), layout="constrained"
    )
    for axes, target in zip(figure.subplots(1, len(targets), squeeze=False)[0], targets, strict=True):
        own = {each.column: each for each in found if each.target == target}
        lost = [own[column].lost for column in columns]
        axes.barh(
            range(len(columns)),
            lost,
            xerr=[own[column].spread for column in columns],
            color="#3b6ea8",
            height=0.66,
        )
        axes.set_yticks(
            range(len(columns)), [drawable(column[:40]) for column in columns], fontsize=9, parse_math=False
        )
        axes.invert_yaxis()
        axes.axvline(0.0, color="#222222", linewidth=0.8)
        first = own[columns[0]]
        axes.set_title(
            f"{target}: {first.measure} {first.unchanged:.4g}", fontsize=10, loc="left", parse_math=False
        )
        axes.set_xlabel(f"{first.measure} lost without the column's order", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path, dpi=120)


class DealtOutTable(Table):
    """A table, the cells of one column given to other rows.

    Args:
        table: the rows.
        column: whose cells move.
        origins: for each row, the row that its cell comes from.
    """

    def __init__(self, table: Table, column: str, origins: Mapping[int, int]) -> None:
        super().__init__(table.source, table.columns, table.root)
        self.notes, self.decimal, self.left_out = table.notes, table.decimal, table.left_out
        self.as_missing = table.as_missing
        self._table, self._column, self._origins = table, column, origins

    def __len__(self) -> int:
        """See Table."""
        return len(self._table)

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        """See Table."""
        row = dict(self._table[index])
        row[self._column] = self._table[self._origins.get(index, index)].get(self._column)
        return row

    def column(self, name: str) -> Sequence[Any]:
        """See Table."""
        cells = self._table.column(name)
        if name != self._column:
            return cells
        return [cells[self._origins.get(index, index)] for index in range(len(cells))]

    def name(self, index: int) -> str:
        """See Table."""
        return self._table.name(index)


def _dealt_out(samples: RowSamples, column: str, generator: np.random.Generator) -> RowSamples:
    order = generator.permutation(len(samples.indices))
    origins = {row: samples.indices[int(place)] for row, place in zip(samples.indices, order, strict=True)}
    # What is to be selected of a set may not be in another row's: then it is not found, which is no fault of the table.
    decode = (
        replace(samples.decode, checks_members=False)
        if isinstance(samples.decode, RowReader)
        else samples.decode
    )
    return replace(samples, table=DealtOutTable(samples.table, column, origins), decode=decode, held=None)


def _some(samples: Any, most: int) -> RowSamples:
    """At most so many rows of a part, evenly spread."""
    parts: Any = samples.parts if isinstance(samples, JoinedSamples) else (samples,)
    if len(parts) > 1 and len({id(part.table) for part in parts}) == 1:
        samples = replace(parts[0], indices=[index for part in parts for index in part.indices])
    if not isinstance(samples, RowSamples):
        raise DataError("`split` must be a part of rows that can be read again: train, validation or test")
    if not len(samples):
        raise DataError("`data` must hold samples to explain, received none in this part")
    return samples.select(spread_indices(len(samples), most))


def _importances(
    task: ColumnTask[Any],
    parts: Parts,
    column: str,
    unchanged: Mapping[str, float],
    dealt: Sequence[Mapping[str, float]],
) -> list[Importance]:
    found = []
    for name, answer in parts.processor.answers.items():
        measure_name = answer.measures[0]
        full = task.measures.name(name, measure_name)
        sign = 1.0 if answer.better(measure_name) == "higher" else -1.0
        lost = [sign * (unchanged[full] - scores[full]) for scores in dealt]
        found.append(
            Importance(
                column,
                answer.column,
                measure_name,
                unchanged[full],
                float(np.mean(lost)),
                float(np.std(lost)),
            )
        )
    return found


def _single_rows(
    task: ColumnTask[Any], parts: Parts, prepared: Any, samples: RowSamples, count: int
) -> list[dict[str, Any]]:
    """For some rows, every answer, and how it changes without each column."""
    rows = []
    for place in range(min(count, len(samples))):
        row, name = samples.table[samples.indices[place]], samples.name(place)
        columns = parts.processor.columns_read
        without = [(name, {**row, column: None}, samples.table) for column in columns]
        answered = list(
            task.answer(parts, [(name, row, samples.table), *without], prepared=prepared, shows=False)
        )
        first, *others = (each for each in answered)
        if not isinstance(first, Prediction):
            continue
        for target, said in first.answers.items():
            for column, other in zip(columns, others, strict=True):
                if isinstance(other, Prediction):
                    rows.append(
                        {
                            "row": name,
                            "target": parts.processor.answers[target].column,
                            "column": column,
                            **parts.processor.answers[target].compare(said, other.answers[target]),
                        }
                    )
    return rows


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with (
        whole_file(path) as partial,
        partial.open("w", newline="", encoding="utf-8", errors=ON_NO_LETTERS) as file,
    ):
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
