"""A run writes on and shows the text as it comes; what it shows is what it answers."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from perceivers.errors import ConfigurationError
from perceivers.processors.events import EventVocabulary
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer
from perceivers.tasks.fill_mask.task import FillMask
from perceivers.tasks.text_generation.streaming import stream
from tiny_writers import untrained


def test_what_is_shown_is_what_is_written() -> None:
    run = untrained(PerceiverTokenizer(), 262)
    pieces: list[str] = []
    answer = stream(run, "abc", pieces.append, seed=3, temperature=1.5)
    assert "".join(pieces) == answer.values["written"]
    assert len(pieces) > 1
    assert stream(run, "abc", pieces.append, seed=4, temperature=1.5).values != answer.values
    assert stream(run, "abc", pieces.append, max_new_tokens=2).values["tokens"] == 2


def test_events_are_shown_as_numbers() -> None:
    run = untrained(EventVocabulary(range(60, 70)), 13, event_column="notes")
    pieces: list[str] = []
    answer = stream(run, "60 61", pieces.append)
    assert "".join(pieces).split() == answer.values["written"].split()
    assert set(answer.values["written"].split()) <= {str(each) for each in range(60, 70)}


def test_other_runs_do_not_write() -> None:
    with pytest.raises(
        ConfigurationError, match="`folder` must be a run of text-generation, received one of fill-mask"
    ):
        stream(SimpleNamespace(task=FillMask()), "a", print)
