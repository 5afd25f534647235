"""Whole numbers, such as the notes of a piece of music, as ids: a vocabulary of those that the data have."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from perceivers.errors import CheckpointError, DataError
from perceivers.records import write_json

FILE = "event_vocabulary.json"
# Ids 0 to 2 are padding, the start and the end of a sequence.
PAD_ID, BOS_ID, EOS_ID, FIRST_EVENT_ID = range(4)


class EventVocabulary:
    """Event number i of `events`, in ascending order, is id i + 3.

    Args:
        events: whole numbers, in any order and as often as one likes.
    """

    def __init__(self, events: Iterable[int]) -> None:
        self.events: NDArray[np.int64] = np.unique(np.fromiter(events, dtype=np.int64))
        if not len(self.events):
            raise DataError("`events` must hold a whole number at least, received none")

    @property
    def num_ids(self) -> int:
        """Ids, the three of padding, start and end included."""
        return len(self.events) + FIRST_EVENT_ID

    def encode(self, events: NDArray[np.int64]) -> NDArray[np.int64]:
        """Ids [length] of events [length].

        Raises:
            DataError: an event is none of the vocabulary.
        """
        places = np.searchsorted(self.events, events).clip(max=len(self.events) - 1)
        unknown = np.flatnonzero(self.events[places] != events)
        if len(unknown):
            first, last = self.events[0], self.events[-1]
            raise DataError(
                f"holds the event {events[unknown[0]]}, which the data of the training run did not have: they had "
                f"{len(self.events):,} from {first} to {last}"
            )
        return places.astype(np.int64) + FIRST_EVENT_ID

    def decode(self, ids: Iterable[int]) -> list[int]:
        """Events of ids; padding, start and end are left out."""
        return [int(self.events[each - FIRST_EVENT_ID]) for each in ids if each >= FIRST_EVENT_ID]

    def save_pretrained(self, folder: str | os.PathLike[str], **_options: Any) -> None:
        """Write the vocabulary into a folder."""
        write_json(Path(folder) / FILE, {"events": self.events.tolist()})

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str]) -> EventVocabulary:
        """Read what `save_pretrained` wrote."""
        path = Path(folder) / FILE
        try:
            return cls(json.loads(path.read_text(encoding="utf-8"))["events"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"`{path}` is no vocabulary of events: {error}") from error
