"""Many rows are answered in parts: in order, once, alike by any number of workers, whatever stops the process."""

from __future__ import annotations

import json
import os
import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet
import pytest
import torch

import perceivers.batch.job as job
import perceivers.batch.processes as processes
from full_disk import full_disk
from perceivers.batch.job import predict_in_parts
from perceivers.batch.plan import Plan
from perceivers.batch.worker import PartWorker
from perceivers.cli import main
from perceivers.errors import ConfigurationError, DataError, MissingExtraError, PerceiversError
from perceivers.predictor import load
from tiny_tables import fit_tiny, fruit, rows_of, without, write_table

COLUMNS = {
    "source": "string", "row": "int64", "kind": "string", "kind_probability": "double", "price": "double", "error": "string"
}  # fmt: skip
ASKED = without(fruit(23, seed=2), "price", "kind", "tags", "noise")
# Of this row nothing can be read.
BROKEN = 13


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fruit") / "run"
    fit_tiny(without(fruit(53), "tags", "noise"), ["kind", "price"], output=folder, epochs=1)
    return folder


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    columns = {**ASKED, "size": list(ASKED["size"])}
    columns["size"][BROKEN - 1] = "wide"
    return write_table(tmp_path_factory.mktemp("asked") / "big.csv", columns)


def test_a_torn_row_of_the_file_keeps_its_place_and_says_why(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "torn.csv"
    path.write_text("size,colour\n1.5,red\n2.5\n3.5,blue\n")
    report = predict_in_parts(run, [str(path)], tmp_path / "out", device="cpu")
    assert (report.rows, report.errors) == (3, 1)
    found = read(tmp_path / "out")
    assert found["row"].tolist() == [1, 2, 3]
    assert found["kind"].isna().tolist() == [False, True, False]
    assert "row 2 (line 3): expected 2 fields" in found["error"][1]


def read(folder: Path) -> pd.DataFrame:
    parts = sorted(folder.glob("part-*.parquet"))
    return pd.concat([pd.read_parquet(part) for part in parts], ignore_index=True)


@pytest.fixture(scope="module")
def answered(run: Path, table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By one process, in parts of 5 rows."""
    folder = tmp_path_factory.mktemp("answers")
    report = predict_in_parts(run, [str(table)], folder, rows_per_part=5, device="cpu")
    assert (report.rows, report.errors, report.parts, report.parts_before, report.rows_now) == (
        23,
        1,
        5,
        0,
        23,
    )
    assert report.rows_a_second > 0
    return folder


def test_every_row_is_answered_in_order_and_an_unreadable_one_says_why(
    run: Path, table: Path, answered: Path
) -> None:
    found = read(answered)
    for part in answered.glob("part-*.parquet"):
        schema = pyarrow.parquet.read_schema(part)
        assert {name: str(schema.field(name).type) for name in schema.names} == COLUMNS
    assert found["row"].tolist() == list(range(1, 24))
    assert set(found["source"]) == {str(table)}
    (broken,) = found[found["error"].notna()].to_dict("records")
    assert broken["row"] == BROKEN
    assert "wide" in broken["error"]
    assert pd.isna(broken["kind"])
    expected = load(run, device="cpu")(rows_of(ASKED))
    for row, said in enumerate(expected):
        if row != BROKEN - 1:
            assert found["kind"][row] == said["kind"]
            assert found["price"][row] == pytest.approx(said["price"], rel=1e-4)
            assert found["kind_probability"][row] == pytest.approx(said["kind_probability"], rel=1e-4)
    assert json.loads((answered / "_SUCCESS").read_text()) == {"rows": 23, "errors": 1, "parts": 5}


def test_a_session_goes_on_without_doing_a_part_twice(
    run: Path, table: Path, answered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[int] = []
    whole = PartWorker.__call__

    def call(self: PartWorker, part: Any) -> Any:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(part.index)
        return whole(self, part)

    monkeypatch.setattr(PartWorker, "__call__", call)
    with pytest.raises(KeyboardInterrupt):
        predict_in_parts(run, [str(table)], tmp_path, rows_per_part=5, device="cpu")
    assert not (tmp_path / "_SUCCESS").exists()
    (tmp_path / ".part-000003.parquet.partial").write_text("half")
    first, done[:] = list(done), []
    report = predict_in_parts(run, [str(table)], tmp_path, rows_per_part=5, device="cpu")
    assert (first, done) == ([0, 1, 2], [3, 4])
    assert (report.parts_before, report.rows_now, report.rows, report.errors) == (3, 8, 23, 1)
    pd.testing.assert_frame_equal(read(tmp_path), read(answered))
    assert (tmp_path / "_SUCCESS").exists()
    again = predict_in_parts(run, [str(table)], tmp_path, rows_per_part=5, device="cpu")
    assert (again.rows_now, again.parts_before) == (0, 5)


def test_answers_of_another_job_are_not_mixed_in(
    run: Path, table: Path, answered: Path, tmp_path: Path
) -> None:
    with pytest.raises(
        ConfigurationError, match=r"holds answers of another job \(rows_per_part\): give another folder"
    ):
        predict_in_parts(run, [str(table)], answered, rows_per_part=7, device="cpu")
    other = write_table(tmp_path / "big.csv", ASKED)
    with pytest.raises(ConfigurationError, match=r"another job \(inputs, inputs that have changed\)"):
        predict_in_parts(run, [str(other)], answered, rows_per_part=5, device="cpu")
    stat = next(run.glob("*.safetensors"))
    times = stat.stat().st_atime_ns, stat.stat().st_mtime_ns
    os.utime(stat, ns=(times[0], times[1] + 1))
    try:
        with pytest.raises(ConfigurationError, match=r"another job \(another model\)"):
            predict_in_parts(run, [str(table)], answered, rows_per_part=5, device="cpu")
    finally:
        os.utime(stat, ns=times)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "part-000000.parquet").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="holds part files of another job"):
        predict_in_parts(run, [str(table)], tmp_path / "parts", device="cpu")


@pytest.mark.slow
def test_several_processes_write_what_one_writes(
    run: Path, table: Path, answered: Path, tmp_path: Path
) -> None:
    report = predict_in_parts(run, [str(table)], tmp_path, rows_per_part=5, workers=2, device="cpu")
    assert report.rows_now == 23
    pd.testing.assert_frame_equal(read(tmp_path), read(answered), check_exact=True)


def _die(*_: Any) -> None:
    os._exit(9)


def test_a_full_disk_is_said_and_the_same_command_goes_on(
    run: Path, table: Path, answered: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask() -> None:
        predict_in_parts(run, [str(table)], tmp_path, rows_per_part=5, device="cpu")

    with (
        full_disk(room=200),
        pytest.raises(PerceiversError, match=r"could not be written: .*; give another folder"),
    ):
        ask()
    assert list(tmp_path.iterdir()) == []
    write, written = pyarrow.parquet.write_table, []

    def write_two(given: Any, path: Path) -> None:
        written.append(path)
        with full_disk() if len(written) == 3 else nullcontext():
            write(given, path)

    monkeypatch.setattr(pyarrow.parquet, "write_table", write_two)
    with pytest.raises(
        PerceiversError, match=r"part-000002\.parquet' could not be written: .*run the same command again"
    ):
        ask()
    assert len(list(tmp_path.glob("part-*.parquet"))) == 2
    assert not list(tmp_path.glob(".*partial"))
    ask()
    assert len(written) == 3 + 3
    pd.testing.assert_frame_equal(read(tmp_path), read(answered))


@pytest.mark.slow
def test_a_worker_that_dies_is_one_line(
    run: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_begin", _die)
    with pytest.raises(PerceiversError, match="a worker process has died, most often because memory ran out"):
        predict_in_parts(run, [str(table)], tmp_path, rows_per_part=5, workers=2, device="cpu")
    assert not (tmp_path / "_SUCCESS").exists()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_ray_writes_what_one_process_writes(run: Path, table: Path, answered: Path, tmp_path: Path) -> None:
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        report = predict_in_parts(
            run, [str(table)], tmp_path, rows_per_part=5, workers=2, engine="ray", device="cpu"
        )
    finally:
        ray.shutdown()
    assert (report.rows_now, report.errors) == (23, 1)
    pd.testing.assert_frame_equal(read(tmp_path), read(answered), check_exact=True)


def test_wrong_choices_are_named_before_anything_starts(run: Path, table: Path, tmp_path: Path) -> None:
    for options, message in (
        ({"workers": 0}, "`workers` must be at least 1, received 0"),
        ({"address": "auto"}, "`address` is of a Ray cluster: it needs `engine` ray, received 'processes'"),
        ({"engine": "spark"}, "`engine` must be one of processes, ray, received 'spark'"),
        ({"rows_per_part": 0}, "`rows_per_part` must be at least 1, received 0"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            predict_in_parts(run, [str(table)], tmp_path / "out", **options)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"`folder` must be a training run with a file arguments\.yaml"):
        predict_in_parts(tmp_path, [str(table)], tmp_path / "out")
    with pytest.raises(DataError, match="nowhere"):
        predict_in_parts(run, [str(tmp_path / "nowhere.csv")], tmp_path / "out")
    with pytest.raises(DataError, match="`inputs` must name one table or more"):
        predict_in_parts(run, [], tmp_path / "out")
    with pytest.raises(
        DataError, match="`inputs` must name a file, a table or a folder each, received an empty"
    ):
        predict_in_parts(run, [str(table), ""], tmp_path / "out")
    with pytest.raises(ConfigurationError, match="`output` must be a folder, received the file"):
        predict_in_parts(run, [str(table)], table)
    assert not (tmp_path / "out").exists()


def test_single_cells_that_are_no_numbers_are_missing_whatever_part_they_are_in(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = {name: cells * 3 for name, cells in ASKED.items()}
    columns["size"][60] = "wide"
    path = write_table(tmp_path / "big.csv", columns)
    asked = ["predict", str(run), str(path), "--output", str(tmp_path / "out"), "--workers", "1"]
    with pytest.raises(SystemExit) as ended:
        main([*asked, "--rows-per-part", "9", "--device", "cpu"])
    assert ended.value.code == 0
    assert "column 'size': 1 of 69 cells is no number ('wide'), taken as missing\n" in capsys.readouterr().out
    assert read(tmp_path / "out")["error"].isna().all()


def test_an_absent_package_is_one_line(
    run: Path, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    plan = Plan(str(run), (0, 0), (str(table),), ((23,),), ((),), 5)
    with pytest.raises(MissingExtraError, match=r'needs the package `ray`, .*"perceivers\[batch\]"'):
        list(job.answer_with_ray(plan, plan.parts(), str(tmp_path), workers=1, device="cpu", address=None))
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r'needs the package `pyarrow`, .*"perceivers\[batch\]"'):
        predict_in_parts(run, [str(table)], tmp_path / "out")


def test_the_command_says_how_fast_it_was_and_what_could_not_be_read(
    run: Path, table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["predict", str(run), str(table), "--output", str(tmp_path / "out"), "--device", "cpu"]
    with pytest.raises(SystemExit) as ended:
        main([*asked, "--workers", "1", "--rows-per-part", "9"])
    assert ended.value.code == 3
    said = capsys.readouterr()
    assert "3 of 3 parts" in said.out
    assert "rows a second, by 1 process\n" in said.out
    assert f"23 rows in 3 parts, 1 with an error, saved in {tmp_path / 'out'}" in said.out
    assert "1 rows cannot be read, see the column `error`; the other 22 are answered" in said.err.replace(
        "\n", " "
    )
    with pytest.raises(SystemExit) as ended:
        main([*asked, "--workers", "1", "--rows-per-part", "9", "--unreadable", "skip"])
    assert ended.value.code == 0
    assert "3 parts were there before" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main([*asked[:-4], "--output", str(tmp_path / "none"), "--workers", "0"])
    assert ended.value.code != 0
    assert "`workers` must be at least 1, received 0" in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "none").exists()


def test_a_worker_process_prints_warnings_as_lines_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begun: list[tuple[Any, ...]] = []
    monkeypatch.setattr(processes, "PartWorker", lambda *given: begun.append(given))
    monkeypatch.setattr(processes, "_worker", [])
    plan: Any = object()
    threads = torch.get_num_threads()
    # Warnings are errors in the tests; what a process prints them with ends with the block.
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        try:
            processes._begin(plan, "out", "cpu", 1)
        finally:
            torch.set_num_threads(threads)
        for word in ("torn", "bent", "torn"):
            warnings.warn(f"the file is\n  {word}", UserWarning, stacklevel=1)
    assert begun == [(plan, "out", "cpu")]
    written = capsys.readouterr()
    assert (written.out, written.err) == ("", "warning: the file is torn\nwarning: the file is bent\n")
