"""Names are found in the forms that other files and programs give them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceivers.data.known_names import KnownNames


@pytest.mark.parametrize(
    ("names", "cell", "found"),
    [
        (("red", "blue"), " blue ", "blue"),
        (("red", "blue"), "Blue", None),
        (("TRUE", "FALSE"), True, "TRUE"),
        (("TRUE", "FALSE"), np.False_, "FALSE"),
        (("True", "False"), "true", "True"),
        # Two names are told apart by their letters alone: no other form says which is meant.
        (("TRUE", "true", "false"), True, None),
        (("0", "1"), "1.0", "1"),
        (("0", "1"), 1.0, "1"),
        (("0.0", "1.0"), 1, "1.0"),
        (("1", "1.5"), "1.0", None),
        (("1", "1.5"), 1.0, "1"),
        (("0", "1"), "01", None),
        (("02134", "10001"), 2134, "02134"),
        (("02134", "10001"), 2134.0, "02134"),
        (("02134", "2134"), 2134, "2134"),
        (("02134", "002134"), 2134, None),
        (("1.50", "a"), 1.5, "1.50"),
        (("1e3", "nan", "1_0"), 1000, None),
        (("1e3", "nan", "1_0"), float("nan"), "nan"),
        (("a", "b"), float("inf"), None),
        (("1", "0"), True, None),
    ],
)
def test_a_name_is_found_in_another_form_where_only_one_can_be_meant(
    names: tuple[str, ...], cell: Any, found: str | None
) -> None:
    known = KnownNames(names)
    assert known.name_of(cell) == found
    assert known.find(cell) == (None if found is None else names.index(found))


@given(st.lists(st.text(min_size=1).filter(lambda name: name == name.strip()), unique=True, min_size=1))
def test_every_name_is_found_by_itself(names: list[str]) -> None:
    known = KnownNames(tuple(names))
    assert [known.find(name) for name in names] == list(range(len(names)))
