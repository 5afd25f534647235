"""Kinds that say of themselves that they change nothing while training do change nothing, and others may."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from perceivers.kinds.base import Kind
from perceivers.kinds.category.kind import CategoryKind
from perceivers.kinds.category.options import CategoryOptions
from perceivers.kinds.date.kind import DateKind
from perceivers.kinds.date.options import DateOptions
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.number.options import NumberOptions
from perceivers.kinds.registry import KINDS, kind_class
from perceivers.kinds.text.kind import TextKind
from perceivers.kinds.text.options import TextOptions
from perceivers.kinds.text.value import TextValue

TEXT = TextValue((b"one two three four five six seven",))
CASES = [
    (CategoryKind, CategoryOptions, {"category_hidden": 0.9}, ("a", "b", "c", "d", "e")),
    (NumberKind, NumberOptions, {"number_hidden": 0.9}, np.arange(5.0)),
    (DateKind, DateOptions, {"number_hidden": 0.9}, np.arange(6.0)),
    (TextKind, TextOptions, {"hide": 0.9}, TEXT),
    (TextKind, TextOptions, {"crop": 0.9}, TEXT),
    (TextKind, TextOptions, {"random_offset": 97}, TEXT),
]


@pytest.mark.parametrize(("kind", "options", "chosen", "value"), CASES)
def test_what_varies_is_changed_and_what_does_not_is_the_value_itself(
    kind: type[Kind], options: Any, chosen: dict[str, Any], value: Any
) -> None:
    resting, varying = kind(options()), kind(options(**chosen))
    assert not resting.varies
    assert varying.varies
    generators = [np.random.default_rng(seed) for seed in range(5)]
    assert all(_same(resting.vary(value, generator), value) for generator in generators)
    assert not all(_same(varying.vary(value, generator), value) for generator in generators)


def test_a_kind_that_says_nothing_of_itself_may_vary() -> None:
    kinds = [kind_class(name) for name in KINDS if name not in ("category", "number", "date", "text")]
    assert all(kind(kind.options_class()).varies for kind in kinds)


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, TextValue):
        return first.seen() == second.seen() and first.offset == second.offset
    return np.array_equal(first, second) if isinstance(first, np.ndarray) else first == second
