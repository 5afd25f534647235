"""Commands that ask a run say where another one is to replace it."""

from __future__ import annotations

from pathlib import Path

import pytest

from perceivers.cli import main
from tiny_tables import fit_tiny, fruit, write_table

WARNING = "is the former run: the one that is to replace it is not complete yet"


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", "RUN"],
        ["predict", "RUN", "new.csv", "--output", "answers"],
        ["predict", "RUN", "new.csv", "--output", "answers", "--workers", "2"],
        ["explain", "RUN", "--output", "worth"],
        ["export", "RUN", "--output", "files"],
        ["generate", "RUN", "Once"],
        ["app", "RUN"],
    ],
    ids=" ".join,
)
def test_each_command_warns_before_it_asks_the_run(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "new.csv", {"size": [1, 2]})
    # A task that nobody has ends each command when it has loaded the run's record.
    for folder in (tmp_path / "RUN", tmp_path / "RUN" / ".new"):
        folder.mkdir()
        (folder / "arguments.yaml").write_text("task: chess\n")
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 1
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith(f"warning: RUN {WARNING}, in RUN/.new; to go on with it, repeat")
    assert said[1].startswith("error: ")


def test_the_former_run_is_measured_and_the_warning_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    fit_tiny(write_table(tmp_path / "fruit.csv", fruit()), "kind", output=run, epochs=1)
    for warned in (False, True):
        if warned:
            (run / ".new").mkdir()
            (run / ".new" / "arguments.yaml").write_bytes((run / "arguments.yaml").read_bytes())
        with pytest.raises(SystemExit) as ended:
            main(["evaluate", str(run), "--device", "cpu"])
        assert not ended.value.code
        shown = capsys.readouterr()
        assert "accuracy" in shown.out
        assert [WARNING in line for line in shown.err.splitlines()] == [True] * warned
