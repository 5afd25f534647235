"""From what a cell holds to ids and back: bytes of texts, or whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from perceivers.processors.events import BOS_ID, EOS_ID, FIRST_EVENT_ID, PAD_ID, EventVocabulary
from perceivers.processors.tokenizer.byte_codec import FIRST_BYTE_ID, NUM_IDS

Ids = NDArray[np.int64]


class Codes(Protocol):
    """Ids of what a model reads and writes."""

    @property
    def pad_id(self) -> int:
        """Of padding."""

    @property
    def bos_id(self) -> int:
        """Of the start."""

    @property
    def eos_id(self) -> int:
        """Of the end."""

    @property
    def num_ids(self) -> int:
        """Of all kinds."""

    @property
    def suppressed(self) -> tuple[int, ...]:
        """Ids that are never written."""

    def encode(self, values: NDArray[Any]) -> Ids:
        """Ids of bytes or events."""

    def shown(self, ids: Sequence[int]) -> str:
        """What people read of ids."""


@dataclass(frozen=True)
class ByteCodes:
    """Ids of bytes, as the tokenizer has them."""

    pad_id: int = 0
    bos_id: int = 1
    eos_id: int = 2

    @property
    def num_ids(self) -> int:
        """See Codes."""
        return NUM_IDS

    @property
    def suppressed(self) -> tuple[int, ...]:
        """See Codes: padding, start, and what other tasks have."""
        return tuple(each for each in range(FIRST_BYTE_ID) if each != self.eos_id)

    def encode(self, values: NDArray[Any]) -> Ids:
        """See Codes."""
        return values.astype(np.int64) + FIRST_BYTE_ID

    def decode(self, ids: Sequence[int]) -> bytes:
        """Bytes of ids; others are left out."""
        return bytes(each - FIRST_BYTE_ID for each in ids if each >= FIRST_BYTE_ID)

    def shown(self, ids: Sequence[int]) -> str:
        """See Codes."""
        return self.decode(ids).decode("utf-8", errors="replace")


@dataclass(frozen=True)
class EventCodes:
    """Ids of events.

    Args:
        vocabulary: of the training run.
    """

    vocabulary: EventVocabulary
    pad_id: int = PAD_ID
    bos_id: int = BOS_ID
    eos_id: int = EOS_ID

    @property
    def num_ids(self) -> int:
        """See Codes."""
        return self.vocabulary.num_ids

    @property
    def suppressed(self) -> tuple[int, ...]:
        """See Codes."""
        return tuple(each for each in range(FIRST_EVENT_ID) if each != self.eos_id)

    def encode(self, values: NDArray[Any]) -> Ids:
        """See Codes."""
        return self.vocabulary.encode(values.astype(np.int64))

    def shown(self, ids: Sequence[int]) -> str:
        """See Codes."""
        return " ".join(map(str, self.vocabulary.decode(ids)))


def codes_of(processor: Any) -> Codes:
    """The codes of a run's processor."""
    return EventCodes(processor) if isinstance(processor, EventVocabulary) else ByteCodes()
