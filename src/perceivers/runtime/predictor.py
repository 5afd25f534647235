"""An exported run, asked without torch: the run's own readers, its files in onnxruntime, its own answers."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from perceivers.arguments.base import require_choice
from perceivers.errors import DataError
from perceivers.records import read_json
from perceivers.runtime.model import RuntimeModel
from perceivers.runtime.session import Session

# What reads and answers is imported with the first question: importing this package costs little.
if TYPE_CHECKING:
    import numpy as np

    from perceivers.data.notation import Asked

EXPORT_FILE = "export.json"


@dataclass(frozen=True)
class RuntimePredictor:
    """An exported folder, loaded once. Asking changes nothing in it, so several threads may share one.

    Args:
        folder: what `perceivers export` wrote.
        record: its `export.json`: the task, errors, sizes.
        session: of `model.onnx`.
        decimal: how what is asked about writes numbers in texts, see `perceivers.load`.
    """

    folder: Path
    record: Mapping[str, Any]
    session: Session
    decimal: Asked = "auto"

    def predict(
        self,
        inputs: Any,
        output: str | PathLike[str] | None = None,
        *,
        unreadable: Literal["stop", "skip"] = "stop",
    ) -> list[dict[str, Any]]:
        """Answer for files, tables and folders, or for rows and cells in memory; what `perceivers predict` says of them.

        Example:
            predictor = perceivers.runtime.load("exported/rooms")
            predictor.predict(["photo.jpg"])

        Args:
            inputs: see `perceivers.predict`.
            output: folder that receives `predictions.json`, `predictions.csv`, `errors.csv`, and files that answers name,
                such as `.flo` or `.mp4`; None writes nothing. Pictures are drawn by the run itself alone.
            unreadable: "stop" raises UnreadableError at the end where an input could not be read; "skip" does not.

        Returns:
            For each input, or row, that could be read, in order, its answer by column.

        Raises:
            ConfigurationError: what is given is none of its inputs.
            UnreadableError: some inputs cannot be read; the others are answered and written.
            DataError: none can be read.
        """
        from perceivers.training.prediction import answer_with

        require_choice("unreadable", unreadable, ("stop", "skip"))
        answered = answer_with(self._predictor, inputs, output, draws=False)
        if unreadable == "stop":
            answered.require_all()
        if all(isinstance(each, str | PathLike) for each in inputs):
            # Of rows in memory, whoever read them has warned.
            for note in dict.fromkeys(note for each in answered.predictions for note in each.notes):
                warnings.warn(note, UserWarning, stacklevel=2)
        return [dict(each.values) for each in answered.predictions]

    def run(self, given: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of `model.onnx` for arrays, by the names of its inputs; see Session."""
        return self.session.run(given)

    @property
    def encoder(self) -> Session:
        """`encoder.onnx`, of models whose outputs are asked for in parts: encode once, ask as often as wanted."""
        return self._model.encoder

    @property
    def decoder(self) -> Session:
        """`decoder.onnx`: what the encoder gives, and the points that are asked for, to their outputs."""
        return self._model.decoder

    @cached_property
    def _model(self) -> RuntimeModel:
        return RuntimeModel(self.session)

    @cached_property
    def _predictor(self) -> Any:
        from perceivers.arguments import from_mapping
        from perceivers.predictor import Predictor
        from perceivers.runtime.inputs import InputPredictor
        from perceivers.tasks.answering import AnsweringTask
        from perceivers.tasks.base import Parts
        from perceivers.tasks.columns import Columns
        from perceivers.tasks.registry import answers_of_export, arguments_class, task_class

        name = self.record["task"]
        arguments = from_mapping(arguments_class(name), self.record["arguments"])
        answers = answers_of_export(name)
        if answers is not None:
            return InputPredictor(name, answers, arguments, self._model)
        task = task_class(name)(arguments)
        assert isinstance(task, AnsweringTask)
        task.columns = Columns.from_pretrained(self.folder)
        task.decimal, task.takes_strays = self.record["decimal"], self.record.get("takes_strays", True)
        task.asked_decimal = self.decimal
        model: Any = self._model
        return Predictor(task, Parts(model, task.columns), model, {})


def load(folder: str | PathLike[str], *, decimal: Asked = "auto") -> RuntimePredictor:
    """Load what `perceivers export` wrote.

    Args:
        folder: of the export, in the format onnx.
        decimal: how what is asked about writes numbers in texts, see `perceivers.load`.

    Raises:
        DataError: the folder is no export.
        MissingExtraError: onnxruntime is not installed.
    """
    require_choice("decimal", decimal, ("auto", "point", "comma", "grouped"))
    folder = Path(os.fspath(folder))
    if not (folder / EXPORT_FILE).is_file():
        raise DataError(
            f"`folder` must be an export with a file {EXPORT_FILE}, received {str(folder)!r} without one; "
            "`perceivers export RUN --output FOLDER` writes such folders"
        )
    return RuntimePredictor(folder, read_json(folder / EXPORT_FILE), Session(folder / "model.onnx"), decimal)
