"""The benchmark of tables, end to end on tiny models: its sets, its sides, its report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tables
from measuring import Outcome
from tables import BUNDLED, HEADER, SMALL, Measured, TableSet

MEBIBYTE = 2**20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One set of numbers, names and gaps; the last column is the target; beside it what is no set."""
    chance = np.random.default_rng(0)
    for part, count in (("train", 67), ("test", 31)):
        lines = ["size,colour,kind"]
        for index in range(count):
            size = chance.normal() + (index % 2) * 3
            lines.append(
                f"{'' if index % 11 == 5 else f'{size:.3f}'},{('red', 'blue')[index % 3 == 0]},{'ab'[index % 2]}"
            )
        (tmp_path / "fruit").mkdir(exist_ok=True)
        (tmp_path / "fruit" / f"{part}.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "notes").mkdir()
    return tmp_path


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(function: Callable[..., Any], *arguments: Any) -> Outcome:
        return Outcome(function(*arguments), 7 * MEBIBYTE)

    monkeypatch.setattr(tables, "in_fresh_process", run)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.usefixtures("in_this_process")
def test_the_report_has_every_side_of_every_measure(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "out" / "tables.md"
    tables.main(["--folder", str(folder), "--seeds", "0", "1", "--small", "--output", str(path)])
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Tables beside trees, tiny models\n")
    assert "0, 1, and ±" in text
    assert "## fruit: kind\n\nRows: train 61, validation 6, test 31. " in text
    assert "at most 7 MiB of memory" in text
    rows = {row[0]: row[1:] for line in text.splitlines() if line.startswith("|") for row in [cells(line)]}
    assert rows["measure"] == list(HEADER[1:])
    # 16 of the 31 test rows are of one class; both seeds guess alike.
    assert rows["accuracy"][2] in ("0.5161 ± 0.0000", "0.4839 ± 0.0000")
    assert float(rows["accuracy"][1].split()[0]) > 0.7
    assert 0.0 <= float(rows["accuracy"][0].split()[0]) <= 1.0
    assert "loss" not in rows


def test_bundled_sets_are_there_and_have_their_targets() -> None:
    from perceivers.data.bundled import bundled_tables

    for each in BUNDLED:
        columns = bundled_tables(each.data)["train"].columns
        assert set(each.targets) | set(each.options.values()) <= set(columns)


def test_options_of_a_set_reach_the_run(folder: Path) -> None:
    train = str(folder / "fruit" / "train.csv")
    apart = TableSet("fruit", train, ("kind",), options={"test_fraction": 0.5})
    found = tables.measure_run(apart, 0, SMALL)
    assert found.samples["test"] in (33, 34)
    # Training is told in tenths of seconds.
    assert found.whole_seconds > found.seconds >= 0.0
    assert set(found.measures) == {"this model", "trees", "majority"}


def test_a_mean_has_the_spread_of_several_runs() -> None:
    assert tables.said([1.0, 2.0, 3.0]) == "2.0000 ± 1.0000"
    assert tables.said([0.25]) == "0.2500"
    assert tables.said([None, None]) == "-"
    run = Measured(
        {"this model": {"r2": 1.0, "loss": 2.0}, "trees": {}, "majority": {}}, {"train": 2}, 1, 3.0, 5.0
    )
    assert cells(tables.report_of(TableSet("x", "x", ("y",)), [run], [None]).splitlines()[-1]) == [
        "r2",
        "1.0000",
        "-",
        "-",
    ]


def test_a_folder_without_sets_and_an_unknown_set_are_named(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(SystemExit, match=r"`folder` must hold folders with train\.csv and test\.csv"):
        tables.main(["--folder", str(folder / "notes")])
    with pytest.raises(SystemExit, match="`sets` must be among fruit, received adult"):
        tables.main(["--folder", str(folder), "--sets", "adult"])
