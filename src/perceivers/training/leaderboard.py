"""The runs below a folder side by side: what differs between them and what they scored, the best first."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from perceivers.arguments.run import ARGUMENTS_FILE, read_recipe
from perceivers.errors import ConfigurationError, DataError
from perceivers.records import RESULTS_FILE, read_json, whole_file, writing
from perceivers.text_files import ON_NO_LETTERS
from perceivers.training.history import LINES_FILE
from perceivers.training.log import plain_settings

VALIDATION, TEST = "validation", "test"
CSV_NAME, MARKDOWN_NAME = "runs.csv", "runs.md"
FINISHED, STOPPED, UNFINISHED = "finished", "stopped", "unfinished"
# What a run chooses for itself from where it runs, which is no choice that one compares.
_NOT_COMPARED = ("training.workers", "training.device")


@dataclass(frozen=True)
class RunRow:
    """One run.

    Args:
        name: its folder, from the folder that was asked about.
        task: its name.
        state: "finished"; "stopped", saved before its end; or "unfinished": going on, or killed.
        steps: optimiser steps done.
        seconds: of training; None where it is not known.
        parameters: of the model; None where it is not known.
        settings: `concern.field` -> value.
        scores: `validation METRIC` or `test METRIC` -> value.
        best_by: the score of the validation part that the run itself chose by, and which way it improves; None where the
            run does not say.
    """

    name: str
    task: str
    state: str
    steps: int
    seconds: float | None
    parameters: int | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)
    best_by: tuple[str, str] | None = None


@dataclass(frozen=True)
class Leaderboard:
    """Runs of one task, the best first.

    Args:
        task: its name.
        runs: sorted.
        by: the score that they are sorted by; None where no run has one.
        settings: names of those settings that differ between the runs.
        scores: names of the scores, the one that they are sorted by first.
    """

    task: str
    runs: tuple[RunRow, ...]
    by: str | None
    settings: tuple[str, ...]
    scores: tuple[str, ...]

    def columns(self) -> list[str]:
        """Headings, in the order of `cells`."""
        return ["run", *self.scores, *self.settings, "state", "steps", "seconds", "parameters"]

    def cells(self) -> list[list[Any]]:
        """A row a run; None where a run has no such value."""
        return [
            [
                run.name,
                *(run.scores.get(name) for name in self.scores),
                *(run.settings.get(name) for name in self.settings),
                run.state,
                run.steps,
                run.seconds,
                run.parameters,
            ]
            for run in self.runs
        ]


def find_runs(folder: Path) -> list[RunRow]:
    """All training runs in a folder, at any depth, in the order of their names.

    Raises:
        DataError: the folder is absent, or holds no run.
    """
    if not folder.is_dir():
        raise DataError(f"`folder` must be a folder that holds training runs, received {str(folder)!r}")
    found = []
    for place, folders, files in os.walk(folder):
        # Folders that begin with a point are those of runs at work.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if ARGUMENTS_FILE in files:
            found.append(_read(Path(place), folder))
    if not found:
        raise DataError(
            f"`folder` must hold training runs, which `perceivers train` writes, received {str(folder)!r} without any"
        )
    return found


def leaderboards(
    runs: Sequence[RunRow], by: str | None = None, lower: bool | None = None
) -> list[Leaderboard]:
    """Runs by task, the best first; runs without the score last.

    Args:
        runs: see `find_runs`.
        by: score to sort by, as the columns are called: "validation loss", "test accuracy"; None: what the runs themselves
            chose their best weights by, on the validation part.
        lower: whether a lower score is better; None: as the runs say of the same metric, else "loss" and "error" are lower.

    Raises:
        ConfigurationError: no run has that score.
    """
    known = list(dict.fromkeys(name for run in runs for name in run.scores))
    if by is not None and by not in known:
        raise ConfigurationError(
            f"`by` must be one of {', '.join(known) or 'no score at all'}, received {by!r}"
        )
    return [
        _board(task, [run for run in runs if run.task == task], by, lower)
        for task in sorted({r.task for r in runs})
    ]


def write_leaderboards(boards: Sequence[Leaderboard], folder: Path) -> list[Path]:
    """Write `runs.csv` and `runs.md`, each whole or not at all; of several tasks one table after the other."""
    paths = [folder / CSV_NAME, folder / MARKDOWN_NAME]
    with writing(folder, "give another folder, or make room there"):
        folder.mkdir(parents=True, exist_ok=True)
        columns = list(dict.fromkeys(["task", *(name for board in boards for name in board.columns())]))
        with (
            whole_file(paths[0]) as partial,
            partial.open("w", newline="", encoding="utf-8", errors=ON_NO_LETTERS) as file,
        ):
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            for board in boards:
                names = board.columns()
                for cells in board.cells():
                    writer.writerow({"task": board.task, **dict(zip(names, cells, strict=True))})
        with whole_file(paths[1]) as partial:
            partial.write_text("\n".join(map(markdown, boards)), encoding="utf-8")
    return paths


def markdown(board: Leaderboard) -> str:
    """A leaderboard as a Markdown table under a heading."""
    rows = [
        board.columns(),
        ["---"] * len(board.columns()),
        *([said(cell) for cell in row] for row in board.cells()),
    ]
    lines = ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows]
    by = f", by {board.by}" if board.by else ""
    return "\n".join([f"## {board.task}{by}", "", *lines, ""])


def said(cell: Any) -> str:
    """A cell for people: four digits, nothing for None."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return (
            f"{cell:.4g}"
            if cell and (abs(cell) < 1e-3 or abs(cell) >= 1e5)
            else f"{cell:.4f}".rstrip("0").rstrip(".")
        )
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


def _read(place: Path, root: Path) -> RunRow:
    recipe = read_recipe(place / ARGUMENTS_FILE)
    settings = plain_settings({name: values for name, values in recipe.items() if name != "task"})
    name = place.relative_to(root).as_posix()
    row = {
        "name": place.resolve().name if name == "." else name,
        "task": recipe["task"],
        "settings": {key: value for key, value in settings.items() if key not in _NOT_COMPARED},
    }
    if (place / RESULTS_FILE).is_file():
        results = read_json(place / RESULTS_FILE)
        scores = {
            f"{part} {name}": value
            for part in (VALIDATION, TEST)
            for name, value in results.get(part, {}).items()
            if isinstance(value, int | float)
        }
        best_by = results.get("best_by")
        return RunRow(
            **row,
            state=FINISHED if results.get("finished", True) else STOPPED,
            steps=results.get("steps", 0),
            seconds=results.get("seconds", {}).get("training"),
            parameters=results.get("parameters"),
            scores=scores,
            best_by=None if best_by is None else (best_by[0], best_by[1]),
        )
    latest = _latest(place / LINES_FILE)
    scores = {
        f"{VALIDATION} {name.removeprefix('validation_')}": value
        for name, value in latest.items()
        if name.startswith("validation_")
    }
    return RunRow(
        **row,
        state=UNFINISHED,
        steps=round(latest.get("step", 0)),
        seconds=None,
        parameters=None,
        scores=scores,
    )


def _latest(path: Path) -> dict[str, Any]:
    """The last whole row of a history that grows; empty where there is none yet."""
    if not path.is_file():
        return {}
    for line in reversed(path.read_text(encoding="utf-8").splitlines()):
        try:
            row = json.loads(line)
        except ValueError:
            # The line that a process is writing, or was when it was killed.
            continue
        if isinstance(row, dict):
            return row
    return {}


def _board(task: str, runs: list[RunRow], by: str | None, lower: bool | None) -> Leaderboard:
    chosen = next((run.best_by for run in runs if run.best_by is not None), None)
    if by is None and chosen is not None:
        by = f"{VALIDATION} {chosen[0]}"
    metric = "" if by is None else by.partition(" ")[2]
    if lower is None:
        lower = chosen[1] == "lower" if chosen and chosen[0] == metric else metric.endswith(("loss", "error"))
    sign = 1.0 if lower else -1.0

    def place(run: RunRow) -> tuple[bool, float, str]:
        score = None if by is None else run.scores.get(by)
        is_nothing = score is None or score != score
        return is_nothing, 0.0 if is_nothing else sign * float(score or 0.0), run.name

    known = list(dict.fromkeys(name for run in runs for name in run.scores))
    first = [by] if by in known else []
    # The same measure on the other part stands beside it.
    beside = [name for name in known if first and name != by and name.partition(" ")[2] == metric]
    scores = dict.fromkeys([*first, *beside, *known])
    names = dict.fromkeys(name for run in runs for name in run.settings)
    differing = [name for name in names if len({str(run.settings.get(name)) for run in runs}) > 1]
    return Leaderboard(
        task, tuple(sorted(runs, key=place)), by if first else None, tuple(differing), tuple(scores)
    )
