"""A former run says that another one is to replace it, for as long as that is not complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from line_task import KilledTask, run
from perceivers.errors import RunInterrupted
from perceivers.training.replacing import line_of_new_run


def test_a_new_run_that_was_interrupted_is_told_of_until_it_has_been_resumed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert line_of_new_run(folder) is None
    run(folder)
    assert line_of_new_run(folder) is None
    task = KilledTask()
    task.killed_at, task.killed_by = 4, "SIGINT"
    with pytest.raises(RunInterrupted):
        run(folder, task, seed=5, overwrite=True)
    assert line_of_new_run(str(folder)) == (
        f"{folder} is the former run: the one that is to replace it is not complete yet, in {folder / '.new'}; to go on with "
        "it, repeat its `perceivers train` with --resume in the place of --overwrite"
    )
    # The new run itself is no former one.
    assert line_of_new_run(folder / ".new") is None
    run(folder, seed=5, resume=True)
    assert line_of_new_run(folder) is None


def test_where_no_former_run_is_left_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / ".new").mkdir()
    (tmp_path / ".new" / "arguments.yaml").write_text("task: table\n")
    assert line_of_new_run(tmp_path) is None
