"""One run a folder; what dead processes hold, read-only disks, and processes that do not see each other's files."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import line_task
from forked import at_once, finished, ranks
from full_disk import full_disk
from line_task import run
from perceivers import folder_lock
from perceivers.errors import ConfigurationError, PerceiversError
from perceivers.folder_lock import LOCK_FILE, FolderLock
from perceivers.training import lock as training_lock
from perceivers.training.lock import require_shared


def test_a_second_run_into_the_same_folder_refuses_and_names_the_first(tmp_path: Path) -> None:
    held = FolderLock(tmp_path / "run")
    held.take()
    with pytest.raises(
        ConfigurationError,
        match=rf"`output` '.*run' is in use: process {os.getpid()} on .* writes into it; wait",
    ):
        run(tmp_path / "run")
    held.release()
    assert not (tmp_path / "run").exists(), "what was made for the lock alone is gone"
    run(tmp_path / "run")
    assert not (tmp_path / "run" / LOCK_FILE).exists()


def test_a_dead_process_holds_nothing(tmp_path: Path) -> None:
    def hold_and_die() -> None:
        FolderLock(tmp_path / "run").take()
        os.kill(os.getpid(), signal.SIGKILL)

    assert finished(hold_and_die).returncode == -signal.SIGKILL
    assert (tmp_path / "run" / LOCK_FILE).is_file()
    run(tmp_path / "run")
    assert not (tmp_path / "run" / LOCK_FILE).exists()


def test_an_error_before_training_lets_go_of_the_folder(tmp_path: Path) -> None:
    run(tmp_path / "run")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="already holds a training run"):
            run(tmp_path / "run")


def test_a_disk_that_is_read_only_is_found_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: Any) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(folder_lock.os, "open", refuse)
    with pytest.raises(PerceiversError, match="cannot be written to: Read-only file system; give another"):
        FolderLock(tmp_path / "run").take()
    assert not (tmp_path / "run").exists()


def test_a_folder_below_a_file_is_found_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PerceiversError, match=r"`output` '.*run' cannot be written to: Not a directory"):
        run(tmp_path / "file" / "run")


def test_processes_without_a_shared_disk_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import accelerate.utils

    monkeypatch.setattr(training_lock, "PATIENCE", 0.0)
    held = FolderLock(tmp_path / "one")
    held.take()
    mine: list[Any] = []

    def gather(said: list[Any]) -> list[Any]:
        mine.extend(said)
        return [(0, "alpha", "/data/one", True), *said]

    monkeypatch.setattr(accelerate.utils, "gather_object", gather)
    second: Any = SimpleNamespace(num_processes=2, process_index=1)
    require_shared(tmp_path / "one", held.token, SimpleNamespace(num_processes=1))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError) as error:
        require_shared(tmp_path / "two", held.token, second)
    assert "the main process writes into '/data/one' on alpha, which was not found by process 1 on " in str(
        error.value
    )
    assert f"with {str(tmp_path / 'two')!r}: give all of them the same --output on a shared disk" in str(
        error.value
    )
    mine.clear()
    require_shared(tmp_path / "one", held.token, second)
    assert mine[0][3] is True
    held.release()


def test_two_processes_with_different_folders_end_at_once(tmp_path: Path) -> None:
    def train_into_ones_own() -> None:
        training_lock.PATIENCE = 0.2
        line_task.main([str(tmp_path / f"run{os.environ['RANK']}")])

    for each in at_once(train_into_ones_own, [], ranks(2)):
        assert each.returncode == 1
        assert "`output` must be one folder that all processes share" in each.stderr
        assert f"{str(tmp_path / 'run1')!r}" in each.stderr
    assert not (tmp_path / "run0" / "results.json").exists()


def test_a_lock_that_is_no_json_is_some_process(tmp_path: Path) -> None:
    held = FolderLock(tmp_path / "run")
    held.take()
    (tmp_path / "run" / LOCK_FILE).write_text("torn")
    with pytest.raises(ConfigurationError, match="is in use: another process writes into it"):
        FolderLock(tmp_path / "run").take()
    held.release()


def test_a_disk_that_knows_no_locks_is_written_to_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def refuse(*given: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with folder_lock.alone_in(tmp_path / "out"):
        (tmp_path / "out" / "file").write_text("")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["file"]


def test_a_full_disk_is_found_before_the_work_is_done(tmp_path: Path) -> None:
    with (
        full_disk(),
        pytest.raises(PerceiversError, match=r"out' cannot be written to: .*; give another folder, or make"),
    ):
        FolderLock(tmp_path / "out").take()
    assert not (tmp_path / "out").exists()


def test_where_no_folder_is_named_none_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with folder_lock.alone_in(None):
        assert not list(tmp_path.iterdir())
