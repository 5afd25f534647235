"""A worker answers parts: it loads the run once, opens each input once, and writes each part whole or not at all."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perceivers.batch.columns import ERROR
from perceivers.batch.plan import Part, Plan
from perceivers.batch.predictor import BatchPredictor
from perceivers.batch.threads import threads_for
from perceivers.data.tables import Table
from perceivers.errors import MissingExtraError
from perceivers.records import whole_file, writing

# What says where a row is from; another name where an answer is called so.
SOURCE, ROW = "source", "row"


@dataclass(frozen=True)
class Done:
    """A part that is answered.

    Args:
        index: of the part.
        rows: of it.
        errors: rows of it that could not be read.
        seconds: taken.
    """

    index: int
    rows: int
    errors: int
    seconds: float


class PartWorker:
    """Answers parts of a plan.

    Args:
        plan: the job.
        output: folder that receives the parts.
        device: "auto" or "cpu".
    """

    def __init__(self, plan: Plan, output: str, device: str) -> None:
        require_pyarrow()
        self.plan, self.output = plan, Path(output)
        self._predict = BatchPredictor(plan.run, device=device, decimal=plan.decimal)
        self._tables: dict[int, list[Table]] = {}

    def __call__(self, part: Part) -> Done:
        """Answer a part and write its file: `source`, `row` (from 1), the answers, and `error`."""
        import pyarrow
        from pyarrow import parquet

        began = time.monotonic()
        source = self.plan.inputs[part.source]
        table = self._opened(part.source)[part.table]
        # Read in one go: a table on disk is slower a row at a time.
        model: Any = self._predict.predictor.parts.model
        with threads_for(model.num_parameters()):
            cells = self._predict.answer_table(table.take(range(part.start, part.stop)))
        rows = part.stop - part.start
        types = {str: pyarrow.string(), float: pyarrow.float64()}
        taken = self._predict.columns
        columns = {
            own_name(SOURCE, taken): pyarrow.array([source] * rows, pyarrow.string()),
            own_name(ROW, taken): pyarrow.array(range(part.start + 1, part.stop + 1), pyarrow.int64()),
            **{name: pyarrow.array(cells[name], types[kind]) for name, kind in {**taken, ERROR: str}.items()},
        }
        path = self.output / part.file
        with writing(path, "make room there, and run the same command again"), whole_file(path) as partial:
            parquet.write_table(pyarrow.table(columns), partial)
        errors = sum(error is not None for error in cells[ERROR])
        return Done(part.index, rows, errors, time.monotonic() - began)

    def sizes(self) -> list[list[int]]:
        """Rows of each table of each input.

        Raises:
            DataError: an input cannot be opened.
        """
        return [[len(table) for table in self._opened(source)] for source in range(len(self.plan.inputs))]

    def notes(self) -> list[str]:
        """What the user should know about how the inputs are read, each note once."""
        tables = [table for source in range(len(self.plan.inputs)) for table in self._opened(source)]
        return list(dict.fromkeys(note for table in tables for note in table.notes))

    def _opened(self, source: int) -> list[Table]:
        if source not in self._tables:
            task: Any = self._predict.predictor.task
            self._tables[source] = list(task.tables_of(self.plan.inputs[source]))
        return self._tables[source]


def own_name(name: str, taken: Any) -> str:
    """A column's name that no answer has."""
    while name in taken:
        name = f"{name}_of_row"
    return name


def require_pyarrow() -> None:
    """Raise MissingExtraError where parts cannot be written."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("pyarrow", "batch", "Prediction in parts") from error
