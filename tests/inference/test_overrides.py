"""A description is believed where nothing further down the hierarchy changes what it describes."""

from __future__ import annotations

import pytest

from perceivers.inference.overrides import is_overridden


class Base:
    def compute(self) -> int:
        return 1

    def describe(self) -> str:
        return "one"


class ChangesBoth(Base):
    def compute(self) -> int:
        return 2

    def describe(self) -> str:
        return "two"


class ChangesOne(ChangesBoth):
    def compute(self) -> int:
        return 3


class ChangesTheDescription(Base):
    def describe(self) -> str:
        return "1"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(Base, False), (ChangesBoth, False), (ChangesOne, True), (ChangesTheDescription, False)],
)
def test_only_a_later_change_of_the_method_counts(kind, expected):
    assert is_overridden(kind(), "compute", "describe") is expected
    assert not is_overridden(kind(), "missing", "describe")
