"""What runs the recipes: rows of some take their places in the report, others stay; aims; what stands beside a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import run
from results import HEADER, Results, Row, read_results

from documented import ROOT

CELLS = [
    "`digits`",
    "image-classification",
    "digits",
    "accuracy 0.9",
    "accuracy >= 0.98",
    "no",
    "7",
    "1.0 min",
]
OLD = Row(
    CELLS, [("trees", "accuracy 0.8"), ("majority", "accuracy 0.1")], "2026-01-01, a machine; 2 at a time"
)
NEW = Row([*CELLS[:3], "accuracy 1", *CELLS[4:]], [], "2026-02-02, another; 1 at a time")
OTHER = Row(["`mnist`", *CELLS[1:]], [("trees", "accuracy 0.7")], OLD.measured)


def test_a_page_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = Results({"digits": OLD, "mnist": OTHER}, "## Others\n\n| a | b |\n| --- | --- |\n| 1 | 2 |")
    (tmp_path / "results.md").write_text(written.page())
    assert read_results(tmp_path / "results.md").page() == written.page()
    assert read_results(tmp_path / "absent.md").rows == {}
    own = read_results(ROOT / "docs" / "results.md")
    assert own.page() == (ROOT / "docs" / "results.md").read_text()
    assert set(own.rows) <= set(run.bundled_recipes())


def test_some_rows_take_their_places_and_all_others_stay(tmp_path: Path) -> None:
    former = Results({"mnist": OTHER, "digits": OLD, "gone": OTHER}, "## Others")
    results = former.with_rows({"digits": NEW}, ["digits", "mnist"])
    page = results.page()
    assert list(results.rows) == ["digits", "mnist"]
    assert page.endswith("\n\n## Others\n")
    assert "1. 2026-02-02, another; 1 at a time\n2. 2026-01-01, a machine; 2 at a time\n" in page
    lines = [line for line in page.splitlines() if line.startswith("|")]
    assert [cell.strip() for cell in lines[0].strip("|").split("|")] == HEADER
    assert "accuracy 1 " in lines[2]
    assert lines[2].endswith("| 1        |")
    assert lines[3].endswith("| 2        |")
    # What stood beside the former row of digits is gone with it.
    assert [line.split("|")[1].strip() for line in lines[6:]] == ["mnist"]


def test_a_page_of_another_form_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# Notes\n\n| recipe | mine |\n| --- | --- |\n| a | b |\n")
    with pytest.raises(SystemExit, match=r"notes.md must be a page that recipes/run.py wrote"):
        read_results(tmp_path / "notes.md")


def test_the_command_measures_what_is_named_and_says_whether_aims_are_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def trained(command: list[str], log: object) -> str:
        if "train" not in command:
            return json.dumps({"positions that are not learned": {"video_psnr": 16.6}})
        folder = Path(command[command.index("--output") + 1])
        folder.mkdir()
        test = {"video_psnr": 23.0, "neighbours_found": 0.2}
        beside = {"part": "test", "method": "the nearest", "the nearest": {"video_psnr": 18.2}}
        found = {"task": "masked-autoencoding", "data": "big-buck-bunny", "test": test, "beside": beside}
        (folder / "results.json").write_text(
            json.dumps({**found, "parameters": 7, "seconds": {"training": 90}})
        )
        return ""

    monkeypatch.setattr(run, "call", trained)
    report = tmp_path / "results.md"
    report.write_text(Results({"digits": OLD, "mnist": OTHER}).page())
    given = ["--recipes", "masked_autoencoding", "--jobs", "1", "--report", str(report)]
    assert run.main([*given, "--output", str(tmp_path / "runs")]) == 1
    results = read_results(report)
    assert list(results.rows) == ["digits", "masked_autoencoding", "mnist"]
    assert results.rows["mnist"] == OTHER
    row = results.rows["masked_autoencoding"]
    assert row.cells[3:8] == [
        "video psnr 23, neighbours found 0.2", "video psnr >= 20; neighbours found >= 0.3", "yes; no", "7", "1.5 min",
    ]  # fmt: skip
    assert row.beside == [
        ("positions that are not learned", "video psnr 16.6"),
        ("the nearest, test", "video psnr 18.2"),
    ]
    assert row.measured.endswith("1 at a time, one thread each")
    assert "masked_autoencoding" in capsys.readouterr().out
