"""A piece of a text of which words are hidden: what the model is asked about at once."""

from __future__ import annotations

from dataclasses import dataclass

from perceivers.kinds.text.words import Span


@dataclass(frozen=True)
class TextWindow:
    """A piece of a text, and which of its words are hidden.

    Args:
        text: what the piece is cut from, UTF-8.
        start: of the piece, in bytes.
        end: of the piece.
        hidden: (start, end) of what is hidden in the piece, words or bytes; None where nothing is chosen yet.
        offset: empty positions before the text.
    """

    text: bytes
    start: int
    end: int
    hidden: tuple[Span, ...] | None = None
    offset: int = 0

    @property
    def piece(self) -> bytes:
        """The piece itself."""
        return self.text[self.start : self.end]
