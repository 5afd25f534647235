"""What a task chooses from its data: how samples are read, then the network and the loop. What the user gave goes first."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from perceivers.arguments import RunArguments, TrainingArguments
from perceivers.arguments.advice import USUAL, Advice
from perceivers.arguments.open import USUAL_SIZE, completed, filled, given, usual_values
from perceivers.configuration import CONFIG_NAME, PerceiverConfig
from perceivers.data.tables import StreamTable, Table
from perceivers.errors import ConfigurationError
from perceivers.kinds.base import Kind, is_empty
from perceivers.kinds.forms import require_effect
from perceivers.tasks.saved_columns import FILE
from perceivers.tasks.sizes import values_of_size
from perceivers.tasks.sizing import fitted, narrowed, steps_of, stretched, usual_learning

# So many cells tell what a column holds.
SAMPLED_CELLS = 200
# Nobody has counted the rows of a stream.
ROWS_OF_A_STREAM = 100_000

TaskArguments = TypeVar("TaskArguments")


def sampled_cells(table: Table | StreamTable, column: str) -> list[Any]:
    """Cells of a column that are not empty, evenly spread over the rows; the first ones of a stream."""
    if isinstance(table, StreamTable):
        cells: Sequence[Any] = table.column(column)[:SAMPLED_CELLS]
    else:
        step = max(len(table) // SAMPLED_CELLS, 1)
        cells = [table[index].get(column) for index in range(0, len(table), step)]
    return [cell for cell in cells if not is_empty(cell)]


def count_of(samples: Any) -> int:
    """Rows of a table or samples of a part; of a stream, as many as make the choices of a large data set."""
    return len(samples) if hasattr(samples, "__len__") else ROWS_OF_A_STREAM


def options_of(kind: type[Kind], arguments: object) -> Any:
    """The options of a kind, out of a task's arguments that have them all.

    Raises:
        ConfigurationError: one is not as usual, and would have no effect in the chosen form of the input.
    """
    values = {entry.name: getattr(arguments, entry.name) for entry in dataclasses.fields(kind.options_class)}
    options = kind.options_class(**values)
    defaults = {entry.name: entry.default for entry in dataclasses.fields(kind.options_class)}
    require_effect(kind.forms_of_input, options, {**defaults, **usual_values(type(arguments))})
    return options


def with_inputs(
    arguments: TaskArguments,
    task: str,
    kind: type[Kind],
    *,
    table: Table | StreamTable,
    column: str,
    num_rows: int,
    start: str | None,
) -> TaskArguments:
    """Arguments that say all of how samples are read.

    Args:
        arguments: the user's.
        task: its name.
        kind: of the data.
        table: training rows.
        column: that is looked at.
        num_rows: training rows.
        start: checkpoint that the run starts from, whose way of reading goes before advice; None for none.
    """
    names = {entry.name for entry in dataclasses.fields(kind.options_class)}
    chosen = {name: value for name, value in given(arguments).items() if name in names}
    arguments = filled(arguments, kind.suiting(chosen, values_of_size(task, size_of(arguments))))
    chosen = {name: value for name, value in given(arguments).items() if name in names}
    if len(chosen) == len(names):
        return arguments
    if start is not None:
        read = _options_of_start(start, kind)
        return filled(filled(arguments, kind.suiting(chosen, read)), _usual_options(arguments, names))
    cells = sampled_cells(table, column)
    advised = kind.advise_alone(cells, table, num_rows, chosen) if cells else kind.options_class()
    values = kind.suiting(chosen, {name: getattr(advised, name) for name in names})
    usual = _usual_options(arguments, names)
    try:
        return filled(arguments, {**usual, **values})
    except ConfigurationError:
        # The advice is for other options than those that the user gave.
        return filled(arguments, usual)


def size_of(arguments: object) -> str:
    """What `--size` says."""
    return str(getattr(arguments, "size", "auto"))


def with_network(
    arguments: TaskArguments, kind: Kind, *, run: RunArguments, num_rows: int, num_classes: int | None
) -> tuple[TaskArguments, Advice]:
    """Arguments that are complete, and the advice for the loop.

    Args:
        arguments: see `with_inputs`, which gave them.
        kind: of the data, with its options.
        run: what the user chose of the loop.
        num_rows: training samples.
        num_classes: that are told apart; None where something else is answered.
    """
    if size_of(arguments) == USUAL_SIZE:
        return completed(arguments), Advice()
    advice = kind.learning(num_rows, num_classes).over(usual_learning(num_rows, kind.num_tokens, num_classes))
    return with_advice(arguments, advice, run=run, num_rows=num_rows)


def with_advice(
    arguments: TaskArguments, advice: Advice, *, run: RunArguments, num_rows: int
) -> tuple[TaskArguments, Advice]:
    """Arguments that are complete, and the advice for the loop, both made to fit what is chosen already.

    Args:
        arguments: the user's.
        advice: for the network, with `latent_channels`, and for the loop.
        run: what the user chose of the loop.
        num_rows: training samples.
    """
    chosen = given(arguments)
    channels: Any = chosen.get("latent_channels", advice.latent_channels)
    advice = narrowed(fitted(chosen, advice), channels)
    # The vectors of bytes are as large as the latents, so that these can start aligned with them.
    values = {**advice.values(), "embedding_channels": channels}
    return completed(filled(arguments, values)), for_length(advice, run, num_rows)


def for_length(advice: Advice, run: RunArguments, num_rows: int) -> Advice:
    """The advice with warm-up and averaging as long as the run that the user asks for wants them.

    Args:
        advice: complete for the loop.
        run: what the user chose.
        num_rows: training samples.
    """
    training = run.training
    if (training.epochs, training.steps, training.batch_size) == (None, None, None):
        return advice
    advised = steps_of(usual_with(TrainingArguments(), advice), num_rows)
    return stretched(advice, steps_of(usual_with(training, advice), num_rows) / advised)


def usual_with(training: TrainingArguments, advice: Advice) -> TrainingArguments:
    """Arguments of the loop, complete: the advice, or else the usual values, where they are open."""
    return filled(training, advice.over(USUAL).values())


def _usual_options(arguments: Any, names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in usual_values(type(arguments)).items() if name in names}


def _options_of_start(start: str, kind: type[Kind]) -> dict[str, Any]:
    """How the run that is started from read its only input of this kind; of other checkpoints, what they set bounds to."""
    path = Path(start) / FILE
    if not path.is_file():
        config = Path(start) / CONFIG_NAME
        return kind.limits_of(PerceiverConfig.from_json_file(config)) if config.is_file() else {}
    inputs: Sequence[Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["inputs"]
    found = [each["options"] for each in inputs if each["kind"] == kind.name]
    if len(found) != 1:
        return {}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found[0].items()}
