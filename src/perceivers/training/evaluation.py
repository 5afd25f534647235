"""Measuring a trained model on a part of any data, alike while training and afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from perceivers.arguments import DataArguments, RunArguments, TrainingArguments
from perceivers.arguments.base import require_choice
from perceivers.data.bundled import BUNDLED
from perceivers.data.draws import NumberedBatch, plain_loader
from perceivers.data.folds import whole
from perceivers.data.frames import IN_MEMORY
from perceivers.data.notation import ASKED, Asked
from perceivers.data.splits import PartName, Splits
from perceivers.errors import ConfigurationError, DataError, MissingExtraError
from perceivers.folder_lock import alone_in
from perceivers.records import RESULTS_FILE, read_json, whole_file, write_json, writing
from perceivers.tasks.base import Parts, Task, located
from perceivers.tasks.column_task import ColumnTask
from perceivers.tasks.missing_columns import of_a_trained_run
from perceivers.tasks.option_advice import OF_ASKING, advising, without_options
from perceivers.tasks.registry import load_run
from perceivers.tasks.telling import without_target_in_words
from perceivers.training.beside import measure_rivals
from perceivers.training.prediction import ERRORS_FILE, write_errors
from perceivers.training.reporting import could_not_draw, installed_versions
from perceivers.training.workers import FEWER_WORKERS, while_workers_live
from perceivers.warned import print_warning

if TYPE_CHECKING:
    from accelerate import Accelerator

EVALUATION_FILE = "evaluation.json"
# Those that errors may advise.
OPTIONS = (*OF_ASKING, "data", "split", "output")


def evaluate(
    folder: str | Path,
    *,
    data: str | None = None,
    split: PartName = "test",
    batch_size: int = 64,
    device: str = "auto",
    output: str | Path | None = None,
    beside: str | None = None,
    unreadable: Literal["auto", "stop", "skip", "trust"] | None = None,
    decimal: Asked = "auto",
) -> dict[str, Any]:
    """Measure a trained model and write `evaluation.json`.

    Args:
        folder: a training run.
        data: see DataArguments; None takes the data of the run. It is divided as the run divided its own.
        split: which part to measure on; "all" joins the three.
        batch_size: samples a forward pass.
        device: "auto" or "cpu".
        output: folder for `evaluation.json`; None takes the run's.
        beside: "trees" measures boosted trees and the majority (the mean of numbers) on the same rows, fitted to the rows
            that the run's weights were fitted to (its validation rows are among them where it had `folds`); "auto" the cheap
            method and the trivial answer that fit the run; see `perceivers.training.beside`. None measures the model alone.
        unreadable: see DataArguments; None does as the run did. What is left out is listed in `errors.csv`, too.
        decimal: how `data` writes numbers in texts, see `perceivers.load`.

    Returns:
        What `evaluation.json` holds.

    Raises:
        DataError: the folder is no run, or the data are absent or cannot be read.
        ConfigurationError: `beside` is not for this run.
        MissingExtraError: `beside` needs a package that is not installed.
    """
    require_notation(decimal, data)
    task, parts, run = load_run(Path(folder))
    if beside is not None and data is not None and run.data.data == IN_MEMORY:
        raise ConfigurationError(
            f"`beside` must be left out with `data`, received {beside!r}: it is fitted to the rows that the run "
            f"{str(folder)!r} was trained on, which were in memory and lie in no file"
        )
    # First, because a task calls its columns as the data do that were opened last.
    own_data = data_of_run(run) if data is None or beside is not None else run.data
    if unreadable is not None:
        own_data = replace(own_data, unreadable=unreadable)
    with advising(*OPTIONS):
        own = task.load_data(own_data, parts) if data is None or beside is not None else None
    with of_a_trained_run(), advising(*OPTIONS):
        splits = own if data is None else load_other_data(task, parts, own_data, data, decimal)
    assert splits is not None
    left_out = [without_options(line, OPTIONS) for line in splits.unreadable]
    samples = splits.part(split)
    if not all(hasattr(part, "__len__") for part in getattr(samples, "parts", (samples,))):
        raise DataError(
            f"`split` {split!r} of `data` {data or run.data.data!r} must be samples that can be read again, received a "
            "stream: take another part, or give it as `data`, which is not streamed"
        )
    without_target = splits.num_without_target(split)
    if not len(samples):
        why = f": {without_target_in_words(without_target)}" if without_target else ""
        raise DataError(f"`split` {split!r} of `data` {data or run.data.data!r} holds no samples{why}")
    if run.training.folds and data is None and split == "validation":
        print_warning(
            f"the weights of this run were fitted to its validation samples, too (folds {run.training.folds}): this tells "
            "little of samples that it has not seen"
        )
    settings = TrainingArguments(batch_size=batch_size, device=device)  # type: ignore[arg-type]
    accelerator = build_accelerator(settings)
    # Before the rivals: what is hidden from a model is drawn where it lies, and they are shown the same.
    parts.model.to(accelerator.device)
    rivals = {}
    if beside is not None:
        assert own is not None
        learned = whole(own) if run.training.folds else own
        rivals["beside"] = measure_rivals(
            task, parts, learned.train, samples, beside=beside, seed=run.training.seed
        )
    target = Path(folder if output is None else output)
    with alone_in(target if accelerator.is_main_process else None):
        loader = plain_loader(samples, NumberedBatch(task.collate, parts.processor), batch_size=batch_size)
        # The exact fast form: measuring needs no gradients.
        prepared = parts.model.eval().prepare(consume=True)
        parts = replace(parts, model=prepared)
        scores, shown = measure(task, prepared, parts, accelerator.prepare(loader), accelerator)
        results = {
            "task": task.name,
            "data": data or run.data.data,
            "split": split,
            "samples": len(samples),
            "unreadable": left_out,
            "without_target": without_target,
            "odd_cells": list(splits.odd_cells),
            "metrics": scores,
            **rivals,
            "versions": installed_versions(),
        }
        if accelerator.is_main_process:
            with writing(target, "name another folder with --output, or make room there"):
                target.mkdir(parents=True, exist_ok=True)
                write_json(target / EVALUATION_FILE, results)
                write_errors(target / ERRORS_FILE, [located(line) for line in left_out])
            _draw(task, parts, shown, target)
    return results


def _draw(task: Task[Any], parts: Parts, shown: dict[str, Tensor], target: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="perceivers-") as name:
        try:
            for path in task.show_evaluation(parts, shown, Path(name)):
                with whole_file(target / path.name) as partial:
                    shutil.copyfile(path, partial)
        except Exception as error:  # whatever a drawing raises
            print_warning(could_not_draw("the pictures of the evaluation", error))


@torch.no_grad()
def measure(
    task: Task[Any], model: Any, parts: Parts, batches: Any, accelerator: Accelerator
) -> tuple[dict[str, float], dict[str, Tensor]]:
    """Run the model over all batches and compute the task's metrics; each sample counts once, on any number of processes.

    Args:
        task: the forward pass and the metrics.
        model: the network as accelerate or `prepare` made it; it is put into evaluation mode.
        parts: the network and its processor as they were built.
        batches: a prepared loader.
        accelerator: what prepared them.

    Returns:
        Scalar metrics by name, and those of more than one value (such as a confusion matrix).
    """
    # On the processor: their sums are float64, which Apple's GPU does not have.
    metrics = task.metrics(parts)
    for metric in metrics.values():
        if hasattr(metric, "sync_on_compute"):
            # One of torchmetrics, in a task of one's own; what all processes measured is gathered below.
            metric.sync_on_compute = False
    model.eval()
    for _, batch in while_workers_live(batches, FEWER_WORKERS):
        measured = dict(task.step(model, batch).measured)
        gathered = accelerator.gather_for_metrics(measured)
        metrics.update(**{name: values.cpu() for name, values in gathered.items()})
    return _computed(task, metrics)


def scores_of(
    task: Task[Any], parts: Parts, measured: Mapping[str, Tensor]
) -> tuple[dict[str, float], dict[str, Tensor]]:
    """The metrics of what `collect` gave; see `measure`."""
    metrics = task.metrics(parts)
    metrics.update(**measured)
    return _computed(task, metrics)


def _computed(task: Task[Any], metrics: Any) -> tuple[dict[str, float], dict[str, Tensor]]:
    computed = {name: torch.as_tensor(value) for name, value in metrics.compute().items()}
    scalars = {name: float(value) for name, value in computed.items() if value.ndim == 0}
    return task.summarize(scalars), {name: value for name, value in computed.items() if value.ndim > 0}


@torch.no_grad()
def collect(task: Task[Any], model: Any, batches: Any, accelerator: Accelerator) -> dict[str, Tensor]:
    """What the task's step measures of all batches, each sample once, on the processor; nothing of no batches.

    Arguments as `measure`.
    """
    model.eval()
    found: dict[str, list[Tensor]] = {}
    for _, batch in while_workers_live(batches, FEWER_WORKERS):
        measured = accelerator.gather_for_metrics(dict(task.step(model, batch).measured))
        for name, values in measured.items():
            found.setdefault(name, []).append(values.cpu())
    return {name: torch.cat(values) for name, values in found.items()}


def data_of_run(run: RunArguments) -> DataArguments:
    """The data of a run, to be opened again, from wherever: what was named from its folder is found from any other.

    Args:
        run: `output` is the folder that the run lies in now.

    Raises:
        DataError: its rows were in memory, and are no more, or its files are not there any more.
    """
    if run.data.data == IN_MEMORY:
        raise DataError(
            f"`data` must be given: the run {run.output!r} was trained on rows in memory, which no file holds"
        )
    recorded = Path(run.output) / RESULTS_FILE
    places = read_json(recorded).get("data_paths", {}) if recorded.is_file() else {}
    found = {}
    for name, place in places.items():
        given = getattr(run.data, name)
        if Path(place).exists():
            found[name] = place
        elif given is None or not Path(given).exists():
            raise DataError(
                f"the data of the run {run.output!r} are not where they were, {place!r}; say with --data where they are now"
            )
    return replace(run.data, **found)


def places_of(data: DataArguments) -> dict[str, str]:
    """Where the files lie that a run is trained on, by the argument that names them; other names have no place."""
    named = {name: getattr(data, name) for name in ("data", "validation_data", "test_data")}
    return {
        name: str(Path(given).absolute())
        for name, given in named.items()
        if given and given not in BUNDLED and Path(given).exists()
    }


def require_notation(decimal: Asked, data: str | None) -> None:
    """Raise ConfigurationError where somebody says how numbers are written of the run's own data."""
    require_choice("decimal", decimal, ASKED)
    if decimal != "auto" and data is None:
        raise ConfigurationError(
            f"`decimal` {decimal} is of other data: name them with `data`; the run's own are read as when it was trained"
        )


def load_other_data(
    task: Task[Any], parts: Parts, run_data: DataArguments, data: str, decimal: Asked = "auto"
) -> Splits:
    """Other data than a run's, read as the run reads, numbers as `decimal` says; see `of_other_data`."""
    if isinstance(task, ColumnTask):
        task.asked_decimal = decimal
    return task.load_data(of_other_data(run_data, data), parts)


def of_other_data(run_data: DataArguments, data: str) -> DataArguments:
    """A run's data arguments for other data, which are divided alike."""
    return replace(run_data, data=data, validation_data=None, test_data=None, streaming=False)


def build_accelerator(arguments: TrainingArguments) -> Accelerator:
    """Set up accelerate for the chosen device, number format and accumulation."""
    try:
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState
    except ImportError as error:
        raise MissingExtraError("accelerate", "train", "Training and evaluation") from error
    # accelerate keeps its choices for the life of the process; a second run may choose differently.
    AcceleratorState._reset_state(reset_partial_state=True)
    return Accelerator(
        cpu=arguments.device == "cpu",
        mixed_precision=arguments.mixed_precision,
        gradient_accumulation_steps=arguments.gradient_accumulation_steps,
        step_scheduler_with_optimizer=False,
    )


def like(accelerator: Accelerator) -> Accelerator:
    """Another accelerator of the same device, number format and accumulation; what the first prepared is not known to it."""
    from accelerate import Accelerator

    return Accelerator(
        mixed_precision=accelerator.mixed_precision,
        gradient_accumulation_steps=accelerator.gradient_accumulation_steps,
        step_scheduler_with_optimizer=False,
    )
