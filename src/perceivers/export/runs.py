"""A training run to a folder of files that answer without torch, proved on the run's own samples."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from perceivers.arguments import load_arguments
from perceivers.arguments.base import require_choice
from perceivers.configuration import CONFIG_NAME
from perceivers.errors import ConfigurationError
from perceivers.export.folder import whole_folder
from perceivers.export.graph import input_axes
from perceivers.export.measured import measured
from perceivers.export.recorded import inputs_of
from perceivers.export.rounding import FLOAT16, INT8, round_file
from perceivers.export.samples import write_sample
from perceivers.export.writing import FORMATS, FORMS, Written, write_model
from perceivers.records import write_json
from perceivers.runtime.predictor import EXPORT_FILE
from perceivers.runtime.session import Session
from perceivers.tasks.base import Parts
from perceivers.tasks.missing_columns import of_a_trained_run
from perceivers.tasks.registry import load_run
from perceivers.training.evaluation import data_of_run, of_other_data

# Files of a run that say how its inputs are read.
READING_FILES = (
    CONFIG_NAME,
    "columns.json",
    "tokenizer_config.json",
    "preprocessor_config.json",
    "event_vocabulary.json",
)
# Calls of a timing; the fastest counts.
_TIMED = 5


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        folder: where.
        files: name -> bytes.
        errors: name -> largest difference to the model, as a share of its largest output.
        axes: name -> what the file says of its inputs.
        rounded: what rounding costs on the run's test part, by measure; empty without.
        milliseconds: of one call with the sample, of the file and of torch's fast form.
    """

    folder: Path
    files: Mapping[str, int]
    errors: Mapping[str, float]
    axes: Mapping[str, Mapping[str, Sequence[int | str]]]
    rounded: Mapping[str, float]
    milliseconds: Mapping[str, float]


def export(
    run: str | PathLike[str],
    output: str | PathLike[str],
    *,
    file_format: Literal["onnx", "torch"] = "onnx",
    form: Literal["fast", "plain"] = "fast",
    dtype: Literal["float32", "float16"] = "float32",
    int8: bool = False,
    free: Sequence[str] = (),
    data: str | None = None,
    overwrite: bool = False,
) -> Exported:
    """Write a run's model as files for other programs, and prove them on the run's own samples.

    Example:
        from perceivers.export.runs import export

        export("runs/rooms", "exported/rooms")
        perceivers.runtime.load("exported/rooms").predict(["photo.jpg"])

    Args:
        run: a folder that `perceivers train` wrote.
        output: folder that receives the files; it is there whole, or as it was before.
        file_format: "onnx", for onnxruntime; "torch", a program that `torch.export.load` reads.
        form: "fast", the exact fast form; "plain", the layers as they were trained.
        dtype: "float16" computes in half precision.
        int8: round the weights of matrix products to 8 bits.
        free: further axes that may have any size, as "inputs:2"; the batch, and what differs among the run's samples, always
            are.
        data: where the samples are; None for where the run had them.
        overwrite: replace another export.

    Raises:
        ConfigurationError: an argument is out of range, a file differs from the model by more than 1e-4 of its largest
            output, or `output` holds something.
        DataError: `run` is none, or its data are not there.
        MissingExtraError: onnx, onnxscript or onnxruntime is not installed.
    """
    run, output = Path(run), Path(output)
    for name, value, choices in (
        ("format", file_format, FORMATS),
        ("form", form, FORMS),
        ("dtype", dtype, ("float32", FLOAT16)),
    ):
        require_choice(name, value, choices)
    rounding = _rounding(file_format, dtype, int8)
    with whole_folder(output, overwrite=overwrite) as folder:
        task, parts, recorded = load_run(run)
        parts.model.eval()
        asked = data_of_run(recorded) if data is None else of_other_data(recorded.data, data)
        with of_a_trained_run():
            splits = task.load_data(asked, parts)
        test = splits.part("test") if len(splits.part("test")) else splits.train
        samples = inputs_of(task, parts, test)
        files = write_model(
            parts.model,
            samples,
            folder,
            file_format=file_format,
            form=form,
            free=_axes(free),
            says={"task": task.name, "names": _names(parts)},
        )
        first = files[0]
        write_sample(
            folder,
            first.call.inputs,
            first.outputs,
            with_examples=file_format == "onnx",
        )
        rounded: dict[str, float] = {}
        if rounding is not None:
            before = measured(task, parts, test, Session(first.path), samples)
            for each in files:
                round_file(each.path, rounding)
            rounded = before.beside(measured(task, parts, test, Session(first.path), samples))
        for name in READING_FILES:
            if (run / name).is_file():
                shutil.copyfile(run / name, folder / name)
        task.save_for_export(parts, folder)
        milliseconds = _timed(files[0], parts) if file_format == "onnx" else {}
        found = Exported(
            output,
            {each.path.name: each.path.stat().st_size for each in files},
            {each.path.name: each.proof.error for each in files},
            {each.path.name: input_axes(each.path, each.call) for each in files},
            rounded,
            milliseconds,
        )
        _write_record(folder, run, task.name, found, form=form, rounding=rounding)
    return found


def _write_record(
    folder: Path, run: Path, task: str, found: Exported, *, form: str, rounding: str | None
) -> None:
    """What the runtime reads: the task with its arguments, and how well the files were proved."""
    _, values, recorded = load_arguments(run)
    record = {
        "task": task,
        "arguments": values,
        "decimal": recorded.data.known_decimal,
        "takes_strays": recorded.data.takes_strays,
        "form": form,
        "rounding": rounding,
        "rounded": found.rounded,
        "milliseconds": found.milliseconds,
        "files": {
            name: {"bytes": size, "error": found.errors[name], "inputs": found.axes[name]}
            for name, size in found.files.items()
        },
    }
    write_json(folder / EXPORT_FILE, record)


def _rounding(file_format: str, dtype: str, int8: bool) -> str | None:
    if int8 and dtype == FLOAT16:
        raise ConfigurationError("`dtype` float16 and `int8` exclude each other: give one of them")
    if file_format == "torch" and (int8 or dtype == FLOAT16):
        raise ConfigurationError("`dtype` float16 and `int8` need `format` onnx, received torch")
    return INT8 if int8 else FLOAT16 if dtype == FLOAT16 else None


def _axes(given: Sequence[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for each in given:
        name, colon, axis = each.rpartition(":")
        if not colon or not axis.isdecimal():
            raise ConfigurationError(f"`free` must be an input and an axis, as inputs:2, received {each!r}")
        found.setdefault(name, []).append(int(axis))
    return found


def _names(parts: Parts) -> dict[str, list[str]]:
    """Classes or labels of each answer, in the order of its scores."""
    answers = getattr(parts.processor, "answers", {})
    names = {name: list(answer.names) for name, answer in answers.items()}
    labels = parts.model.config.id2label or {}
    return names or {"": [str(labels[index]) for index in sorted(labels)]}


def _timed(file: Written, parts: Parts) -> dict[str, float]:
    """Milliseconds of a call with the sample: of the file, and of the exact fast form in torch; taken in turns."""
    session, prepared = Session(file.path, torch.get_num_threads()), parts.model.prepare()
    arrays = {name: value.numpy() for name, value in file.call.inputs.items()}
    taken: dict[str, list[float]] = {"onnxruntime": [], "torch": []}
    for _ in range(_TIMED):
        start = time.perf_counter()
        session.run(arrays)
        middle = time.perf_counter()
        file.call.compute(prepared, file.call.inputs)
        taken["onnxruntime"].append(middle - start)
        taken["torch"].append(time.perf_counter() - middle)
    return {name: float(np.min(times)) * 1e3 for name, times in taken.items()}


__all__ = ["Exported", "export"]
