"""Answers of a trained model for files: a table for programs, a picture for people."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from perceivers.errors import ConfigurationError, DataError
from perceivers.predictor import load
from perceivers.records import write_json
from perceivers.tasks.base import Prediction


def predict(
    folder: str | Path,
    inputs: Sequence[str | Path],
    output: str | Path,
    *,
    device: str = "auto",
    tell: Callable[[str], object] | None = None,
) -> list[Prediction]:
    """Answer for each input and write `predictions.json`, `predictions.csv` and the task's pictures.

    Args:
        folder: a training run.
        inputs: files, or folders whose files are taken at any depth; tasks of text take the text itself, too.
        output: folder that receives the answers.
        device: "auto" or "cpu".
        tell: called with each thing that is to be known of the inputs, such as columns that are absent.

    Returns:
        One prediction an input, in order.
    """
    if not inputs:
        raise DataError("`inputs` must name one file or more, received none")
    if Path(output).is_file():
        raise ConfigurationError(f"`output` must be a folder, received the file {str(output)!r}")
    predictor = load(folder, device=device)
    predictions = predictor.predictions([str(path) for path in inputs])
    for note in getattr(predictor.task, "notes", ()) if tell is not None else ():
        tell(note)  # type: ignore[misc]
    target = Path(output)
    target.mkdir(parents=True, exist_ok=True)
    rows = [{"source": prediction.source, **prediction.values} for prediction in predictions]
    write_json(target / "predictions.json", rows)
    write_csv(target / "predictions.csv", rows)
    predictor.task.show(predictions, target)
    return predictions


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as a table; columns are the first row's keys whose values are single ones."""
    columns = [name for name, value in rows[0].items() if not isinstance(value, (Mapping, list, tuple))]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
