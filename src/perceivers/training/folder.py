"""The folder of a training run: who may use it, and how it is filled whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from torch import Tensor

from perceivers.arguments import ARGUMENTS_FILE, RunArguments, recipe_text
from perceivers.arguments.open import AUTO
from perceivers.errors import ConfigurationError
from perceivers.records import RESULTS_FILE, write_json
from perceivers.tasks.base import Parts, Task
from perceivers.training.reporting import draw_learning_curve, is_main_process


def claim(folder: Path, task: Task[Any], arguments: RunArguments) -> bool:
    """Look whether the run may use its folder; True where it holds this very run, finished."""
    if folder.is_file():
        raise ConfigurationError(f"`output` must be a folder, received the file {str(folder)!r}")
    recorded = folder / ARGUMENTS_FILE
    if not recorded.exists() or arguments.overwrite:
        if arguments.overwrite and is_main_process():
            (folder / RESULTS_FILE).unlink(missing_ok=True)
        return False
    if not arguments.resume:
        raise ConfigurationError(
            f"`output` {str(folder)!r} already holds a training run; give another folder, --overwrite to replace it, or "
            "--resume to go on with it"
        )
    changed = _differences(recorded.read_text(encoding="utf-8"), task, arguments)
    if changed:
        raise ConfigurationError(
            f"`resume` needs the arguments of the run in {str(folder)!r}, received other ones: {'; '.join(changed)}"
        )
    return (folder / RESULTS_FILE).exists()


def _differences(recorded: str, task: Task[Any], arguments: RunArguments) -> list[str]:
    """Where a run's record and the present arguments differ, in words; what changes no result may differ."""
    import yaml

    former = yaml.safe_load(recorded)
    present = yaml.safe_load(recipe_text(task.name, task.arguments, arguments))
    free = {("training", name) for name in ("workers", "device", "checkpoint_every")}
    free |= {("data", name) for name in ("keep_megabytes", "keep_gigabytes", "keep_folder")}
    if former["task"] != present["task"]:
        return [f"task {former['task']} is now {present['task']}"]
    return [
        f"{name} {former.get(concern, {}).get(name)!r} is now {value!r}"
        for concern, values in present.items()
        if concern != "task"
        for name, value in values.items()
        # What the run chose for itself is recorded; where nothing is chosen now, it stays.
        if value not in (None, AUTO)
        and (concern, name) not in free
        and former.get(concern, {}).get(name) != value
    ]


def save_run(
    folder: Path,
    task: Task[Any],
    parts: Parts,
    weights: dict[str, Tensor],
    history: list[dict[str, float]],
    results: dict[str, Any],
    shown: dict[str, Tensor],
    *,
    pictures: bool = True,
) -> None:
    """Write all files beside the folder first, then move them in, the results last."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".partial-") as name:
        partial_folder = Path(name)
        parts.model.save_pretrained(partial_folder, state_dict=weights)
        parts.processor.save_pretrained(partial_folder)
        write_json(partial_folder / "history.json", history)
        if pictures:
            draw_learning_curve(history, task.headline, partial_folder / "learning_curve.png")
        if pictures and shown:
            task.show_evaluation(parts, shown, partial_folder)
        write_json(partial_folder / RESULTS_FILE, results)
        for path in sorted(partial_folder.iterdir(), key=lambda path: path.name == RESULTS_FILE):
            if path.is_dir():
                shutil.rmtree(folder / path.name, ignore_errors=True)
            os.replace(path, folder / path.name)
