"""Tables some of whose columns are held."""

from __future__ import annotations

from pathlib import Path

from perceivers.data.frames import ColumnTable
from perceivers.data.held import HeldTable

CELLS = {"x": ["0,5", "1,5"], "y": ["a", "b"], "z": [1, 2]}


def test_a_held_table_reads_as_the_one_below_without_the_columns_left_out() -> None:
    table = ColumnTable(CELLS, "two", Path("root"))
    held = HeldTable(table, ["x"], ["z"])
    assert (len(held), held.columns, held.root) == (2, ("x", "z"), Path("root"))
    assert [held[index] for index in range(2)] == [{"x": "0,5", "z": 1}, {"x": "1,5", "z": 2}]
    assert held.column("x") == ["0,5", "1,5"]
    assert held.column("z") == [1, 2]
    assert held.name(1) == "two, row 2"


def test_a_held_table_keeps_what_was_said_of_the_one_below() -> None:
    table = ColumnTable(CELLS, "two")
    table.decimal = "comma"
    table.notes.append("read so")
    held = HeldTable(table, ["x"], ["z"])
    assert held.numbers("x").tolist() == [0.5, 1.5]
    assert held.numbers("z").tolist() == [1.0, 2.0]
    assert held.notes == ["read so"]
