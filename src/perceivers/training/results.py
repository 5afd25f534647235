"""What a run's `results.json` says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from perceivers.training.decisions import Decided, sizes
from perceivers.training.evaluation import places_of
from perceivers.training.looks import Length
from perceivers.training.loop import Loop
from perceivers.training.reporting import installed_versions
from perceivers.training.stages import Stage

if TYPE_CHECKING:
    from accelerate import Accelerator


def results_of(
    decided: Decided,
    stage: Stage,
    length: Length | Stage | None,
    *,
    has_ended: bool,
    planned_steps: int,
    fresh_keys: Sequence[str],
    scores: Mapping[str, float],
    accelerator: Accelerator,
) -> dict[str, Any]:
    """Scores, samples, size and time of a run.

    Args:
        decided: what was learned from, and how.
        stage: the training whose weights are saved.
        length: what divisions of the samples have found, where there are any.
        has_ended: whether nobody stopped it.
        planned_steps: of the last training.
        fresh_keys: weights that a checkpoint to start from did not fill.
        scores: of the test part.
        accelerator: of the run.
    """
    arguments, splits, model = decided.arguments, decided.splits, stage.parts.model
    return {
        "task": stage.task.name,
        "finished": has_ended,
        "data": arguments.data.data,
        "data_paths": places_of(arguments.data),
        "test": dict(scores),
        "validation": _validation_scores(stage.loop, length),
        "best_by": list(stage.task.best_by),
        "samples": sizes(decided.learned),
        "unreadable": [*splits.unreadable, *getattr(splits.train, "unreadable", ())],
        "without_target": splits.num_without_target(),
        "odd_cells": list(splits.odd_cells),
        "started_from": arguments.start.start,
        "new_weights": list(fresh_keys),
        "parameters": model.num_parameters(),
        "trained_parameters": model.num_parameters(only_trainable=True),
        "steps": stage.loop.position.step,
        "planned_steps": planned_steps,
        "seeds": {"training": arguments.training.seed, "split": arguments.data.split_seed},
        "seconds": _seconds(stage.loop, length),
        "processes": accelerator.num_processes,
        "device": str(accelerator.device),
        "versions": installed_versions(),
    }


def _seconds(loop: Loop, length: Length | Stage | None) -> dict[str, float]:
    """What training took, all divisions included."""
    before = length.seconds if isinstance(length, Length) else 0.0
    return {"training": round(before + loop.position.seconds, 1)}


def _validation_scores(loop: Loop, length: Length | Stage | None) -> dict[str, float]:
    """The validation row of the weights that are saved, the best one or the last; of divisions, that of the chosen length."""
    if isinstance(length, Length):
        return dict(length.scores[length.passes])
    name, better = loop.task.best_by
    headline = f"validation_{name}"
    rows = [row for row in loop.position.history if headline in row]
    if not rows:
        return {}
    row = rows[-1]
    if loop.best is not None:
        choose = max if better == "higher" else min
        row = choose(rows, key=lambda row: row[headline])
    return {name.removeprefix("validation_"): score for name, score in row.items() if "validation_" in name}
