"""The benchmark of many rows: what it prints of a few, and that workers who disagree are found out."""

from __future__ import annotations

from typing import Any

import pytest

import batch

# One pass that starts from nothing known.
SMALL = {**batch.SMALL, "epochs": 1, "linear_start": False}


def test_rows_a_second_are_printed_for_each_number_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "SMALL", SMALL)
    monkeypatch.setattr(batch, "ROWS_A_PART", 7)
    printed = batch.measure(17, [1])
    assert "17 rows of three columns, 7 a part" in printed
    (row,) = [line for line in printed.splitlines() if line.startswith("| 1 ")]
    rows_a_second, wall, busy = (cell.strip() for cell in row.split("|")[2:5])
    assert float(rows_a_second.replace(",", "")) > 0
    assert wall.endswith("s")
    assert busy.endswith("s")


def test_workers_who_answer_otherwise_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "SMALL", SMALL)
    answer, asked = batch.answers_of, []

    def off(folder: Any) -> Any:
        found = answer(folder)
        asked.append(folder)
        return found.assign(price=found["price"] + len(asked))

    monkeypatch.setattr(batch, "answers_of", off)
    with pytest.raises(AssertionError, match="price"):
        batch.measure(5, [1, 1])
