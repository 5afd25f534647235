"""Examples of the run's own data that its weights were not fitted to, opened beside the server: the page need not wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from perceivers.data.evenly import spread_indices
from perceivers.errors import PerceiversError, one_line
from perceivers.predictor import Predictor
from perceivers.tasks.asking.base import Asking, Example
from perceivers.tasks.asking.wording import in_words_of_a_question
from perceivers.tasks.registry import load_task
from perceivers.training.evaluation import data_of_run

MOST_EXAMPLES = 12
# Seconds between two looks whether the data are open.
GLANCE = 0.05


class Examples:
    """Some samples of the validation part, evenly spread over it, or of the test part where the run learned from the other.

    Args:
        predictor: the run.
        asking: makes samples questions.
        folder: of the run.
    """

    def __init__(self, predictor: Predictor, asking: Asking, folder: str) -> None:
        self._predictor, self._asking, self._folder = predictor, asking, folder
        self._found: list[Example] = []
        self.problem = ""
        self._thread = threading.Thread(target=self._open, name="perceivers-examples", daemon=True)

    def start(self) -> None:
        """Begin to open the data."""
        self._thread.start()

    async def opened(self) -> Sequence[Example]:
        """The examples, once the data are open; none where they cannot be opened, and `problem` says why."""
        while self._thread.is_alive():
            await asyncio.sleep(GLANCE)
        return self._found

    def _open(self) -> None:
        try:
            # A task calls its columns as the data do that were opened last: this one is not asked.
            task, run = load_task(Path(self._folder))
            data = replace(data_of_run(run), unreadable="trust")
            splits = task.load_data(data, self._predictor.parts)
            # Samples that the weights were not fitted to.
            part: Literal["test", "validation"] = "test" if run.training.folds else "validation"
            samples = splits.part(part)
            if not hasattr(samples, "__len__"):
                self.problem = f"The data are a stream, which has no {part} part to choose examples from."
                return
            if not len(samples):
                self.problem = f"The run has no {part} part to choose examples from."
                return
            places = spread_indices(len(samples), MOST_EXAMPLES)
            self._found = [self._asking.example(samples, place) for place in places]
        except (PerceiversError, OSError) as error:
            self.problem = f"There are no examples: {in_words_of_a_question(one_line(error))}"
        except Exception as error:  # whatever readers of data raise: the page works without examples
            self.problem = f"There are no examples, because the data cannot be opened: {one_line(error)}"
