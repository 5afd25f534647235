"""Errors about a question in the words of whoever asks it: without the options of commands, which nobody can give there."""

from __future__ import annotations

from collections.abc import Mapping

from perceivers.tasks.option_advice import without_options

# What a table has, and what a question has in its place.
_OTHERWISE: Mapping[str, str] = {"empty the cell": "leave it out"}


def in_words_of_a_question(text: str) -> str:
    """An error as a question has it: "expected a number, received 'heavy'; leave it out if nobody knows it".

    Args:
        text: as commands say it.
    """
    return without_options(text, reworded=_OTHERWISE)
