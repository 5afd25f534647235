"""What a run shows while it works and leaves behind: progress bar, learning curve, versions, tables of results."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from perceivers.data.words import counted
from perceivers.figures import new_figure, save_figure

REPORTED_PACKAGES = ("perceivers", "torch", "numpy", "accelerate", "pillow")
# Seconds without a line.
LONGEST_SILENCE = 60.0


@dataclass(frozen=True)
class Told:
    """How the progress of a run is told.

    Args:
        title: what stands before the steps.
        lines: without a terminal, about so many over the whole run, and one whenever a minute has passed without any.
        runs_to_come: like this one, itself included, which the time that is told is for; 0 tells none.
    """

    title: str = "step"
    lines: int = 10
    runs_to_come: int = 1


USUALLY_TOLD = Told()


class TrainingProgress:
    """A progress bar with steps, loss and time left; without a terminal, a few lines instead, see `Told`.

    Args:
        total_steps: optimiser steps of the whole run.
        done: steps that an earlier session has done.
        headline: the validation metric beside the loss.
        visible: False on all processes but the main one.
        told: what is said of them.
    """

    def __init__(
        self, total_steps: int, done: int, headline: str, visible: bool, told: Told = USUALLY_TOLD
    ) -> None:
        self._console = Console()
        self._total = total_steps
        self._told = told
        self._watched = f"validation_{headline}"
        self._visible = visible
        self._lines = visible and not self._console.is_terminal
        self._printed, self._printed_at = -1, 0.0
        self._progress = Progress(
            TextColumn(told.title),
            MofNCompleteColumn(),
            BarColumn(bar_width=20),
            TextColumn("epoch {task.fields[epoch]}  loss {task.fields[loss]}"),
            # Names of the user's columns are in it.
            TextColumn("{task.fields[note]}", markup=False),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not visible or self._lines,
        )
        self._bar = self._progress.add_task(
            "", total=total_steps, completed=done, epoch="-", loss="-", note=""
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def set_total(self, total_steps: int) -> None:
        """Take over another number of optimiser steps of the whole run."""
        self._total = total_steps
        self._progress.update(self._bar, total=total_steps)

    def say(self, line: str) -> None:
        """Print a line, above the bar where there is one."""
        if self._visible:
            self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def step_done(self, step: int, epoch: int, loss: float) -> None:
        """Show that `step` optimiser steps are done, in the pass after `epoch` whole ones."""
        self._progress.update(self._bar, completed=step, epoch=epoch + 1, loss=in_digits(loss))

    def row_done(self, row: Mapping[str, float]) -> None:
        """Show the latest row of the history."""
        if self._watched in row:
            self._progress.update(self._bar, note=f"{_words(self._watched)} {in_digits(row[self._watched])}")
        step = round(row["step"])
        part = self._told.lines * step // max(self._total, 1)
        now = time.monotonic()
        if self._lines and (part > self._printed or now - self._printed_at >= LONGEST_SILENCE):
            self._printed, self._printed_at = part, now
            scores = "  ".join(
                f"{_words(name)} {in_digits(value)}"
                for name, value in row.items()
                if name in ("train_loss", "validation_loss", self._watched)
            )
            self._console.print(
                f"{self._told.title} {step:,}/{self._total:,}  epoch {row['epoch']:.4g}  {scores}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )


def print_plan(plan: Sequence[Any]) -> None:
    """Print what a task said of its data: texts as they are, anything else as rich renders it."""
    console = Console()
    for each in plan:
        console.print(each, markup=False, highlight=False, soft_wrap=isinstance(each, str))


def could_not_draw(what: str, error: Exception) -> str:
    """The line about a drawing that failed."""
    return f"{what} could not be drawn: {str(error) or type(error).__name__}; all else is saved"


def is_main_process() -> bool:
    """Whether this process is the one that talks, of those that `accelerate launch` or `torchrun` started."""
    return os.environ.get("RANK", "0") == "0"


def installed_versions() -> dict[str, str]:
    """Versions of Python and of the packages that a result depends on."""
    versions = {"python": platform.python_version()}
    for package in REPORTED_PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def results_table(title: str, rows: Mapping[str, object]) -> Table:
    """Lay out names and values in two columns; floats with four digits. Nothing in it is taken for markup."""
    table = Table(title=title, show_header=False, title_justify="left")
    for name, value in rows.items():
        table.add_row(Text(_words(name)), Text(in_digits(value)))
    return table


def comparison_table(title: str, columns: Mapping[str, Mapping[str, float]]) -> Table:
    """Lay out measures as rows, those of the first column first, and who was measured as columns; blank where nothing was."""
    table = Table(title=title, title_justify="left")
    table.add_column("measure", overflow="fold")
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for measure in dict.fromkeys(name for values in columns.values() for name in values):
        cells = (in_digits(values[measure]) if measure in values else "" for values in columns.values())
        table.add_row(Text(_words(measure)), *map(Text, cells))
    return table


def beside_tables(
    task: str, beside: Mapping[str, Any], scores: Mapping[str, float], part: str | None = None
) -> list[Any]:
    """What is printed of a run beside simple methods: a table of the measures, and a line on what these were given.

    Args:
        task: its name.
        beside: what `perceivers.training.beside` gives.
        scores: the model's measures.
        part: of the data; None takes it from `beside`.
    """
    method, part = beside["method"], part or beside["part"]
    names = list(dict.fromkeys((method, beside.get("trivial", "majority"))))
    shown = {name: {key: value for key, value in beside[name].items() if key in scores} for name in names}
    learned = beside.get("training_samples")
    fitted_to = "nothing" if learned is None else counted(learned, "training sample", "training samples")
    line = f"{' and '.join(names)}: fitted to {fitted_to}"
    if "samples" in beside:
        line += f", measured on {_of_all(beside['samples'], beside.get('asked_samples'))}"
    if beside.get("ignored"):
        line += f"; trees cannot read {', '.join(beside['ignored'])}"
    return [comparison_table(f"{task}, {part}", {"this model": scores, **shown}), line]


def _of_all(measured: int, asked: int | None) -> str:
    """How many samples simple methods were measured on: the model was measured on all."""
    if asked is None or asked == measured:
        return counted(measured, "sample", "samples")
    return f"{measured:,} of {asked:,} samples, evenly drawn"


def draw_learning_curve(history: Sequence[Mapping[str, float]], headline: str, path: Path) -> None:
    """Draw loss and headline metric over the optimiser steps.

    Args:
        history: one row a look at the validation samples: `step`, `train_loss` once anything was learned, and where there
            are any `validation_<metric>`.
        headline: the metric drawn beside the loss.
        path: picture to write.
    """
    figure = new_figure("The learning curve", (10.0, 4.0), layout="constrained")
    watched = [row for row in history if f"validation_{headline}" in row]
    has_headline = bool(watched) and headline != "loss"
    axes = figure.subplots(1, 2 if has_headline else 1, squeeze=False)[0]
    learned = [row for row in history if "train_loss" in row]
    axes[0].plot([row["step"] for row in learned], [row["train_loss"] for row in learned], label="training")
    steps = [row["step"] for row in watched]
    if watched and "validation_loss" in watched[-1]:
        axes[0].plot(steps, [row["validation_loss"] for row in watched], label="validation")
    if has_headline:
        scores = [row[f"validation_{headline}"] for row in watched]
        axes[1].plot(steps, scores, color="tab:green", label=f"validation, last {scores[-1]:.3f}")
        axes[1].set_xlabel("optimiser steps")
        axes[1].set_title(_words(headline), parse_math=False)
    is_positive = min((row["train_loss"] for row in learned), default=0.0) > 0.0
    axes[0].set(xlabel="optimiser steps", title="loss", yscale="log" if is_positive else "linear")
    for panel in axes:
        panel.grid(alpha=0.3)
        panel.legend(frameon=False)
        panel.spines[["top", "right"]].set_visible(False)
    save_figure(figure, path, dpi=120)


def in_digits(value: object) -> str:
    """What tables say of a value: of a float four digits behind the point, or, where it is large or small, four in all."""
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return "cannot be computed"
    # Neither a row of digits nor of zeros.
    is_usual = value == 0.0 or 5e-5 <= abs(value) < 1e9
    return f"{value:.4f}" if is_usual else f"{value:.4g}"


def _words(name: str) -> str:
    """A measure in words; the column before it keeps its name."""
    column, slash, measure = name.rpartition("/")
    return f"{column}{slash}{measure.replace('_', ' ')}"
