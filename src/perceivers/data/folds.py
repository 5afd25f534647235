"""The rows that are not tested on, divided several times: every row is held out once, and in the end all are learned from."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from perceivers.data.division import held_out
from perceivers.data.rows import RowSamples
from perceivers.data.splits import Splits


def can_be_folded(splits: Splits) -> bool:
    """Whether training and validation samples are rows of one table, of which some were held out."""
    train, validation = splits.train, splits.validation
    return (
        isinstance(train, RowSamples)
        and isinstance(validation, RowSamples)
        and train.table is validation.table
        and len(train) > 0
        and len(validation) > 0
    )


def whole(splits: Splits) -> Splits:
    """The parts with the validation rows among the training rows, in the order of the table.

    Args:
        splits: see `can_be_folded`.
    """
    train, validation = splits.train, splits.validation
    assert isinstance(train, RowSamples)
    assert isinstance(validation, RowSamples)
    indices = sorted({*train.indices, *validation.indices})
    return replace(splits, train=replace(train, indices=indices), validation=validation.select([]))


def folded(
    splits: Splits,
    count: int,
    seed: int,
    *,
    labels: str | None = None,
    groups: Sequence[Hashable] | None = None,
) -> list[Splits]:
    """Divisions of the rows that are not tested on, into training and validation rows (k-fold cross-validation).

    Args:
        splits: see `can_be_folded`.
        count: how many; 1 gives `splits` themselves. Where there are fewer groups, there are as many as groups.
        seed: of the choice.
        labels: column whose values all parts have the same share of.
        groups: of all rows of the table; those of one group are held out together.

    Returns:
        Splits; over all of them, every row is held out once (of 1, those of the validation part are).
    """
    if count == 1:
        return [splits]
    rows = whole(splits).train
    assert isinstance(rows, RowSamples)
    left = list(range(len(rows)))
    found = []
    for number in range(count):
        held = left
        if number < count - 1:
            _, places = held_out(
                rows.table,
                [rows.indices[place] for place in left],
                1.0 / (count - number),
                seed + number,
                labels=labels,
                labels_are_numbers=False,
                groups=groups,
            )
            held = [left[place] for place in places]
        apart = set(held)
        left = [place for place in left if place not in apart]
        kept = [place for place in range(len(rows)) if place not in apart]
        if held and kept:
            found.append(replace(splits, train=rows.select(kept), validation=rows.select(held)))
    return found
