"""Columns of a run that starts from another: what they say of values is what the other's model has learned to read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from perceivers.answers.base import Answer
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input
from perceivers.tasks.saved_columns import FILE, read_columns


def known_inputs(start: str | None) -> tuple[Input, ...]:
    """What the run to start from reads; nothing of a checkpoint that says nothing of columns."""
    return _known(start)[0]


def in_order_of(columns: Columns, start: str | None) -> Columns:
    """These columns, before anything is read, with those that are one value in the order in which the other run has them."""
    orders = {frozenset(each.columns): each.columns for each in known_inputs(start)}
    inputs = tuple(
        replace(each, columns=orders.get(frozenset(each.columns), each.columns)) for each in columns.inputs
    )
    return replace(columns, inputs=inputs)


def reads_others(columns: Columns, start: str | None) -> bool:
    """Whether the run to start from reads other columns of a table than these, which may be as many of the same kinds."""
    known = {each.columns for each in known_inputs(start)}
    return bool(known) and any(each.by_column and each.columns not in known for each in columns.inputs)


def in_words(inputs: Iterable[Input]) -> str:
    """Columns with what they hold: "size (number), town (category)"."""
    return ", ".join(f"{column} ({each.kind.name})" for each in inputs for column in each.columns)


def as_started(columns: Columns, start: str | None, *, options_are_given: bool) -> Columns:
    """These columns with what the run to start from learned of the same ones: ranks and bins, categories, words, scales.

    Columns that it does not have, or has as another kind, stay as they are; whether the model fits is for others to say.

    Args:
        columns: settled columns.
        start: folder of the run; a checkpoint without columns has learned nothing of them.
        options_are_given: whether the user gave options of kinds, so that those of the other run do not count.
    """
    known, answered = _known(start)
    answers = {
        name: own.on_scale_of(answered[name])
        if name in answered and answered[name].column == own.column
        else own
        for name, own in columns.answers.items()
    }
    inputs = tuple(_as_known(each, _like(each, columns, known), options_are_given) for each in columns.inputs)
    return replace(columns, inputs=inputs, answers=answers)


def _known(start: str | None) -> tuple[tuple[Input, ...], Mapping[str, Answer]]:
    if start is None or not (Path(start) / FILE).is_file():
        return (), {}
    return read_columns(Path(start))


def _like(own: Input, columns: Columns, known: tuple[Input, ...]) -> Input | None:
    """The input of the other run that reads the same; an only one of a task for one kind of data may have another name."""
    is_only = len(columns.inputs) == len(known) == 1 and not own.by_column
    same = known if is_only else [each for each in known if each.columns == own.columns]
    return next((each for each in same if type(each.kind) is type(own.kind)), None)


def _as_known(own: Input, other: Input | None, options_are_given: bool) -> Input:
    if other is None:
        return own
    if own.by_column and own.kind.is_light and not options_are_given:
        # Its options were chosen for its rows; values of such kinds are read alike with any.
        return replace(own, kind=other.kind)
    taken = own.kind.with_state(other.kind.state())
    return replace(own, kind=taken) if taken.modalities() == other.kind.modalities() else own
