"""Answers of a trained model for files: a table for programs, a picture for people."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perceivers.errors import ConfigurationError, DataError
from perceivers.records import write_json
from perceivers.tasks.base import Prediction
from perceivers.tasks.registry import load_run


def predict(
    folder: str | Path, inputs: Sequence[str | Path], output: str | Path, *, device: str = "auto"
) -> list[Prediction]:
    """Answer for each input and write `predictions.json`, `predictions.csv` and the task's pictures.

    Args:
        folder: a training run.
        inputs: files, or folders whose files are taken at any depth; tasks of text take the text itself, too.
        output: folder that receives the answers.
        device: "auto" or "cpu".

    Returns:
        One prediction an input, in order.
    """
    if not inputs:
        raise DataError("`inputs` must name one file or more, received none")
    if Path(output).is_file():
        raise ConfigurationError(f"`output` must be a folder, received the file {str(output)!r}")
    task, parts, _ = load_run(Path(folder))
    parts.model.to(choose_device(device)).eval()
    predictions = task.predict(parts, [str(path) for path in inputs])
    target = Path(output)
    target.mkdir(parents=True, exist_ok=True)
    rows = [{"source": prediction.source, **prediction.values} for prediction in predictions]
    write_json(target / "predictions.json", rows)
    write_csv(target / "predictions.csv", rows)
    task.show(predictions, target)
    return predictions


def choose_device(device: str) -> str:
    """Name the torch device for "auto" (the accelerator that is there, else the processor) or "cpu"."""
    import torch

    if device not in ("auto", "cpu"):
        raise ConfigurationError(f"`device` must be one of auto, cpu, received {device!r}")
    accelerator = torch.accelerator.current_accelerator() if device == "auto" else None
    return "cpu" if accelerator is None or not torch.accelerator.is_available() else str(accelerator)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as a table; columns are the first row's keys whose values are single ones."""
    columns = [name for name, value in rows[0].items() if not isinstance(value, (Mapping, list, tuple))]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
