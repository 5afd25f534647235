"""What a field takes from a file, and how its type is said."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from perceivers.arguments import TrainingArguments, from_mapping
from perceivers.arguments.field_types import fits, said
from perceivers.errors import ConfigurationError


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (3, int), (3, float), (0.5, float), ("a", str), (True, bool), (None, int | None), (3, int | None),
        ("b", Literal["a", "b"]), (3, Literal[1, 3]), ((), tuple[str, ...]), ((0.5, 3), tuple[float, ...]), (object(), Any),
    ],
)  # fmt: skip
def test_values_of_the_type_fit(value: Any, wanted: Any) -> None:
    assert fits(value, wanted)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (True, int), (True, float), (3.0, int), ("3", int), (None, int), ("c", Literal["a", "b"]), (True, Literal[1, 3]),
        ("ab", tuple[str, ...]), ((3, "a"), tuple[int, ...]), (1, bool), (3, str), ([], str | None),
    ],
)  # fmt: skip
def test_other_values_do_not(value: Any, wanted: Any) -> None:
    assert not fits(value, wanted)


def test_types_are_said_in_words() -> None:
    assert said(int | None) == "a whole number or null"
    assert said(tuple[float, ...]) == "a list of which each is a number"
    assert said(Literal["a", "b"]) == "one of a, b"


def test_a_value_of_another_type_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match=r"`epochs` must be a whole number or null, received 'ten'"):
        from_mapping(TrainingArguments, {"epochs": "ten"})
