"""docs/tables.md: its commands and examples run, its figures of sizes are the functions', its bad tables say what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from documented import ROOT, blocks_of, commands_of, run_command
from perceivers.cli import main
from perceivers.kinds.number.sizing import number_options
from perceivers.kinds.text.sizing import text_options
from perceivers.tasks.table.sizing import table_advice, table_sizes
from pets import write_pets, write_rows

PAGE = ROOT / "docs" / "tables.md"
SIZES = (500, 2_000, 14_000, 33_000)
NUM_PETS = 66
# What makes a run short; the page's commands leave all of it to be chosen from the rows.
QUICK = ("--steps", "2", "--device", "cpu")

Rows = list[dict[str, str]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the table, and with a run that every command of the page may ask."""
    folder = tmp_path_factory.mktemp("pets")
    write_pets(folder, NUM_PETS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        # They take as long as all else, and the page shows none.
        patch.setattr("perceivers.training.run.save_pictures", lambda *given: [])
        for command in commands_of(PAGE):
            extra = QUICK if command[0] == "train" else ("--repeats", "1") if command[0] == "explain" else ()
            run_command(command, *extra)
    return folder


def test_every_command_leaves_what_the_page_says(trained: Path) -> None:
    header = (trained / "answers" / "predictions.csv").read_text().splitlines()[0]
    assert header.endswith("house,note,animal,animal_probability,price")
    assert {path.name for path in (trained / "why").iterdir()} == {"columns.csv", "columns.png", "rows.csv"}
    assert (trained / "runs" / "prices" / "results.json").is_file()


def test_the_python_examples_run(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained)
    first, second = blocks_of(PAGE, "python")
    values: dict[str, Any] = {}
    # The example names no steps: what is chosen from the rows takes a minute.
    exec(compile(first.replace('ignore=["born"]', 'ignore=["born"], steps=3'), str(PAGE), "exec"), values)
    assert {"animal", "animal_probability", "price"} <= set(values["answer"])
    exec(compile(second.replace("random_state=0", "random_state=0, epochs=5"), str(PAGE), "exec"), values)
    assert values["classifier"].predict_proba(values["X"][:5]).shape == (5, 2)
    assert values["classifier"].score(values["X"], values["y"]) > 0.7


def test_the_sizes_of_the_page_are_those_of_the_functions() -> None:
    def network(rows: int, asks_number: bool) -> Any:
        return table_sizes(rows, num_large=0, has_numbers_to_answer=asks_number)

    def words(each: Any) -> str:
        return f"{each.num_latents} x {each.latent_channels}, {each.num_layers}"

    def both(rows: int, name: str) -> str:
        return f"{getattr(network(rows, False), name)} / {getattr(network(rows, True), name)}"

    loops, of_numbers = (
        {rows: table_advice(rows, num_large=0, has_numbers_to_answer=asks) for rows in SIZES}
        for asks in (False, True)
    )
    lines: dict[str, Callable[[int], object]] = {
        "latents x channels, layers, for classes": lambda rows: words(network(rows, False)),
        "latents x channels, layers, where a number is asked": lambda rows: words(network(rows, True)),
        "hidden channels left out (classes / numbers)": lambda rows: both(rows, "mlp_dropout"),
        "cells hidden (classes / numbers)": lambda rows: both(rows, "hidden"),
        "rows in a step": lambda rows: loops[rows].batch_size,
        "passes (classes / numbers)": lambda rows: f"{loops[rows].epochs} / {of_numbers[rows].epochs}",
        "learning rate, weight decay": lambda rows: (
            f"{loops[rows].learning_rate}, {loops[rows].weight_decay}"
        ),
        "numbers as": lambda rows: number_options(rows, 0.0).number_scale,
        "bins of a number": lambda rows: number_options(rows, 0.0).number_bins,
        "waves of a number": lambda rows: (
            "no" if number_options(rows, 0.0).number_encoding == "piecewise" else "yes"
        ),
        "words hidden (classes / numbers)": lambda rows: " / ".join(
            str(text_options(rows, hides=bool(network(rows, asks).hidden)).hide) for asks in (False, True)
        ),
    }
    page = PAGE.read_text(encoding="utf-8")
    for name, of in lines.items():
        expected = f"| {name} | " + " | ".join(str(of(rows)) for rows in SIZES) + " |"
        assert expected in page, expected
    few = table_advice(500, num_large=0, has_numbers_to_answer=True, starts_linear=True)
    assert (few.epochs, few.learning_rate) == (60, 0.003)
    large, loop = (
        table_sizes(500, num_large=1, has_numbers_to_answer=True),
        table_advice(500, num_large=1, has_numbers_to_answer=True),
    )
    assert (large.num_latents, large.latent_channels, large.num_layers) == (32, 64, 2)
    assert (loop.batch_size, loop.epochs) == (32, 2 * loops[500].epochs)  # type: ignore[operator]


def changed(index: int, column: str, cell: str) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        rows[index][column] = cell

    return change


def everywhere(column: str, cell: Callable[[str], str]) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        for row in rows:
            row[column] = cell(row[column])

    return change


def with_comma(cell: str) -> str:
    return cell.replace(".", ",")


def with_thousands(rows: Rows) -> None:
    for row in rows:
        row["weight"] = row["weight"] and f"{100 * float(row['weight']):,.0f}"
        row["price"] = row["price"].partition(".")[0]


TRAIN = [
    "train",
    "table",
    "--data",
    "pets.csv",
    "--target",
    "animal",
    "price",
    "--output",
    "bad",
    *QUICK,
]
# Change of the rows, then the command that meets it.
CHANGED: list[tuple[Callable[[Rows], None], list[str]]] = [
    (changed(7, "photo", "photos/none.png"), TRAIN),
    (changed(7, "photo", "photos/torn.png"), TRAIN),
    (changed(7, "weight", "heavy"), [*TRAIN, "--unreadable", "stop"]),
    (changed(7, "born", "03/04/2020"), TRAIN),
    (everywhere("weight", with_comma), TRAIN),
    (with_thousands, TRAIN),
    (changed(7, "price", "cheap"), [*TRAIN, "--unreadable", "stop"]),
    (everywhere("animal", lambda _: "cat"), TRAIN),
    (everywhere("price", lambda _: ""), TRAIN),
    (changed(7, "animal", "axolotl"), ["evaluate", "runs/pets", "--data", "pets.csv", "--split", "all"]),
]
LINES: list[Callable[[list[str]], list[str]]] = [
    lambda lines: [*lines[:8], lines[8] + ",farm", *lines[9:]],
    lambda lines: [lines[0].replace("house", "weight"), *lines[1:]],
    lambda lines: lines[:1],
    lambda lines: [],
]
COMMANDS: list[list[str]] = [
    [*TRAIN, "--target", "colour"],
    ["train", "table", "--data", "pets.csv", "--output", "bad"],
    [*TRAIN, "--target", "photo"],
    [*TRAIN, "--target", "animal:number"],
    [*TRAIN, "--column", "photo=picture"],
    [*TRAIN, "--column", "photo"],
    [*TRAIN, "--ignore", "photo", "weight", "born", "house", "note"],
    ["predict", "runs/pets", "photos/000.png", "--output", "answers"],
    ["predict", "runs/pets", "others.csv", "--output", "answers"],
]


@pytest.fixture
def folder(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh table beside the trained run."""
    write_pets(tmp_path, NUM_PETS)
    whole = (tmp_path / "photos" / "000.png").read_bytes()
    (tmp_path / "photos" / "torn.png").write_bytes(whole[:40])
    (tmp_path / "others.csv").write_text("name,colour\nRex,brown\n")
    (tmp_path / "runs").symlink_to(trained / "runs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(command)
    assert stopped.value.code == 1
    line = capsys.readouterr().err.strip()
    assert line.startswith("error: "), line
    assert "\n" not in line
    return line


def require_on_page(line: str) -> None:
    assert f"    {line}" in PAGE.read_text(encoding="utf-8").splitlines(), line


@pytest.mark.parametrize(("change", "command"), CHANGED)
def test_a_bad_cell_is_told_as_on_the_page(
    change: Callable[[Rows], None], command: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = write_pets(folder, NUM_PETS)
    change(rows)
    write_rows(folder / "pets.csv", rows, ";" if "," in "".join(row["weight"] for row in rows) else ",")
    require_on_page(said(command, capsys))


@pytest.mark.parametrize("change", LINES)
def test_a_bad_file_is_told_as_on_the_page(
    change: Callable[[list[str]], list[str]], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "pets.csv"
    path.write_text("\n".join(change(path.read_text().splitlines())))
    require_on_page(said(TRAIN, capsys))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bad_command_is_told_as_on_the_page(
    command: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_on_page(said(command, capsys))


def test_the_page_has_no_message_that_is_not_tried() -> None:
    messages = re.findall(r"^    error: ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(messages) == len(CHANGED) + len(LINES) + len(COMMANDS)
