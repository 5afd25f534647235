"""A training step (forward, backward, optimiser) of each of the seven models, against Transformers: time and peak memory.

Run: python benchmarks/training.py [--models masked-lm optical-flow] [--repetitions 3] [--batch-size 1] [--output table.md]

Both sides start from the same weights and inputs, without dropout, and have to come to the same loss and the same
length of the gradient. Where Transformers has no loss (flow, multimodal), the same one is computed outside it on its
logits. Peak memory is that of a fresh process which takes two steps; a side that needs more than the limit is "out of
memory". Time: the sides take turns in one process where all of them fit into the limit, otherwise in fresh processes,
one warm-up step in each.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from measuring import (
    OUT_OF_MEMORY,
    circumstances,
    in_bytes,
    in_fresh_process,
    in_ratio,
    in_seconds,
    interleaved,
    markdown_table,
    save,
)
from training_jobs import JOBS, Job, example, outside_loss, own_loss, small

OURS, RECOMPUTING, THEIRS = "ours", "ours, checkpointing", "transformers"
SIDES = (OURS, RECOMPUTING, THEIRS)
LOSS_TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-3
LEARNING_RATE = 1e-4
HEADER = (
    "model",
    *(f"time: {side}" for side in SIDES),
    "ratio",
    *(f"peak: {side}" for side in SIDES),
    "ratio",
    "loss",
    "timed",
)


@dataclass(frozen=True)
class Measured:
    """What a side showed in one process: its first loss, the length of its first gradient, seconds of each timed step."""

    loss: float
    gradient: float
    seconds: tuple[float, ...]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=JOBS, default=list(JOBS), help="which models")
    parser.add_argument("--repetitions", type=int, default=3, help="timed steps of each side")
    parser.add_argument("--batch-size", type=int, default=1, help="examples in a step")
    parser.add_argument("--memory-limit", type=float, default=20.0, help="GiB that a process may hold")
    parser.add_argument(
        "--apart", action="store_true", help="fresh processes alternate even where all sides fit into one"
    )
    parser.add_argument("--small", action="store_true", help="tiny models: shows that the script works")
    parser.add_argument("--output", type=Path, help="file for the table, in Markdown")
    options = parser.parse_args(arguments)
    limit = int(options.memory_limit * 2**30)

    heading = (
        f"# A training step, batch size {options.batch_size}{', tiny models' if options.small else ''}\n\n"
        f"{circumstances()}\n"
        f"Forward, backward, AdamW; float32; medians of {options.repetitions} timed steps; at most {in_bytes(limit)} a "
        "process; ratios are Transformers' over ours without checkpointing; losses (within 1e-4) and lengths of the "
        "gradients (within 1e-3) equal on all sides that fit.\n"
    )
    rows: list[list[str]] = []
    for name in options.models:
        job = small(JOBS[name]) if options.small else JOBS[name]
        print(f"{datetime.now(UTC):%H:%M:%S} UTC {name}", file=sys.stderr, flush=True)
        rows.append(measure(name, job, options.batch_size, options.repetitions, limit, options.apart))
        # Hours may lie between two models: what is known is kept.
        save(f"{heading}\n{markdown_table(HEADER, rows)}", options.output)
    print(f"{heading}\n{markdown_table(HEADER, rows)}")


def measure(
    name: str, job: Job, batch_size: int, repetitions: int, memory_limit: int, apart: bool
) -> list[str]:
    """One row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        in_fresh_process(write_weights, job, folder)
        settings: dict[str, Any] = {"batch_size": batch_size, "memory_limit": memory_limit}
        results: dict[str, list[Measured]] = {side: [] for side in SIDES}
        peaks: dict[str, int | None] = {}

        def alone(side: str) -> bool:
            outcome = in_fresh_process(steps_together, job, folder, (side,), repetitions=1, **settings)
            if outcome.failure is not None:
                return False
            results[side].append(outcome.value[side])
            peaks[side] = max(peaks.get(side) or 0, outcome.peak or 0)
            return True

        fitting = tuple(side for side in SIDES if alone(side))
        together = not apart and fitting == SIDES and sum(peaks[side] or 0 for side in fitting) < memory_limit
        if together:
            outcome = in_fresh_process(
                steps_together, job, folder, SIDES, repetitions=repetitions, **settings
            )
            together = outcome.failure is None
        if together:
            results = {side: [outcome.value[side]] for side in SIDES}
        else:
            for _ in range(repetitions - 1):
                for side in fitting:
                    alone(side)
    require_equal(name, {side: results[side][0] for side in fitting})
    times = {
        side: statistics.median([time for result in results[side] for time in result.seconds])
        for side in fitting
    }
    return row(name, times, peaks, {side: results[side][0].loss for side in fitting}, together)


def row(
    name: str,
    times: Mapping[str, float],
    peaks: Mapping[str, int | None],
    losses: Mapping[str, float],
    together: bool,
) -> list[str]:
    """A model's cells; a side that has no time did not fit."""

    def cells(figures: Mapping[str, Any], written: Callable[[Any], str]) -> list[str]:
        return [written(figures[side]) if side in times else OUT_OF_MEMORY for side in SIDES]

    return [
        name,
        *cells(times, in_seconds),
        in_ratio(times.get(THEIRS), times.get(OURS)),
        *cells(peaks, in_bytes),
        in_ratio(peaks.get(THEIRS), peaks.get(OURS)),
        f"{next(iter(losses.values())):.5f}" if losses else "-",
        "in one process" if together else "in fresh processes",
    ]


def require_equal(name: str, results: Mapping[str, Measured]) -> None:
    """End with a message when two sides did not learn the same."""
    for kind, tolerance in (("loss", LOSS_TOLERANCE), ("gradient", GRADIENT_TOLERANCE)):
        values = {side: float(getattr(result, kind)) for side, result in results.items()}
        first = next(iter(values.values()), 0.0)
        if not all(abs(value - first) <= tolerance * abs(first) for value in values.values()):
            raise SystemExit(f"{name}: the sides differ in the {kind}: {values}")


def steps_together(
    job: Job, folder: str, sides: Sequence[str], *, batch_size: int, repetitions: int
) -> dict[str, Measured]:
    """Steps of the sides in turns, after one each; their models and optimisers all live in this process."""
    steps = {side: TrainingStep(side, job, folder, batch_size) for side in sides}
    first = {side: (step(), step.gradient_length()) for side, step in steps.items()}
    seconds = interleaved(steps, repetitions, warm_ups=0)
    return {side: Measured(*first[side], tuple(seconds[side])) for side in sides}


def write_weights(job: Job, folder: str) -> None:
    """Save a model as training starts with it; what starts at zero is drawn too, so that every gradient is alive."""
    import torch

    import perceivers

    torch.manual_seed(0)
    config = perceivers.PerceiverConfig(**job.sizes, attention_probs_dropout_prob=0.0)
    model = getattr(perceivers, job.class_name)(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(std=config.initializer_range)
    model.save_pretrained(folder)


class TrainingStep:
    """One side's model and optimiser; calling it takes a step.

    Args:
        side: one of SIDES.
        job: which model.
        folder: its first weights.
        batch_size: examples in a step.
    """

    def __init__(self, side: str, job: Job, folder: str, batch_size: int) -> None:
        import torch

        import perceivers

        library: Any = perceivers
        if side == THEIRS:
            import transformers

            library = transformers
            library.logging.set_verbosity_error()
            library.logging.disable_progress_bar()
        self.model = getattr(library, job.class_name).from_pretrained(folder).train()
        if side == RECOMPUTING:
            self.model.gradient_checkpointing_enable()
        self.inputs, self.labels = example(
            job, perceivers.PerceiverConfig.from_pretrained(folder), batch_size
        )
        self.loss = outside_loss(job) if side == THEIRS else own_loss
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=LEARNING_RATE)

    def __call__(self) -> float:
        """Take a step; the loss is that from before it."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.model, self.inputs, self.labels)
        loss.backward()
        self.optimizer.step()
        return float(loss.detach())

    def gradient_length(self) -> float:
        """Euclidean length of the gradient of all parameters, from the last step."""
        import torch

        lengths = [
            parameter.grad.norm() for parameter in self.model.parameters() if parameter.grad is not None
        ]
        return float(torch.stack(lengths).norm())


if __name__ == "__main__":
    main()
