"""What a run shows while it works and leaves behind: progress bar, learning curve, versions, JSON records."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
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

from perceivers.errors import MissingExtraError

REPORTED_PACKAGES = ("perceivers", "torch", "numpy", "accelerate", "torchmetrics", "pillow")


class TrainingProgress:
    """A progress bar with epoch, loss and time left; without a terminal, ten lines over the whole run instead.

    Args:
        total_steps: batches of the whole run.
        epochs: passes over the data.
        headline: the validation metric beside the loss.
        visible: False on all processes but the main one.
    """

    def __init__(self, total_steps: int, epochs: int, headline: str, visible: bool) -> None:
        self._console = Console()
        self._epochs = epochs
        self._watched = f"validation_{headline}"
        self._lines = visible and not self._console.is_terminal
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}"),
            TextColumn("{task.fields[note]}"),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not visible or self._lines,
        )
        self._bar = self._progress.add_task("", total=total_steps, epoch=1, epochs=epochs, loss="-", note="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def batch_done(self, epoch: int, loss: float) -> None:
        """Move on by one batch of the epoch (from 1)."""
        self._progress.update(self._bar, advance=1, epoch=epoch, loss=f"{loss:.4f}")

    def epoch_done(self, row: Mapping[str, float]) -> None:
        """Show the last epoch's row of the history."""
        if self._watched in row:
            self._progress.update(self._bar, note=f"{_words(self._watched)} {row[self._watched]:.4f}")
        epoch = round(row["epoch"])
        if self._lines and (epoch == self._epochs or epoch % max(self._epochs // 10, 1) == 0):
            scores = "  ".join(
                f"{_words(name)} {value:.4f}" for name, value in row.items() if name != "epoch"
            )
            self._console.print(f"epoch {epoch}/{self._epochs}  {scores}", highlight=False, soft_wrap=True)


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


def write_json(path: Path, record: Any) -> None:
    """Write a JSON file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, path)


def results_table(title: str, rows: Mapping[str, object]) -> Table:
    """Lay out names and values in two columns; floats with four digits."""
    table = Table(title=title, show_header=False, title_justify="left")
    for name, value in rows.items():
        table.add_row(_words(name), f"{value:.4f}" if isinstance(value, float) else str(value))
    return table


def draw_learning_curve(history: Sequence[Mapping[str, float]], headline: str, path: Path) -> None:
    """Draw loss and headline metric over the epochs.

    Args:
        history: one row an epoch: `epoch`, `train_loss`, and after a look at the validation part
            `validation_loss` and `validation_<metric>`.
        headline: the metric drawn beside the loss.
        path: picture to write.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "train", "The learning curve") from error
    figure = Figure(figsize=(10.0, 4.0), layout="constrained")
    FigureCanvasAgg(figure)
    watched = f"validation_{headline}" in history[-1]
    axes = figure.subplots(1, 2 if watched else 1, squeeze=False)[0]
    epochs = [row["epoch"] for row in history]
    axes[0].plot(epochs, [row["train_loss"] for row in history], label="training")
    if watched:
        axes[0].plot(epochs, [row["validation_loss"] for row in history], label="validation")
        scores = [row[f"validation_{headline}"] for row in history]
        axes[1].plot(epochs, scores, color="tab:green", label=f"validation, last {scores[-1]:.3f}")
        axes[1].set(xlabel="epoch", title=_words(headline))
    axes[0].set(xlabel="epoch", title="loss", yscale="log")
    for panel in axes:
        panel.grid(alpha=0.3)
        panel.legend(frameon=False)
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)


def _words(name: str) -> str:
    return name.replace("_", " ")
