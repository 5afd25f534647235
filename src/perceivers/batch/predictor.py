"""BatchPredictor: a run as a function from a batch of rows to a batch of answers, for engines that carry it to machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.batch.columns import ERROR, answer_columns, cells_of
from perceivers.data.frames import table_of
from perceivers.data.notation import Asked
from perceivers.data.tables import Table
from perceivers.errors import ConfigurationError, DataError
from perceivers.predictor import Predictor, load, warn_of
from perceivers.tasks.column_task import ColumnTask


class BatchPredictor:
    """Answers batch after batch. It is small: what travels is the folder's name; the model is loaded where it is first asked.

    Example:
        predict = BatchPredictor("runs/houses", keep=["id"])
        predict({"id": [1, 2], "rooms": [3, 5]})  # {"id": ..., "price": ..., "price_low": ..., "error": ...}

    Args:
        run: folder of a training run whose answers come from columns; every machine must reach it under this name.
        keep: columns of the rows that go along beside the answers.
        device: "auto" or "cpu".
        root: folder that relative paths in the cells belong to; None for the working folder.
        decimal: how numbers are written in texts, see `perceivers.load`.
    """

    def __init__(
        self,
        run: str | PathLike[str],
        *,
        keep: Sequence[str] = (),
        device: str = "auto",
        root: str | PathLike[str] | None = None,
        decimal: Asked = "auto",
    ) -> None:
        self.run, self.device, self.decimal = fspath(run), device, decimal
        self.keep = tuple(keep)
        self.root = None if root is None else fspath(root)
        self._loaded: Predictor | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the model."""
        return {**vars(self), "_loaded": None}

    @property
    def predictor(self) -> Predictor:
        """The run, loaded when it is first asked for.

        Raises:
            ConfigurationError: its answers do not come from columns.
        """
        if self._loaded is None:
            found = load(self.run, device=self.device, decimal=self.decimal)
            if not isinstance(found.task, ColumnTask):
                raise ConfigurationError(
                    f"`run` must be one whose answers come from columns, received one of {found.task.name}"
                )
            self._loaded = found
        return self._loaded

    @property
    def columns(self) -> dict[str, type]:
        """Columns of the answers, name -> str or float, without `error` (str) and those that are kept."""
        return answer_columns(self.predictor.parts.processor.answers)

    def __call__(self, batch: Any) -> Any:
        """Answer for a batch.

        Args:
            batch: a DataFrame of pandas or polars, a pyarrow Table or RecordBatch, or a mapping from column to cells.

        Returns:
            The same kind of thing, a row a row, in order: the columns that are kept, the answers, and `error`, which says why
            a row could not be read and is missing of all others. Of a mapping, a mapping to NumPy arrays.

        Raises:
            DataError: the batch lacks the columns that the run reads.
        """
        if hasattr(batch, "to_arrow") and hasattr(batch, "get_columns"):
            # A frame of polars, which is made of a table of Arrow, too.
            return type(batch)(self(batch.to_arrow()))
        if hasattr(batch, "to_pydict"):
            import pyarrow

            cells = self._answered(batch.to_pydict(), batch.num_rows)
            types = {str: pyarrow.string(), float: pyarrow.float64()}
            made = {
                name: pyarrow.array(cells[name], types[kind])
                for name, kind in {**self.columns, ERROR: str}.items()
            }
            kept = {name: batch.column(name) for name in self.keep}
            return pyarrow.table({**kept, **made})
        if hasattr(batch, "to_dict") and hasattr(batch, "columns"):
            import pandas

            cells = self._answered({name: batch[name].tolist() for name in batch.columns}, len(batch))
            made = pandas.DataFrame(cells, index=batch.index).astype(self._pandas_types())
            return pandas.concat([batch[list(self.keep)], made], axis=1)
        columns = dict(batch)
        number = len(next(iter(columns.values()), ()))
        cells = self._answered({name: list(values) for name, values in columns.items()}, number)
        kinds = {**self.columns, ERROR: str}
        arrays = {
            name: np.array(values, dtype=np.float64 if kinds[name] is float else object)
            for name, values in cells.items()
        }
        return {**{name: columns[name] for name in self.keep}, **arrays}

    def answer_table(self, table: Table) -> dict[str, list[Any]]:
        """Answers about a table of the library's: column -> a cell a row, see `columns`, and `error`."""
        predictor = self.predictor
        rows = ((table.name(index), _row(table, index), table) for index in range(len(table)))
        answered = predictor.task.answer(  # type: ignore[attr-defined]
            predictor.parts, rows, prepared=predictor.prepared, shows=False
        )
        return cells_of(answered, predictor.parts.processor.answers, list(self.columns))

    def _answered(self, columns: Mapping[str, Sequence[Any]], number: int) -> dict[str, list[Any]]:
        if not number:
            return {name: [] for name in (*self.columns, ERROR)}
        table = table_of(columns, "batch", None if self.root is None else Path(self.root))
        asked = self.predictor.task.to_be_asked(table)  # type: ignore[attr-defined]
        warn_of(asked.warnings)
        return self.answer_table(asked)

    def _pandas_types(self) -> dict[str, Any]:
        return {name: "float64" if kind is float else "object" for name, kind in self.columns.items()}


def _row(table: Table, index: int) -> Mapping[str, Any] | DataError:
    """A row, or why it cannot be read."""
    try:
        return table[index]
    except DataError as error:
        return error
