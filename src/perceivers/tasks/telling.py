"""What is said of a run before it trains: samples and classes, what the model sees of one, the network, the loop."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from perceivers.answers.base import Answer
from perceivers.arguments import RunArguments, TrainingArguments
from perceivers.arguments.network import NetworkArguments
from perceivers.arguments.open import AUTO, USUAL_SIZE, given, usual_values
from perceivers.data.rows import RowSamples
from perceivers.data.splits import Splits
from perceivers.kinds.base import Kind, counted, is_empty
from perceivers.tasks.inputs import Input

# So many classes are named one by one; of more, the most frequent ones and the rarest.
NAMED_CLASSES, NAMED_OF_MANY = 12, 6


def samples_in_words(splits: Splits) -> str:
    """How many samples each part has, and how many are left out."""
    parts = (
        f"{part} {len(samples):,}" if hasattr(samples, "__len__") else f"{part}: a stream"
        for part, samples in (
            ("train", splits.train),
            ("validation", splits.validation),
            ("test", splits.test),
        )
    )
    left_out = f"; {len(splits.unreadable):,} left out as unreadable" if splits.unreadable else ""
    return ", ".join(parts) + left_out


def without_target_in_words(number: int) -> str:
    """What is said of rows that were left out because they have no target at all; "" where there are none."""
    if not number:
        return ""
    return (
        f"{number:,} rows without any target are left out"
        if number > 1
        else "1 row without any target is left out"
    )


def classes_in_words(answer: Answer, train: Any) -> str | None:
    """The classes or labels of an answer with their training rows and shares, the most frequent first.

    Args:
        answer: that was settled.
        train: the training part.

    Returns:
        None where the answer has no classes, or the part is a stream.
    """
    names = getattr(answer, "names", ())
    if (
        not names
        or answer.where
        or not isinstance(train, RowSamples)
        or answer.column not in train.table.columns
    ):
        return None
    cells = train.table.column(answer.column)
    targets = [answer.target(cells[index]) for index in train.indices if not is_empty(cells[index])]
    counts: Counter[str] = Counter(dict.fromkeys(names, 0))
    for target in targets:
        counts.update(names[each] for each in _ids(target))
    said = [
        f"{_quoted(name)} {count:,} ({count / max(len(targets), 1):.0%})"
        for name, count in counts.most_common()
    ]
    if len(said) > NAMED_CLASSES:
        said = [*said[:NAMED_OF_MANY], f"{len(said) - NAMED_OF_MANY - 1:,} more", f"the rarest {said[-1]}"]
    return f"{len(names):,}: {', '.join(said)}"


def _quoted(name: str) -> str:
    """A name, in quotes where it could be taken for a count."""
    return repr(name) if name[:1].isdigit() else name


def cut_in_words(inputs: Sequence[Input], train: Any) -> str | None:
    """How many training samples are longer than what the model is given of them; None where none is, and of a stream."""
    if not isinstance(train, RowSamples):
        return None
    said = []
    for each in inputs:
        if type(each.kind).is_cut is not Kind.is_cut:
            rows = (train.table[index] for index in train.indices)
            count = sum(each.kind.is_cut(row, each.columns, train.table) for row in rows)
            said += (
                [f"{count:,} of {len(train):,} in {', '.join(each.columns)}: their ends are not seen"]
                if count
                else []
            )
    return "; ".join(said) or None


def run_in_words(
    *,
    sees: Sequence[str],
    parameters: int,
    arguments: object,
    run: RunArguments,
    steps: int,
    asked: Mapping[str, Any],
    chooses: bool = True,
) -> dict[str, str]:
    """What is said of the network and of the loop, by its heading.

    Args:
        sees: what the model is given of a sample, one an input.
        parameters: numbers that the network has.
        arguments: the task's, complete.
        run: complete.
        steps: optimiser steps.
        asked: options that the user gave, see `asked_for`.
        chooses: whether the others are chosen by the data, where the size does not say otherwise.
    """
    training, optimization = run.training, run.optimization
    network = f"{parameters:,} parameters"
    if isinstance(arguments, NetworkArguments):
        blocks = f"{arguments.num_blocks} times " if arguments.num_blocks > 1 else ""
        latents = f"{arguments.num_latents:,} latents of {arguments.latent_channels:,} channels"
        if arguments.num_cross_attends > 1:
            latents += f" that look {arguments.num_cross_attends} times"
        if getattr(arguments, "linear_start", False):
            latents += " beside a linear model, from which it starts"
        network = f"{latents}, {blocks}{counted(arguments.num_layers, 'layer')}, {network}"
    loop = [
        counted(steps, "step"),
        *([] if training.steps else [counted(training.epochs or 1, "pass", "passes")]),
        f"{counted(training.batch_size or 1, 'sample')} a step",
        _which_are_kept(training),
        *(
            [f"ends after {counted(training.patience, 'look')} without a better one"]
            if training.patience
            else []
        ),
        *([f"as means over {1 / (1 - training.ema_decay):.0f} steps"] if training.ema_decay else []),
        *(["convolutions in bfloat16"] if training.stem_precision == "bfloat16" else []),
        *(["compiled"] if training.compile else []),
    ]
    climb = counted(optimization.warmup_steps or 0, "step")
    is_usual = not chooses or getattr(arguments, "size", AUTO) == USUAL_SIZE
    others = "has its usual value" if is_usual else "is chosen"
    listed = ", ".join(f"{name.replace('_', '-')} {value}" for name, value in asked.items())
    return {
        **({"a sample": "; ".join(sees)} if sees else {}),
        "network": network,
        "training": ", ".join(loop),
        "learning rate": f"{optimization.learning_rate:g} after {climb} of climb, {optimization.optimizer}, weight decay "
        f"{optimization.weight_decay:g}",
        "given": f"{listed or 'nothing'}; all else {others} (arguments.yaml has it)",
    }


def _which_are_kept(training: TrainingArguments) -> str:
    """Which weights of all passes are saved in the end."""
    if not training.folds:
        return f"the {'best' if training.keep_best else 'last'} weights are kept"
    by = (
        "the validation part finds"
        if training.folds == 1
        else f"{training.folds} divisions of the samples find"
    )
    if not training.keep_best:
        return "measured on what is held out, then again from all samples"
    return f"as many of these as {by} best, then again from all samples"


def asked_for(arguments: object, run: RunArguments) -> dict[str, Any]:
    """What the user gave of the options that are chosen otherwise, by name: those of the network, its inputs and the loop."""
    opened = usual_values(type(arguments))
    size = getattr(arguments, "size", AUTO)
    of_task = {
        name: value
        for name, value in given(arguments).items()
        if name in opened and not (size == USUAL_SIZE and value == opened[name])
    }
    if size != AUTO:
        of_task = {"size": size, **of_task}
    # They stand in the place of what is chosen for a column, too.
    if of_columns := getattr(arguments, "column_options", ()):
        of_task = {**of_task, "column_options": " ".join(of_columns)}
    of_loop = {
        entry.name: getattr(part, entry.name)
        for part in (run.training, run.optimization)
        for entry in dataclasses.fields(part)
        if entry.default is None and getattr(part, entry.name) is not None
    }
    return {**of_task, **of_loop}


def _ids(target: Any) -> list[int]:
    """Classes that a target names: one, or those of its labels."""
    if target is None:
        return []
    if isinstance(target, int):
        return [target]
    return [index for index, present in enumerate(target) if present]
