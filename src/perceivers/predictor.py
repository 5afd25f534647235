"""A trained run, loaded once and asked often: what the command line, pages and pipelines answer with."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perceivers.arguments.base import require_choice
from perceivers.errors import ConfigurationError, DataError
from perceivers.records import RESULTS_FILE, read_json

# The tasks are imported by `load`: `import perceivers` and its names stay cheap without them.
if TYPE_CHECKING:
    from perceivers.data.notation import Asked
    from perceivers.data.tables import Table
    from perceivers.tasks.asking.base import Asking
    from perceivers.tasks.base import Parts, Prediction, Task, Unreadable
    from perceivers.tasks.column_task import ColumnTask


@dataclass(frozen=True)
class Predictor:
    """A task with its trained model. Asking changes nothing in it, so several threads may share one.

    Args:
        task: what the model was trained for.
        parts: model and processor, on their device.
        prepared: the model's exact fast form.
        results: what the run measured; nothing where it has not ended.
    """

    task: Task[Any]
    parts: Parts
    prepared: Any
    results: Mapping[str, Any]

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle: the fast form, whose weights may be packed for this processor, is made again."""
        return _with_fast_form, (self.task, self.parts, self.results)

    def __call__(self, values: Any) -> list[dict[str, Any] | DataError]:
        """Answer for values that Python has.

        Args:
            values: a DataFrame, or rows of one; a mapping from column to cells; a row (a mapping from column to cell) or a
                list of them; or, where the task reads one column, a list of its cells: paths, texts, arrays, PIL pictures,
                mappings such as {"array": samples, "sampling_rate": 8000}. Of series also the rows of a DataFrame with a row
                a step, or a column a step. Tasks without columns take a list of texts and paths; optical flow also frames,
                those side by side as one sequence, and pairs of them, (first, second), as paths, bytes, arrays and PIL
                pictures.

        Returns:
            For each row, series, text or pair, in order, what `perceivers predict` writes of it; or the error that says why
            it cannot be read. A folder gives the answers of its files, then the errors of those that cannot be read.
        """
        task = self._column_task()
        if task is None:
            found = self.task.answer_values(self._asked, _listed(values))
            return [_advised(each) if isinstance(each, DataError) else dict(each.values) for each in found]
        table = _table(task, values)
        warn_of(task.truths_given(table))
        rows = ((table.name(index), table[index], table) for index in range(len(table)))
        answered = task.answer(self.parts, rows, prepared=self.prepared, shows=False)
        return [each if isinstance(each, DataError) else dict(each.values) for each in answered]

    def values(self, values: Any) -> dict[str, np.ndarray]:
        """Answer for values that Python has, in numbers, for programs that go on with these.

        Args:
            values: see `__call__`; at least one row.

        Returns:
            By the target, float64: probabilities [rows, classes] in the order of `names` (of several labels alike), or
            numbers [rows], or their quantiles [rows, num_quantiles]. A target is called as its column, or, where one column
            holds several tasks, as the task.

        Raises:
            DataError: a row cannot be read.
            ConfigurationError: the run's answers do not come from columns.
        """
        task = self._column_task()
        if task is None:
            raise ConfigurationError(
                f"`values` are given by runs whose answers come from columns, received one of {self.task.name}"
            )
        table = _table(task, values)
        rows = ((table.name(index), table[index], table) for index in range(len(table)))
        said = task.values(self.parts, rows, self.prepared)
        return {self.parts.processor.answers[name].title: each.numpy() for name, each in said.items()}

    def names(self, target: str) -> tuple[str, ...]:
        """The classes, or labels, of a target, in the order of their probabilities; none of a number."""
        answers = getattr(self.parts.processor, "answers", {}).values()
        for answer in answers:
            if answer.title == target:
                return tuple(answer.names)
        raise ConfigurationError(
            f"`target` must be one of {', '.join(answer.title for answer in answers)}, received {target!r}"
        )

    def predictions(
        self, inputs: Sequence[str], left_out: list[Unreadable] | None = None
    ) -> list[Prediction]:
        """Answer for files, folders and tables, as the command line names them.

        Args:
            inputs: at least one.
            left_out: receives what cannot be read; None: the first such input is an error.

        Raises:
            DataError: one of them cannot be read, and `left_out` is None.
        """
        from perceivers.tasks.option_advice import OF_ASKING, advising, without_options

        passed: list[Unreadable] | None = None if left_out is None else []
        with advising(*OF_ASKING):
            found = self.task.predict(self._asked, inputs, passed)
        if left_out is not None:
            left_out += (
                replace(each, reason=without_options(each.reason, OF_ASKING)) for each in passed or ()
            )
        return found

    def predictions_of_values(
        self, values: Any, left_out: list[Unreadable] | None = None
    ) -> list[Prediction]:
        """Answer for values that Python has, see `__call__`, with what pictures and pages need.

        Args:
            values: at least one row.
            left_out: see `predictions`.

        Raises:
            DataError: one of them cannot be read, and `left_out` is None.
            ConfigurationError: the run's answers do not come from columns.
        """
        from perceivers.tasks.base import Unreadable

        task = self._column_task()
        if task is None:
            raise ConfigurationError(f"`inputs` of {self.task.name} must be paths, received {_types(values)}")
        table = _table(task, values)
        warn_of(task.truths_given(table))
        rows = ((table.name(index), table[index], table) for index in range(len(table)))
        found = []
        for index, each in enumerate(task.answer(self.parts, rows, prepared=self.prepared)):
            if not isinstance(each, DataError):
                found.append(each)
            elif left_out is None:
                raise each
            else:
                left_out.append(Unreadable(table.source, index + 1, str(each)))
        return found

    def asking(self) -> Asking:
        """What people ask this run through: fields in, words and pictures out; nothing that they send is opened as a path."""
        from perceivers.tasks.registry import asking_of

        return asking_of(self.task, self.parts, self.prepared)

    @property
    def _asked(self) -> Parts:
        """The parts with the fast form, so that no task makes another one."""
        return replace(self.parts, prepared=self.prepared)

    def _column_task(self) -> ColumnTask[Any] | None:
        """The task, where its answers come from columns."""
        from perceivers.tasks.column_task import ColumnTask

        return self.task if isinstance(self.task, ColumnTask) else None


def load(run: str | PathLike[str], *, device: str = "auto", decimal: Asked = "auto") -> Predictor:
    """Load what `perceivers train` left in a folder.

    Args:
        run: the folder.
        device: "auto" (the accelerator that is there, else the processor), "cpu", or an accelerator such as "cuda:1".
        decimal: how what is asked about writes numbers in texts: "point", 0.5; "comma", 0,5; "grouped", 1,234.5; "auto": as
            the training table did, or otherwise where its cells can only be read so, which is told.

    Raises:
        ConfigurationError: no such device is there.
    """
    from perceivers.data.notation import ASKED
    from perceivers.tasks.column_task import ColumnTask
    from perceivers.tasks.registry import load_run

    require_choice("decimal", decimal, ASKED)
    task, parts, recorded_run = load_run(Path(run))
    if isinstance(task, ColumnTask):
        task.decimal, task.takes_strays = recorded_run.data.known_decimal, recorded_run.data.takes_strays
        task.asked_decimal = decimal
    parts.model.to(choose_device(device)).eval()
    recorded = Path(run) / RESULTS_FILE
    results = read_json(recorded) if recorded.is_file() else {}
    return Predictor(task, parts, parts.model.prepare(), results)


def _table(task: ColumnTask[Any], values: Any) -> Table:
    """What was given as a table; bare cells are those of the only column."""
    from perceivers.data.asked_values import asked_table

    table = asked_table(
        values, task.columns.columns_read, task.holds_rows, lambda given: _is_cell(task, given)
    )
    # Several threads may ask about one table; what is noted of it is not theirs.
    own = table.take(range(len(table))) if table is values else table
    own.decimal = task.decimal
    asked = task.to_be_asked(task.gathered(own))
    warn_of(asked.warnings)
    return asked


def _is_cell(task: ColumnTask[Any], given: Mapping[Any, Any]) -> bool:
    """Whether a mapping is a cell of the only column, as its kind has them, and no row with that column."""
    names = tuple(map(str, given))
    columns = task.columns_for(task.columns, names).columns_read
    if len(columns) > 1 or not names:
        return False
    return columns[0] not in names and task.columns.inputs[0].kind.keys_of_a_cell.issuperset(names)


def warn_of(lines: Iterable[str]) -> None:
    """Warn whoever asks in Python of cells that are read as something else than they say, where their own code asks."""
    level, frame = 1, sys._getframe()
    # Code given to `exec` may have globals without a name.
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "perceivers":
        level, frame = level + 1, frame.f_back
    for line in lines:
        warnings.warn(line, UserWarning, stacklevel=level)


def _with_fast_form(task: Task[Any], parts: Parts, results: Mapping[str, Any]) -> Predictor:
    return Predictor(task, parts, parts.model.prepare(), results)


def choose_device(device: str) -> str:
    """Name the torch device for "auto" (the accelerator that is there, else the processor), "cpu", or an accelerator's name.

    Raises:
        ConfigurationError: no such device is there.
    """
    import torch

    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if device == "auto":
        return "cpu" if accelerator is None else str(accelerator)
    here = ["cpu"]
    if accelerator is not None:
        numbered = (f"{accelerator.type}:{index}" for index in range(torch.accelerator.device_count()))
        here += [accelerator.type, *numbered]
    if device not in here:
        raise ConfigurationError(f"`device` must be one of auto, {', '.join(here)}, received {device!r}")
    return device


def _advised(error: DataError) -> DataError:
    """An error with no other options in it than those of asking."""
    from perceivers.tasks.option_advice import OF_ASKING, without_options

    return DataError(without_options(str(error), OF_ASKING))


def _types(values: Any) -> str:
    if not isinstance(values, Sequence):
        return type(values).__name__
    return ", ".join(dict.fromkeys(type(each).__name__ for each in values)) or "nothing"


def _listed(values: Any) -> list[Any]:
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise DataError(
            f"`values` must be a list, received {type(values).__name__}: put one value in a list, [value]"
        )
    return list(values)
