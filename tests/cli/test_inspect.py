"""`perceivers inspect`: what every column would be taken for, printed as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.cli import main
from tiny_tables import fruit, write_table


def inspect(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, list[str]]:
    """Cells of the printed table by column, and the lines behind it."""
    with pytest.raises(SystemExit) as stopped:
        main(["inspect", *arguments])
    captured = capsys.readouterr()
    assert not stopped.value.code, captured.err
    lines = captured.out.splitlines()
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if line.startswith("│")]
    return {
        **{row[0]: row[1:] for row in rows},
        "": [line for line in lines if ": " in line and "│" not in line],
    }


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_every_column_is_told_with_kind_gaps_and_an_example(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = {
        "id": [f"a{index:03d}" for index in range(50)],
        "day": [f"2024-01-{1 + index % 28:02d}" for index in range(50)],
        "same": ["x"] * 50,
        "[red]markup[/red]": ["[bold]one[/bold]", "[link]two"] * 25,
        **fruit(50),
    }
    for index in range(5):
        columns["size"][index] = None
    data = write_table(tmp_path / "fruit.csv", columns)
    found = inspect(
        capsys,
        str(data),
        "--target",
        "kind",
        "--ignore",
        "noise",
        "--group-column",
        "tags",
        "--column",
        "price=category",
    )
    # role, kind, missing, distinct, example, note
    assert found["id"][:2] == ["left out", ""]
    assert found["id"][5] == "is different in every row, as an id is"
    assert found["day"][:5] == ["input", "date", "", "28", "2024-01-01"]
    assert found["same"][5] == "is 'x' in every row"
    assert found["[red]markup[/red]"][:5] == ["input", "category", "", "2", "[bold]one[/bold]"]
    assert found["size"][:4] == ["input", "number", "10.0%", "45"]
    assert found["noise"][5] == "ignored, as asked for"
    assert found["price"][:2] == ["input", "category"]
    assert found["tags"][0] == "group"
    assert found["kind"][:2] == ["target", "class"]
    assert found["kind"][5] == "big, small"
    assert found[""][0].startswith("rows: 50, of which training holds out some")
    assert found[""][1:4] == [
        "day: dates as 6 tokens",
        "[red]markup[/red], colour, price: categories as 3 tokens",
        "size: numbers as 1 token",
    ]
    assert found[""][4].startswith(
        "`perceivers train table` would choose: 4 latents of 32 channels beside a linear model, from "
        "which it starts, 1 layer; 60 passes, "
    )
    assert found[""][5].startswith("kinds: image, ")


@pytest.mark.parametrize(
    ("written", "options", "line"),
    [
        (
            "{:,.1f}",
            [],
            "numbers are read with --decimal grouped: the commas of '1,000.5' (`DATA, row 1`, column 'x')",
        ),
        (
            "{:,.0f}",
            [],
            "the comma of '1,000' (`DATA, row 1`, column 'x') divides thousands or stands before a fraction",
        ),
        ("{:,.0f}", ["--decimal", "grouped"], "rows: 20"),
        ("{:.1f}", [], "rows: 20"),
    ],
)
def test_it_tells_how_numbers_are_read_where_their_commas_matter(
    written: str, options: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_table(
        tmp_path / "t.csv",
        {"x": [written.format(1000.5 + 7 * index) for index in range(20)], "n": [1, 2] * 10},
    )
    assert inspect(capsys, str(data), *options)[""][0].startswith(line.replace("DATA", str(data)))


def test_a_table_is_inspected_without_a_target(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_table(tmp_path / "fruit.csv", fruit(20))
    found = inspect(capsys, str(data))
    assert [found[name][0] for name in ("size", "kind", "price")] == ["input"] * 3


def test_it_says_what_training_would_learn_and_what_it_would_warn_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for index in range(13):
        cloud = f"{index}.xyz"
        np.savetxt(tmp_path / cloud, generator.normal(size=(7, 5)))
        units = [
            {"id": 3 * index + place, "type": "ab"[place % 2], "health": place / 4} for place in range(3)
        ]
        rows.append(
            {"cloud": cloud, "sent": generator.normal(size=(3, 47)).tolist(), "units": units, "y": index % 2}
        )
    # Training tells of it.
    rows[5]["units"] = "[{"
    data = tmp_path / "mixed.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = [str(data), "--target", "y", "--column", "sent=series", "units=entities"]
    lines = inspect(capsys, *options)[""]
    assert lines[0].endswith(
        "if they are 3 channels of 47 steps, take `--column-options sent:channels-first=true`"
    )
    assert lines[2:5] == [
        "cloud: up to 9 points of 3 coordinates and 2 features, a token each",
        "sent: up to 3 steps of 47 channels, by their patterns and outline as 3 tokens",
        "units: up to 512 entities of 2 types, by 0 names and 1 number, a token each; told by type, health; left out: id "
        "(only counts the entities); `--column-options units:name-attributes=NAMES` takes it as a name",
    ]
    again = inspect(
        capsys, *options, "--column-options", "sent:channels-first=true", "units:name-attributes=id"
    )
    assert again[""][2:4] == [
        "sent: up to 47 steps of 3 channels, by their patterns and outline as 3 tokens",
        "units: up to 512 entities of 2 types, by 1 name and 1 number, a token each; told by type, id, health",
    ]


def test_dates_whose_day_and_month_change_places_are_told_and_refused_where_nothing_tells_the_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(1 + index % 12, 1 + index % 28) for index in range(60)]
    columns = {
        "us": [f"{month}/{day}/2024" for month, day in rows],
        "either": [f"{month}/{1 + day % 12}/20{10 + index % 15}" for index, (month, day) in enumerate(rows)],
        "kind": [["hot", "cold"][index % 2] for index in range(60)],
    }
    table = str(write_table(tmp_path / "t.csv", columns))
    found = inspect(capsys, table, "--target", "kind")
    assert found["us"][1] == "date"
    assert found["us"][-1] == "dates with the month first, as in 3/31/2024"
    assert found["either"][1] != "date"
    why = "no cell tells whether day or month comes first in dates such as '1/2/2010': write dates as 2024-03-31"
    assert found["either"][-1] == why
    with pytest.raises(SystemExit) as stopped:
        main(["inspect", table, "--target", "kind", "--column", "either=date"])
    assert stopped.value.code == 1
    said = capsys.readouterr().err
    assert f"column 'either': {why}, say --column-options either:day-order=month-first or " in said
    assert "or name another kind: --column either=text" in said
