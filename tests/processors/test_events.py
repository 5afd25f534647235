"""A vocabulary of whole numbers."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.errors import CheckpointError, DataError
from perceivers.processors.events import EventVocabulary


def test_events_are_numbered_in_their_order_and_come_back(tmp_path) -> None:
    vocabulary = EventVocabulary([7, -5, 7, 300])
    assert vocabulary.num_ids == 6
    ids = vocabulary.encode(np.array([300, -5, 7]))
    assert ids.tolist() == [5, 3, 4]
    assert vocabulary.decode([1, *ids.tolist(), 2, 0]) == [300, -5, 7]
    vocabulary.save_pretrained(tmp_path)
    assert EventVocabulary.from_pretrained(tmp_path).events.tolist() == [-5, 7, 300]


def test_what_is_unknown_or_no_vocabulary_is_named(tmp_path) -> None:
    with pytest.raises(
        DataError, match=r"holds the event 400, which .* did not have: they had 2 from 7 to 300"
    ):
        EventVocabulary([7, 300]).encode(np.array([7, 400]))
    with pytest.raises(DataError, match="`events` must hold a whole number at least"):
        EventVocabulary([])
    with pytest.raises(CheckpointError, match="is no vocabulary of events"):
        EventVocabulary.from_pretrained(tmp_path)
