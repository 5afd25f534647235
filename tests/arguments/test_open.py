"""Options that are left open, filled and completed."""

from __future__ import annotations

import pickle
from dataclasses import asdict, dataclass
from typing import Any

import pytest

from perceivers.arguments.base import from_mapping, require_at_least
from perceivers.arguments.open import AUTO, completed, filled, given, is_open, left_open, usual_values
from perceivers.errors import ConfigurationError


@dataclass(frozen=True, kw_only=True)
class Base:
    """Options of a kind."""

    steps: int = 3
    rate: float | None = 0.5
    name: str = "x"

    def __post_init__(self) -> None:
        require_at_least(1, self, "steps")


@left_open(Base, "width", but=("name",))
@dataclass(frozen=True, kw_only=True)
class Chosen(Base):
    """Options of a task."""

    width: int = 7
    column: str | None = None
    size: str = AUTO


def test_what_is_not_given_is_open_but_for_what_is_left_out() -> None:
    chosen: Any = Chosen()
    assert asdict(chosen) == {
        "steps": AUTO, "rate": AUTO, "name": "x", "width": AUTO, "column": None, "size": AUTO,
    }  # fmt: skip
    assert given(chosen) == {"name": "x", "column": None, "size": AUTO}
    assert usual_values(Chosen) == {"steps": 3, "rate": 0.5, "width": 7}
    assert [is_open(chosen, name) for name in ("steps", "name", "column")] == [True, False, True]


def test_the_first_value_stays_and_the_usual_ones_come_last() -> None:
    chosen: Any = filled(Chosen(steps=5), {"steps": 11, "width": 13, "unknown": 1})
    assert (chosen.steps, chosen.width, chosen.rate) == (5, 13, AUTO)
    assert asdict(completed(chosen)) == {
        "steps": 5, "rate": 0.5, "name": "x", "width": 13, "column": None, "size": AUTO,
    }  # fmt: skip


def test_none_is_a_value_where_it_can_be_one_and_leaves_open_elsewhere() -> None:
    chosen: Any = Chosen(rate=None, steps=None)  # type: ignore[arg-type]
    assert chosen.rate is None
    assert chosen.steps == AUTO
    assert filled(chosen, {"rate": 2.0, "steps": 2}) == Chosen(rate=None, steps=2)


def test_with_the_usual_size_nothing_is_open() -> None:
    assert asdict(Chosen(size="usual", width=2)) == {
        "steps": 3, "rate": 0.5, "name": "x", "width": 2, "column": None, "size": "usual",
    }  # fmt: skip


def test_what_is_given_is_checked_at_once_and_what_is_filled_in_too() -> None:
    with pytest.raises(ValueError, match="`steps` must be at least 1, received 0"):
        Chosen(steps=0)
    with pytest.raises(ValueError, match="`steps` must be at least 1, received -2"):
        filled(Chosen(), {"steps": -2})


def test_it_is_one_class_for_the_rest_of_the_world() -> None:
    chosen = Chosen(width=2)
    assert pickle.loads(pickle.dumps(chosen)) == chosen
    assert isinstance(chosen, Base)
    assert Chosen.__doc__ == "Options of a task."


def test_a_file_may_write_that_an_option_is_left_open() -> None:
    assert from_mapping(Chosen, {"steps": "auto", "width": None, "rate": None}) == Chosen(rate=None)
    with pytest.raises(ConfigurationError, match="`name` must be a text, received None"):
        from_mapping(Chosen, {"name": None})
