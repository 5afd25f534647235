"""Answers of a trained model for files: a table for programs, a picture for people, and a list of what cannot be read."""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from perceivers.arguments.base import require_choice
from perceivers.data.notation import Asked
from perceivers.errors import ConfigurationError, DataError, UnreadableError
from perceivers.folder_lock import alone_in
from perceivers.predictor import Predictor, load
from perceivers.records import whole_file, write_json, writing
from perceivers.tasks.base import FILES, Prediction, Task, Unreadable
from perceivers.text_files import ON_NO_LETTERS

ERRORS_FILE = "errors.csv"
PARTIAL = ".partial-"


@dataclass(frozen=True)
class Answered:
    """What was asked, answered as far as it can be read.

    Args:
        predictions: of what could be read, in order.
        left_out: what could not.
        warnings: lines about pictures that could not be drawn.
    """

    predictions: list[Prediction]
    left_out: list[Unreadable]
    warnings: tuple[str, ...] = ()

    def require_all(self) -> None:
        """Raise UnreadableError where something is left out."""
        if self.left_out:
            others = f" (and {len(self.left_out) - 1} more)" if len(self.left_out) > 1 else ""
            raise UnreadableError(
                f"{self.left_out[0].reason}{others}; the other {len(self.predictions):,} are answered; mend it, or accept "
                "this with --unreadable skip"
            )


def predict(
    folder: str | PathLike[str],
    inputs: Any,
    output: str | PathLike[str] | None = None,
    *,
    device: str = "auto",
    unreadable: Literal["stop", "skip"] = "stop",
    decimal: Asked = "auto",
) -> list[Prediction]:
    """Answer for each input, and write the answers where a folder is named for them.

    Whatever cannot be read, the answers of all other inputs are written: `predictions.json`, `predictions.csv` and the task's
    pictures, and `errors.csv` with the columns file, row and reason.

    Example:
        perceivers.predict("runs/rooms", ["photos", "one.jpg"], "answers")
        perceivers.predict("runs/rooms", [array, picture])

    Args:
        folder: a training run.
        inputs: files, tables, or folders whose files are taken at any depth; tasks of text take the text itself, too. Or, in
            memory: a list of arrays, PIL pictures and whatever else a cell may be where the run reads one column, and of
            rows (mappings from column to cell); a DataFrame.
        output: folder that receives the answers; None writes nothing.
        device: "auto" or "cpu".
        unreadable: "stop" raises UnreadableError at the end where an input could not be read; "skip" does not.
        decimal: how numbers are written in texts, see `perceivers.load`.

    Returns:
        One prediction an input, or row, that could be read, in order.

    Raises:
        UnreadableError: some inputs cannot be read; the others are answered and written.
        DataError: none can be read; nothing is written.
        PerceiversError: the answers cannot be written.
    """
    require_choice("unreadable", unreadable, ("stop", "skip"))
    answered = answer_all(folder, inputs, output, device=device, decimal=decimal)
    if unreadable == "stop":
        answered.require_all()
    return answered.predictions


def answer_all(
    folder: str | PathLike[str],
    inputs: Any,
    output: str | PathLike[str] | None,
    *,
    device: str = "auto",
    decimal: Asked = "auto",
    tell: Callable[[Answered], None] | None = None,
) -> Answered:
    """See `predict`; what cannot be read is no error where anything can. `tell` is called before pictures are drawn."""
    _require_asked(inputs, output)
    return answer_with(load(folder, device=device, decimal=decimal), inputs, output, tell=tell)


def answer_with(
    predictor: Predictor,
    inputs: Any,
    output: str | PathLike[str] | None,
    *,
    draws: bool = True,
    tell: Callable[[Answered], None] | None = None,
) -> Answered:
    """The same by a run that is loaded already.

    Args:
        predictor: the run.
        inputs: see `predict`.
        output: see `predict`.
        draws: write the task's pictures, too.
        tell: called when the answers are written, before pictures are drawn.
    """
    _require_asked(inputs, output)
    # Held from the beginning: two that write into one folder would mix their answers, and the later one would have worked
    # for nothing.
    with alone_in(None if output is None else Path(output)):
        return _answered(predictor, inputs, output, draws, tell)


def _answered(
    predictor: Predictor,
    inputs: Any,
    output: str | PathLike[str] | None,
    draws: bool,
    tell: Callable[[Answered], None] | None,
) -> Answered:
    left_out: list[Unreadable] = []
    if isinstance(inputs, Sequence) and all(isinstance(each, str | PathLike) for each in inputs):
        predictions = predictor.predictions([os.fspath(each) for each in inputs], left_out)
    else:
        predictions = predictor.predictions_of_values(inputs, left_out)
    if not predictions:
        others = f" (and {len(left_out) - 1} more)" if len(left_out) > 1 else ""
        raise DataError(f"{left_out[0].reason}{others}" if left_out else "`inputs` hold nothing to answer")
    answered = Answered(predictions, left_out)
    if output is None:
        return answered
    cure = "give another folder, or make room there"
    with writing(Path(output), cure):
        _write(answered, Path(output))
    if tell is not None:
        tell(answered)
    with writing(Path(output), cure):
        if draws:
            return replace(answered, warnings=_draw(predictor.task, predictions, Path(output)))
        _copy_files(predictions, Path(output))
    return answered


def _require_asked(inputs: Any, output: str | PathLike[str] | None) -> None:
    if isinstance(inputs, str | bytes) or not isinstance(inputs, Sized):
        received = (
            f"the text {inputs!r:.80}"
            if isinstance(inputs, str | bytes)
            else f"{type(inputs).__name__} alone"
        )
        raise DataError(
            f"`inputs` must name one file or more, received {received}: put one input in a list, [input]"
        )
    if not len(inputs):
        raise DataError("`inputs` must name one file or more, received none")
    if output is not None and Path(output).is_file():
        raise ConfigurationError(f"`output` must be a folder, received the file {str(output)!r}")


def _write(answered: Answered, target: Path) -> None:
    """Write the answers, each file whole or not at all."""
    target.mkdir(parents=True, exist_ok=True)
    for path in target.glob(f"{PARTIAL}*"):
        # Of a process that was killed.
        shutil.rmtree(path, ignore_errors=True)
    source = name_of_sources(answered.predictions)
    rows = [{source: prediction.source, **prediction.values} for prediction in answered.predictions]
    write_json(target / "predictions.json", rows)
    write_csv(target / "predictions.csv", rows)
    write_errors(target / ERRORS_FILE, answered.left_out)


def _draw(task: Task[Any], predictions: Sequence[Prediction], target: Path) -> tuple[str, ...]:
    """Write the task's pictures, each whole or not at all; a line where they could not be drawn."""
    with tempfile.TemporaryDirectory(dir=target, prefix=PARTIAL) as name:
        try:
            task.show(predictions, Path(name))
        except OSError:
            raise
        except Exception as error:  # whatever a drawing raises
            return (
                f"the pictures could not be drawn: {str(error) or type(error).__name__}; the answers are saved",
            )
        for path in sorted(Path(name).rglob("*")):
            if path.is_file():
                place = target / path.relative_to(name)
                place.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, place)
    return ()


def _copy_files(predictions: Sequence[Prediction], target: Path) -> None:
    """Put files that belong to answers beside them."""
    for prediction in predictions:
        for name, kept in prediction.shown.get(FILES, {}).items():
            place = target / name
            place.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(place) as partial:
                if isinstance(kept, bytes):
                    partial.write_bytes(kept)
                else:
                    shutil.copyfile(kept.path, partial)


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
    with (
        whole_file(path) as partial,
        partial.open("w", newline="", encoding="utf-8", errors=ON_NO_LETTERS) as file,
    ):
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def write_errors(path: Path, left_out: Sequence[Unreadable]) -> None:
    """Write what could not be read as a table of file, row and reason; where all could, no file stays."""
    if not left_out:
        path.unlink(missing_ok=True)
        return
    rows = [
        {"file": each.file, "row": "" if each.row is None else each.row, "reason": each.reason}
        for each in left_out
    ]
    write_csv(path, rows)
