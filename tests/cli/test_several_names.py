"""Several names behind one option: `--target price sold` is `--target price --target sold`, for `train` and `inspect`."""

from __future__ import annotations

from pathlib import Path

import pytest

from perceivers.cli import main

LETTERS = "abcdefghijk"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    lines = [
        f"{index * 1.5},{letter},{index * 0.7},{'yes' if index % 2 else 'no'}"
        for index, letter in enumerate(LETTERS)
    ]
    path.write_text("\n".join(["size,letter,weight,answer", *lines]) + "\n")
    return path


def test_several_names_stand_behind_one_option(
    table: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    with pytest.raises(SystemExit):
        main(
            [
                "inspect",
                str(table),
                "--target",
                "answer",
                "--ignore",
                "letter",
                "size",
                "--column",
                "weight=category",
            ]
        )
    said = capsys.readouterr().out
    assert said.count("ignored, as asked") == 2
    assert "rows: 11, of which training holds out some" in said


def test_examples_of_cells_that_are_no_text_say_what_they_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    with pytest.raises(SystemExit):
        main(["inspect", "arithmetic"])
    said = capsys.readouterr().out
    assert said.count("uint8 [8, 8]") == 2
    assert "mapping of array, sampling_rate" in said


def test_training_takes_them_alike(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "table", "--data", str(table), "--quantiles", "0.1", "0.9", "--target", "a", "b",
              "--print-config"])  # fmt: skip
    said = capsys.readouterr().out
    assert "quantiles:\n  - 0.1\n  - 0.9\n" in said
    assert "target:\n  - a\n  - b\n" in said
