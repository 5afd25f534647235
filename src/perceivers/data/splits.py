"""Dividing samples into training, validation and test parts, the same way every time."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from perceivers.data.numbers import Decimal, numbers_of
from perceivers.errors import DataError

PartName = Literal["train", "validation", "test", "all"]
# Ranges of numbers that a part has the same share of.
MOST_RANGES = 10
FEWEST_IN_RANGE = 20
PART_NAMES: tuple[PartName, ...] = ("train", "validation", "test", "all")


class Samples(Protocol):
    """Anything with a length whose items are samples: what a data loader draws from."""

    def __len__(self) -> int:
        """Count the samples."""

    def __getitem__(self, index: int, /) -> Any:
        """Give the sample at `index`, from 0."""

    def name(self, index: int, /) -> str:
        """What errors and results call the sample at `index`."""


@dataclass(frozen=True)
class JoinedSamples:
    """Several lists of samples, one after the other."""

    parts: tuple[Samples, ...]

    def __len__(self) -> int:
        """Count the samples of all parts."""
        return sum(len(part) for part in self.parts)

    def __getitem__(self, index: int) -> Any:
        """Give the sample at `index` of the joined list."""
        part, inside = self._at(index)
        return part[inside]

    def name(self, index: int) -> str:
        """See Samples."""
        part, inside = self._at(index)
        return part.name(inside)

    def _at(self, index: int) -> tuple[Samples, int]:
        for part in self.parts:
            if index < len(part):
                return part, index
            index -= len(part)
        raise IndexError("`index` is past the last sample")


@dataclass(frozen=True)
class Splits:
    """The three parts of a data set.

    Args:
        train: samples that the weights are fitted to.
        validation: samples watched while training; may be empty.
        test: samples that nothing is chosen by.
        class_names: name of each label id, for tasks that have labels.
        unreadable: one line for each sample that was left out because it cannot be read.
        notes: what the user should know of the data before training: how they were read and divided.
        odd_cells: one line for each column with cells that are read as something else than they say: as missing, as the
            largest number.
        decimal: how numbers were read that the tables hold as text, see `perceivers.data.numbers.number_of`.
        without_target: number of rows of each part that were left out because they have no target at all.
    """

    train: Samples
    validation: Samples
    test: Samples
    class_names: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    odd_cells: tuple[str, ...] = ()
    decimal: Decimal = "point"
    without_target: Mapping[str, int] = field(default_factory=dict)

    def num_without_target(self, name: PartName = "all") -> int:
        """Count the rows of a part, or of all of them, that were left out because they have no target at all."""
        return sum(self.without_target.values()) if name == "all" else self.without_target.get(name, 0)

    def part(self, name: PartName) -> Samples:
        """Give one part, or all of them joined."""
        if name == "all":
            return JoinedSamples((self.train, self.validation, self.test))
        if name not in PART_NAMES:
            raise DataError(f"`split` must be one of {', '.join(PART_NAMES)}, received {name!r}")
        part: Samples = getattr(self, name)
        return part


def hold_out(strata: Sequence[Hashable], fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """Divide indices into kept and held out ones, the same share of every stratum.

    Args:
        strata: what each sample is one of, such as its class; all alike where it does not matter.
        fraction: share to hold out, in [0, 1]; a stratum of two or more gives at least one and keeps at least one.
        seed: seed of the choice; equal arguments give equal parts on every machine.

    Returns:
        Indices kept and indices held out, each in rising order.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    members: dict[Hashable, list[int]] = {}
    for index, stratum in enumerate(strata):
        members.setdefault(stratum, []).append(index)
    held: list[int] = []
    if fraction > 0.0:
        for stratum in sorted(members, key=_natural):
            count = min(max(round(fraction * len(members[stratum])), 1), len(members[stratum]) - 1)
            held.extend(generator.permutation(members[stratum])[:count].tolist())
    chosen = set(held)
    return [index for index in range(len(strata)) if index not in chosen], sorted(held)


def strata_of(values: Sequence[Any], *, numbers: bool = False) -> list[str]:
    """What `hold_out` may keep the shares of, for the values of a column.

    Args:
        values: a class, a label, or a number a sample; missing ones are a stratum of their own.
        numbers: whether the values are numbers. Then a stratum is a range of them with about as many samples as every other,
            so that a part has small and large ones; there are at most ten ranges, of twenty samples or more.

    Returns:
        A stratum a sample.

    Raises:
        DataError: `numbers` is true and a value is none.
    """
    if not numbers:
        return [str(value) for value in values]
    found = numbers_of(values, "target", lambda index: f"sample {index + 1}")
    is_there = np.isfinite(found)
    ranges = min(max(int(is_there.sum()) // FEWEST_IN_RANGE, 1), MOST_RANGES)
    bounds = np.quantile(found[is_there], np.arange(1, ranges) / ranges) if ranges > 1 else np.empty(0)
    places = np.searchsorted(bounds, found, side="right")
    return [str(place) if there else "missing" for place, there in zip(places, is_there, strict=True)]


def hold_out_groups(groups: Sequence[Hashable], fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """Divide indices into kept and held out ones; samples of one group stay together.

    Args:
        groups: what each sample belongs to, such as the document that it was cut from.
        fraction: share of the groups to hold out, in [0, 1]; of two groups or more at least one is held out and one kept.
        seed: see `hold_out`.

    Returns:
        Indices kept and indices held out, each in rising order.
    """
    names = sorted(set(groups), key=_natural)
    _, held = hold_out([""] * len(names), fraction, seed)
    chosen = {names[index] for index in held}
    kept = [index for index, group in enumerate(groups) if group not in chosen]
    return kept, [index for index, group in enumerate(groups) if group in chosen]


def _natural(value: Hashable) -> tuple[int, float, str]:
    """Numbers by size, then all else by letter."""
    text = str(value)
    return (0, float(text), "") if text.removeprefix("-").isdecimal() else (1, 0.0, text)
