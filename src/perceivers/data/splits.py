"""Dividing samples into training, validation and test parts, the same way every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from perceivers.errors import DataError

PartName = Literal["train", "validation", "test", "all"]
PART_NAMES: tuple[PartName, ...] = ("train", "validation", "test", "all")


class Samples(Protocol):
    """Anything with a length whose items are samples: what a data loader draws from."""

    def __len__(self) -> int:
        """Count the samples."""

    def __getitem__(self, index: int, /) -> Any:
        """Give the sample at `index`, from 0."""


@dataclass(frozen=True)
class JoinedSamples:
    """Several lists of samples, one after the other."""

    parts: tuple[Samples, ...]

    def __len__(self) -> int:
        """Count the samples of all parts."""
        return sum(len(part) for part in self.parts)

    def __getitem__(self, index: int) -> Any:
        """Give the sample at `index` of the joined list."""
        for part in self.parts:
            if index < len(part):
                return part[index]
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
    """

    train: Samples
    validation: Samples
    test: Samples
    class_names: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    def part(self, name: PartName) -> Samples:
        """Give one part, or all of them joined."""
        if name == "all":
            return JoinedSamples((self.train, self.validation, self.test))
        if name not in PART_NAMES:
            raise DataError(f"`split` must be one of {', '.join(PART_NAMES)}, received {name!r}")
        part: Samples = getattr(self, name)
        return part


def hold_out(labels: Sequence[int], fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """Divide indices into kept and held out ones, the same share of every class.

    Args:
        labels: class id of each sample.
        fraction: share to hold out, in [0, 1]; a class of two or more gives at least one and keeps at least one.
        seed: seed of the choice; equal arguments give equal parts on every machine.

    Returns:
        Indices kept and indices held out, each in rising order.
    """
    generator = np.random.Generator(np.random.PCG64(seed))
    values = np.asarray(labels, dtype=np.int64)
    held: list[int] = []
    if fraction > 0.0:
        for label in np.unique(values):
            members = np.flatnonzero(values == label)
            count = min(max(round(fraction * len(members)), 1), len(members) - 1)
            held.extend(generator.permutation(members)[:count].tolist())
    chosen = set(held)
    return [index for index in range(len(values)) if index not in chosen], sorted(held)
