"""Questions to a model that writes on: a text, or whole numbers, in, what follows out, shown while it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from perceivers.answers.said import Said
from perceivers.errors import DataError
from perceivers.kinds.asked import Field, Sent
from perceivers.kinds.text.reading import encoded
from perceivers.models.generation.streaming import Streamer
from perceivers.tasks.asking.base import QUESTION, Asking, Example
from perceivers.tasks.base import Prediction
from perceivers.tasks.text_generation.codes import codes_of
from perceivers.tasks.text_generation.continuing import continued
from perceivers.tasks.text_generation.page import tokens_html
from perceivers.tasks.text_generation.prompts import prompt_of
from perceivers.tasks.text_generation.streaming import streamer_for

TEXT, SEED, WRITTEN = "text", "seed", "written"
# Values of an example that are given, and those behind them that are its truth.
MOST_GIVEN, MOST_TRUE = 120, 80


class WritingAsking(Asking):
    """See Asking; `task` is a TextGeneration."""

    writes: ClassVar[bool] = True
    shown_as: ClassVar[str] = "Token by token, darker where it was less likely"
    is_quick: ClassVar[bool] = False
    may_be_empty: ClassVar[bool] = True

    @property
    def fields(self) -> tuple[Field, ...]:
        """See Asking."""
        hint = "what is written on; nothing, to begin anew"
        if self.task.reads_events:  # type: ignore[attr-defined]
            hint = "whole numbers with spaces between them; nothing, to begin anew"
        return (
            Field(TEXT, TEXT, "words", hint),
            Field(SEED, "number", "number", "a whole number; another one gives another text"),
        )

    def read_and_answer(
        self, rows: Sequence[Mapping[str, Any]], folder: Path, *, shows: bool
    ) -> list[Prediction | DataError]:
        """See Asking."""
        found: list[Prediction | DataError] = []
        for row in rows:
            try:
                found.append(self._written(row, None))
            except DataError as error:
                found.append(error)
        return found

    def read_and_write(self, cells: Mapping[str, Any], write: Callable[[str], None]) -> Prediction:
        """See Asking."""
        return self._written(cells, streamer_for(codes_of(self.parts.processor), write))

    def said(self, prediction: Prediction) -> list[Said]:
        """See Asking."""
        values = prediction.values
        note = f"({values['tokens']:,} tokens, {values['bits_per_token']:.2f} bits each)"
        return [Said(WRITTEN, values[WRITTEN], note=note)]

    def html(self, prediction: Prediction) -> str:
        """See Asking; each token, the darker the less likely it was."""
        return tokens_html(prediction)

    def example(self, samples: Any, index: int) -> Example:
        """See Asking; a stretch of a text, and how it goes on."""
        crop, codes = samples[index], codes_of(self.parts.processor)
        values = crop.piece.values[max(crop.start - 1, 0) : crop.end]
        given = min(MOST_GIVEN, len(values) // 2)
        text, truth = (
            codes.shown(codes.encode(part).tolist()).strip("\ufffd")
            for part in (values[:given], values[given : given + MOST_TRUE])
        )
        return Example(samples.name(index), {TEXT: text}, {WRITTEN: truth})

    def python(self, cells: Mapping[str, Any]) -> str:
        """See Asking."""
        return repr([cells.get(TEXT, "")])

    def _written(self, cells: Mapping[str, Any], streamer: Streamer | None) -> Prediction:
        given = cells.get(TEXT, "")
        if not isinstance(given, str | Sent):
            raise DataError(f"{TEXT!r} must be a text, received {type(given).__name__}")
        text = given.content if isinstance(given, Sent) else encoded(given)
        prompt = prompt_of(QUESTION, text, self.task.reads_events)  # type: ignore[attr-defined]
        codes = codes_of(self.parts.processor)
        return continued(
            self.prepared,
            codes,
            prompt,
            self.task.arguments,
            seed=_seed(cells.get(SEED, 0)),
            streamer=streamer,
        )


def _seed(cell: Any) -> int:
    try:
        number = float(cell)
    except (TypeError, ValueError):
        number = -1.0
    if not (number.is_integer() and 0 <= number < 2**63):
        raise DataError(f"{SEED!r} must be a whole number of 0 or more, received {cell!r:.80}")
    return int(number)
