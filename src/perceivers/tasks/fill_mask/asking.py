"""Questions to a model that fills gaps: a text with [MASK:7] in it, and for each gap the likeliest words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from perceivers.answers.said import Said
from perceivers.errors import DataError
from perceivers.kinds.asked import Field, Sent
from perceivers.kinds.text.reading import encoded
from perceivers.tasks.asking.base import Asking, Example
from perceivers.tasks.base import Prediction
from perceivers.tasks.fill_mask.answers import fill
from perceivers.tasks.fill_mask.prompts import parse

TEXT = "text"
# Gaps of an example: what is hidden in evaluation may be dozens of words.
MOST_GAPS = 3
# Bytes around the gaps of an example.
ROOM = 240


class FillMaskAsking(Asking):
    """See Asking; `task` is a FillMask."""

    shown_as: ClassVar[str] = "The text with its gaps filled"

    @property
    def fields(self) -> tuple[Field, ...]:
        """See Asking."""
        return (Field(TEXT, TEXT, "words", "[MASK] hides a byte, [MASK:7] a word of 7 bytes", needed=True),)

    def read_and_answer(
        self, rows: Sequence[Mapping[str, Any]], folder: Path, *, shows: bool
    ) -> list[Prediction | DataError]:
        """See Asking."""
        return [self._filled(row[TEXT]) for row in rows]

    def said(self, prediction: Prediction) -> list[Said]:
        """See Asking; a gap each."""
        return [
            Said(f"gap {number}", gap["answer"], gap["alternatives"], frozenset([gap["answer"]]))
            for number, gap in enumerate(prediction.values["gaps"], start=1)
        ]

    def html(self, prediction: Prediction) -> str:
        """See Asking; the whole text with its gaps filled."""
        pieces, gaps = prediction.shown["pieces"], prediction.values["gaps"]
        text = escape(pieces[0]) + "".join(
            f"<mark>{escape(gap['answer'])}</mark>{escape(piece)}"
            for gap, piece in zip(gaps, pieces[1:], strict=True)
        )
        return f"<p>{text}</p>"

    def example(self, samples: Any, index: int) -> Example:
        """See Asking; a piece of a text, a few of whose hidden words are asked for."""
        window = self.task.hidden_window(samples[index])  # type: ignore[attr-defined]
        piece, gaps = window.piece, window.hidden[:MOST_GAPS]
        begin = max(0, gaps[0][0] - ROOM) if gaps else 0
        end = min(len(piece), gaps[-1][1] + ROOM) if gaps else ROOM
        marked, read = b"", begin
        for first, last in gaps:
            marked += piece[read:first] + b"[MASK:%d]" % (last - first)
            read = last
        text = (marked + piece[read:end]).decode("utf-8", errors="ignore")
        truth = {
            f"gap {number}": piece[first:last].decode("utf-8", errors="replace")
            for number, (first, last) in enumerate(gaps, start=1)
        }
        return Example(samples.name(index), {TEXT: text}, truth)

    def python(self, cells: Mapping[str, Any]) -> str:
        """See Asking."""
        return repr([cells.get(TEXT, "")])

    def _filled(self, cell: Any) -> Prediction | DataError:
        try:
            if not isinstance(cell, str | Sent):
                raise DataError(f"{TEXT!r} must be a text, received {type(cell).__name__}")
            text = cell.content if isinstance(cell, Sent) else encoded(cell)
            prompt = parse(text, text.decode("utf-8", errors="replace"))
            return fill(self.prepared, self.parts.processor, prompt)
        except DataError as error:
            # Here it is no list of a command's inputs.
            return DataError(str(error).replace("`inputs`", f"`{TEXT}`"))
