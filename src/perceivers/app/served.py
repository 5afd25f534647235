"""A run as it is served: the model, what is asked, what was measured, and the queue in front of it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool

from perceivers.app.batching import Answers, Batcher, Rows
from perceivers.app.examples import Examples
from perceivers.app.limits import Limits
from perceivers.app.questions import require_small
from perceivers.app.refusals import RefusedError
from perceivers.errors import DataError
from perceivers.kinds.asked import Sent
from perceivers.predictor import Predictor
from perceivers.tasks.asking.base import Example
from perceivers.tasks.base import Prediction

# Rows of a batch that several requests share.
MOST_AT_ONCE = 64


class ServedRun:
    """Everything that the routes share.

    Args:
        predictor: the run.
        folder: of the run, as the user named it.
        limits: what a question may take.
    """

    def __init__(self, predictor: Predictor, folder: str, limits: Limits) -> None:
        self.predictor, self.folder, self.limits = predictor, folder, limits
        self.asking = predictor.asking()
        self.fields = self.asking.fields
        self.examples = Examples(predictor, self.asking, folder)
        self.batcher = Batcher(
            self._answer,
            self.asking.write_on,
            most_at_once=MOST_AT_ONCE,
            most_waiting=limits.waiting,
            patience=limits.patience,
        )

    @property
    def name(self) -> str:
        """Of the run's folder."""
        return Path(self.folder).resolve().name

    @property
    def device(self) -> str:
        """Where the model is."""
        return str(self.predictor.parts.model.device)

    @property
    def score(self) -> dict[str, Any] | None:
        """The headline of the test part: `measure`, `value`, `part`, `samples`; None where nothing was measured."""
        measure, results = self.predictor.task.headline, self.predictor.results
        for part in ("test", "validation"):
            value = results.get(part, {}).get(measure)
            if value is not None:
                count = results.get("samples", {}).get(part)
                return {"measure": measure, "value": value, "part": part, "samples": count}
        return None

    @property
    def targets(self) -> list[dict[str, Any]]:
        """What is answered, of runs that answer columns: each target with its names."""
        answers = getattr(self.predictor.parts.processor, "answers", {})
        return [
            {"name": each.title, "answer": each.name, "names": list(each.names)} for each in answers.values()
        ]

    def described(self) -> dict[str, Any]:
        """What `GET /api/run` says."""
        return {
            "run": self.name,
            "task": self.predictor.task.name,
            "columns": [_plain(dataclasses.asdict(each)) for each in self.fields],
            "answers": self.targets,
            "score": self.score,
            "parameters": self.predictor.results.get("parameters"),
            "device": self.device,
            "versions": dict(self.predictor.results.get("versions", {})),
            "limits": dataclasses.asdict(self.limits),
        }

    async def require_small(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Raise RefusedError where a file is too large once it is decoded: its header says so, or the samples are counted."""
        known = {each.column for each in self.fields if each.form == "file"}
        for row in rows:
            for column, cell in row.items():
                if column in known and isinstance(cell, Sent):
                    extent = await run_in_threadpool(
                        self.asking.extent, column, cell.content, self.limits.seconds
                    )
                    require_small(column, extent, self.limits)

    def pieces(self, cells: Mapping[str, Any]) -> AsyncIterator[str | Prediction | DataError]:
        """The answer to a row piece by piece.

        Raises:
            RefusedError: the run answers at once.
        """
        if not self.asking.writes:
            raise RefusedError(404, "This run answers at once, not piece by piece. Ask /api/predict.")
        return self.batcher.pieces(cells)

    async def example(self, index: int) -> Example:
        """The example with a number.

        Raises:
            RefusedError: there is none.
        """
        found = await self.examples.opened()
        if not 0 <= index < len(found):
            raise RefusedError(404, f"There is no example {index}.")
        return found[index]

    def _answer(self, rows: Rows, shows: bool) -> Answers:
        return self.asking.answers(rows, shows=shows)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(each) if isinstance(each, tuple) else each for name, each in values.items()}
