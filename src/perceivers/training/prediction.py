"""Answers of a trained model for files: a table for programs, a picture for people."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from perceivers.errors import ConfigurationError, DataError
from perceivers.predictor import load
from perceivers.records import write_json
from perceivers.tasks.base import Prediction


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
    predictor = load(folder, device=device)
    predictions = predictor.predictions([str(path) for path in inputs])
    target = Path(output)
    target.mkdir(parents=True, exist_ok=True)
    source = name_of_sources(predictions)
    rows = [{source: prediction.source, **prediction.values} for prediction in predictions]
    write_json(target / "predictions.json", rows)
    write_csv(target / "predictions.csv", rows)
    predictor.task.show(predictions, target)
    return predictions


def name_of_sources(predictions: Sequence[Prediction]) -> str:
    """What the column is called that says where a row is from: `source`, or another name where the rows have one of this."""
    name = "source"
    while any(name in prediction.values for prediction in predictions):
        name = f"{name}_of_row"
    return name


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as a table; columns are all rows' keys whose values are single ones, in order."""
    several = (Mapping, list, tuple)
    columns = list(
        dict.fromkeys(key for row in rows for key, value in row.items() if not isinstance(value, several))
    )
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
