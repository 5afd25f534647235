"""Each likely mistake with a table is one line that names column, row and cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perceivers.cli import main
from tiny_tables import fruit, without, write_table

COLUMNS = without(fruit(31), "price", "tags")
HAS = "it has size, colour, noise, kind"


def mistake(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    captured = capsys.readouterr()
    assert stopped.value.code == 1
    assert "Traceback" not in captured.err
    assert captured.err.count("\n") == 1, captured.err
    return captured.err.removeprefix("error: ").strip()


@pytest.mark.parametrize(
    ("changed", "options", "expected"),
    [
        ({}, ["--target", "sort"], f"`target` must be a column of `DATA`, received 'sort'; {HAS}"),
        ({}, [], "`target` must name a column of `DATA`, received none; it has size, colour, noise, kind"),
        (
            {},
            ["--target", "kind", "--column", "weight=number"],
            f"`column` must be a column of `DATA`, received 'weight'; {HAS}",
        ),
        ({}, ["--target", "kind", "--ignore", "weight"], f"`ignore` must be a column of `DATA`, received 'weight'; {HAS}"),
        (
            {},
            ["--target", "kind", "--group-column", "owner"],
            f"`group_column` must be a column of `DATA`, received 'owner'; {HAS}",
        ),
        ({}, ["--target", "kind", "--column", "size=weight"], "a kind must be one of image, "),
        ({}, ["--target", "kind:sort"], "a target must be one of class, labels, number, entity, entities, received 'sort'"),
        (
            {"kind": ["big"] * 31},
            ["--target", "kind"],
            "`DATA` must hold two classes or more in the column 'kind', received only 'big'",
        ),
        (
            {"kind": [None] * 31},
            ["--target", "kind"],
            "`DATA` must have values in the column 'kind', received empty cells alone",
        ),
        (
            {"size": [*map(str, range(29)), "29", "about 30"]},
            ["--target", "kind", "--column", "size=number"],
            "`DATA, row 31`: in the column 'size': expected a number, received 'about 30'; empty the cell if nobody "
            "knows it, or name another kind: --column size=category",
        ),
        (
            {"kind": [*map(str, range(30)), "many"]},
            ["--target", "kind:number"],
            "in the column 'kind': expected a number, received 'many'",
        ),
        (
            {"size": [f"{index},5" for index in range(31)]},
            ["--target", "kind", "--decimal", "point"],
            "in the column 'size': received '0,5', which looks like a decimal comma: add --decimal comma",
        ),
        (
            {"size": [f"{index},5" for index in range(31)]},
            ["--target", "kind"],
            "`DATA, row 1`, column 'size' has '0,5', with a comma before its fraction, but `DATA, row 1`, column "
            "'noise' has ",
        ),
        (
            {"size": [f"1,{100 + index}" for index in range(31)]},
            ["--target", "kind", "--ignore", "noise"],
            "in the column 'size': received '1,100', whose comma divides thousands or stands before a fraction: add "
            "--decimal grouped or --decimal comma, or write the number without it",
        ),
        (
            {},
            ["--target", "kind", "--ignore", "size", "--ignore", "colour", "--ignore", "noise"],
            "`DATA` must have a column to answer from beside kind, received size, colour, noise, kind; --column NAME=KIND "
            "takes one that was left out",
        ),
        ({}, ["--target", "kind", "--quantiles", "0.9", "--quantiles", "0.1"], "`quantiles` must be ascending numbers"),
        ({}, ["--target", "kind", "--column", "size"], "`column` must be NAME=KIND, received 'size'"),
    ],
)  # fmt: skip
def test_a_mistake_in_training_names_column_and_cure(
    changed: dict[str, list[Any]],
    options: list[str],
    expected: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = write_table(tmp_path / "data.csv", {**COLUMNS, **changed})
    found = mistake(
        capsys, "train", "table", "--data", str(data), "--output", str(tmp_path / "run"), *options
    )
    assert expected.replace("DATA", str(data)) in found
    assert not (tmp_path / "run").exists()
