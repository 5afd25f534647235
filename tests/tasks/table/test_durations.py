"""Columns of durations in files and frames: what they are taken for, and how they come back."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

import pandas as pd
import pytest

from perceivers.arguments import DataArguments
from perceivers.cli import main
from perceivers.data.frames import table_of
from perceivers.data.opening import open_tables
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.plan import TablePlan, plan_table
from perceivers.tasks.table.task import TableTask

COUNT = 67
FRAME = pd.DataFrame(
    {
        "took": [f"{index % 3}:{index % 60:02d}:00" for index in range(COUNT)],
        "lag": pd.to_timedelta([index * 1.5 for index in range(COUNT)], unit="s"),
        "open": [time(index % 24, index % 60) for index in range(COUNT)],
        "score": [f"{index % 4}:{index % 3}" for index in range(COUNT)],
        "price": [index * 0.7 for index in range(COUNT)],
    }
)


def planned(table: object) -> TablePlan:
    return plan_table(table, TableArguments(target=("price",)))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["frame", "parquet", "csv"])
def test_they_are_numbers_of_seconds_wherever_they_come_from(kind: str, tmp_path: Path) -> None:
    if kind == "frame":
        table = table_of(FRAME)
    else:
        path = tmp_path / f"t.{kind}"
        FRAME.to_parquet(path) if kind == "parquet" else FRAME.to_csv(path, index=False)
        table = open_tables(DataArguments(data=str(path)), ())["train"]  # type: ignore[assignment]
    plan = planned(table)
    said = {each.name: (each.kind, each.note) for each in plan.columns}
    for name in ("took", "lag", "open"):
        assert said[name] == ("number", "durations, in seconds")
    assert said["score"][0] == "category", "two to one is no duration"
    (numbers, _) = plan.chosen.inputs
    values = numbers.read(table[61], table)
    # 1:01:00, 91.5 s, 13:01
    assert values.tolist() == [3660.0, 91.5, 13 * 3600.0 + 60.0]


def test_a_gap_among_them_is_counted() -> None:
    frame = FRAME.assign(lag=FRAME["lag"].where(FRAME.index % 10 != 3))
    (lag,) = (each for each in planned(table_of(frame)).columns if each.name == "lag")
    assert lag.missing == pytest.approx(7 / COUNT)
    assert lag.distinct == 60


def test_rows_come_back_with_times_as_texts() -> None:
    row = {"lag": timedelta(seconds=91.5), "open": time(13, 1), "price": 3.0, "photo": b"..."}
    assert TableTask().columns_of(row, {}) == {"lag": "0:01:31.500000", "open": "13:01:00", "price": 3.0}


def test_inspect_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    FRAME.assign(took=[*FRAME["took"][:-1], "slow"]).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(SystemExit) as ended:
        main(["inspect", str(tmp_path / "t.csv"), "--target", "took"])
    assert ended.value.code == 0
    words = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for word in ("durations,", "seconds", "('slow')"):
        assert word in words
