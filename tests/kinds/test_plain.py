"""Cells as those read them who know nothing of kinds, such as trees."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.kinds.registry import kind_class

TABLE = ListTable([{"column": None}], "table")
TABLE.decimal = "comma"


@pytest.mark.parametrize(
    ("kind", "cell", "expected"),
    [
        ("number", "1,5", 1.5),
        ("number", 3, 3.0),
        ("number", "n/a", None),
        ("category", " red ", "red"),
        ("category", 7, "7"),
        ("category", "", None),
        ("date", "31.03.2024", datetime(2024, 3, 31, tzinfo=UTC)),
        ("date", None, None),
        ("text", "a sentence", "a sentence"),
        ("text", "  ", None),
    ],
)
def test_a_cell_is_a_number_a_text_or_a_date(kind: str, cell: Any, expected: Any) -> None:
    found = kind_class(kind)
    assert found(found.options_class()).plain(cell, "column", TABLE) == expected


def test_a_text_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("written")
    kind = kind_class("text")
    table = ListTable([{"note": "note.txt"}], "table", root=tmp_path)
    assert kind(kind.options_class()).plain("note.txt", "note", table) == "written"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("number", "in the column 'size': expected a number, received 'long'"),
        ("date", "has 'long' in the column 'size', where a date such as"),
    ],
)
def test_what_is_no_number_or_date_is_named(kind: str, message: str) -> None:
    found = kind_class(kind)
    with pytest.raises(DataError, match=message):
        found(found.options_class()).plain("long", "size", TABLE)
