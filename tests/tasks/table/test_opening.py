"""What `--data` of a table may be beside tables: archives of series, learned and asked by the command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from perceivers.arguments import DataArguments
from perceivers.cli import main
from perceivers.errors import DataError
from perceivers.tasks.table.opening import open_any
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.task import TableTask
from tiny_tables import few_costs


def write_archive(folder: Path, *, num_rows: int = 31) -> Path:
    """Series whose level is their number, in two parts."""
    folder.mkdir()
    chance = np.random.default_rng(0)
    for part in ("TRAIN", "TEST"):
        lines = ["@problemName Levels", "@targetlabel true", "@data"]
        for level in chance.normal(size=num_rows):
            steps = level + 0.1 * chance.normal(size=13)
            lines.append(",".join(f"{step:.4f}" for step in steps) + f":{10.0 * level:.3f}")
        (folder / f"Levels_{part}.ts").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_parts_that_are_given_apart_may_be_tables_or_archives(tmp_path: Path) -> None:
    folder = write_archive(tmp_path / "levels")
    (tmp_path / "other.csv").write_text("series,label\n[1;2],3\n", encoding="utf-8")
    tables = open_any(DataArguments(data=str(folder), validation_data=str(tmp_path / "other.csv")))
    assert {part: len(table) for part, table in tables.items()} == {"train": 31, "test": 31, "validation": 1}  # type: ignore[arg-type]
    assert open_any(DataArguments(data=str(tmp_path / "other.csv")))["train"].columns == ("series", "label")


def test_numbers_of_an_archive_are_learned_inspected_and_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, run, said = write_archive(tmp_path / "levels"), tmp_path / "run", tmp_path / "said"
    asked = ["--data", str(folder), "--target", "label", "--output", str(run), "--steps", "1", "--quiet"]
    for command in (
        ["inspect", str(folder), "--target", "label"],
        ["train", "table", *asked],
        ["predict", str(run), str(folder / "Levels_TEST.ts"), "--output", str(said)],
    ):
        with few_costs(), pytest.raises(SystemExit) as ended:
            main(command)
        assert ended.value.code in (0, None), command
    assert "beside a linear model, from which it starts" in " ".join(capsys.readouterr().out.split())
    lines = (said / "predictions.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].split(",")[:3] == ["source", "label", "label_answer"]
    truth, answers = np.array([[float(cell) for cell in line.rsplit(",", 2)[1:]] for line in lines[1:]]).T
    assert np.corrcoef(truth, answers)[0, 1] > 0.9


def test_files_that_lie_beside_the_folder_of_their_table_are_told(tmp_path: Path) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "pictures").mkdir()
    rows = ["photo,size,kind"]
    for index in range(22):
        Image.new("L", (5, 3), 11 * index).save(tmp_path / "pictures" / f"{index}.png")
        rows.append(f"{index}.png,{index / 2},{'ab'[index % 2]}")
    table = tmp_path / "meta" / "list.csv"
    table.write_text("\n".join(rows) + "\n")
    said = (
        f"`{table}`: the column photo lists files of `{tmp_path / 'pictures'}`, which lies beside the table's folder, not "
        f"in it: move the table to the folder above both, `{tmp_path}`, or write the whole path of each file"
    )

    def loaded(path: Path, **chosen: Any) -> TableTask:
        task = TableTask(TableArguments(target=("kind",), **chosen))
        task.load_data(DataArguments(data=str(path)))
        return task

    with pytest.raises(DataError, match=re.escape(said)):
        loaded(table)
    loaded(table, ignore=("photo",))
    moved = tmp_path / "list.csv"
    moved.write_text(table.read_text())
    task = loaded(moved)
    assert [len(each) for each in task.tables_of(str(moved))] == [22]
    with pytest.raises(DataError, match=re.escape(said)):
        list(task.tables_of(str(table)))
