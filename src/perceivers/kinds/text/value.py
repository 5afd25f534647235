"""The texts of a row, as they are read, cut and hidden in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class TextValue:
    """The texts of a row, as they are read.

    Args:
        texts: UTF-8, in the order of the columns; None where a cell is empty.
        hidden: for each text that is there, the indices of bytes that are not to be seen.
        offset: empty positions before the first text.
    """

    texts: tuple[bytes | None, ...]
    hidden: tuple[tuple[int, ...], ...] = ()
    offset: int = 0

    @property
    def present(self) -> list[bytes]:
        """The texts that are there."""
        return [text for text in self.texts if text is not None]

    def with_present(self, texts: Sequence[bytes], **changed: Any) -> TextValue:
        """The same with other texts in the place of those that are there."""
        given = iter(texts)
        return replace(
            self, texts=tuple(None if text is None else next(given) for text in self.texts), **changed
        )

    def seen(self) -> list[bytes | None]:
        """The texts by column without their hidden bytes."""
        hidden = iter(self.hidden or ((),) * len(self.texts))
        return [None if text is None else _without(text, next(hidden)) for text in self.texts]


def _without(text: bytes, hidden: Sequence[int]) -> bytes:
    return bytes(np.delete(np.frombuffer(text, dtype=np.uint8), list(hidden))) if hidden else text
