"""On a GPU, against Transformers at released sizes: time and memory of inference and of training steps, and what fits.

Run: python benchmarks/gpu.py [--parts inference training largest choices] [--models image-fourier ...] [--output FILE]

The same lively weights and inputs on all sides, which run in turns; medians; memory is that of torch's allocator at the peak,
weights included. Float32 outputs must agree to 5e-5 of the largest value with Transformers' float32 ones, bfloat16 outputs of
ours must be about as near to these as Transformers' bfloat16 ones. Transformers has no other attention than its eager one for
these models. The report is written after every row; a side that fails or does not fit is told in its row. Exits with 1 when
outputs differ.
"""

from __future__ import annotations

import argparse
import functools
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from device_measuring import (
    Peak,
    Side,
    at_full_precision,
    build,
    describe,
    empty,
    moved,
    run_once,
    time_in_turns,
    tried,
)
from gpu_choices import choose, fill
from gpu_jobs import (
    COMPILED,
    EAGER,
    FUSED,
    INFERENCE,
    PREPARED,
    SIDES,
    THEIRS,
    TOLERANCE,
    TRAINING,
    Models,
    comparable,
    model_job,
    our_config,
    runner,
    whole_inputs,
)
from measuring import in_bytes, in_ratio, in_seconds, largest_relative_error, markdown_table, save
from training_jobs import example, outside_loss, own_loss

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# What half precision may be off more than Transformers' own.
HALF_FACTOR, HALF_SLACK = 1.5, 0.03
LOSS_TOLERANCE = {"float32": 1e-4, "bfloat16": 3e-2}


class Report:
    """Tables by title, written whenever a row is added.

    Args:
        heading: circumstances.
        output: file; None prints only.
    """

    def __init__(self, heading: str, output: Path | None) -> None:
        self._heading = heading
        self._output = output
        self._tables: dict[str, tuple[Sequence[str], list[Sequence[str]]]] = {}
        self._start = time.monotonic()
        self.is_equal = True

    def add(self, title: str, header: Sequence[str], row: Sequence[str]) -> None:
        """One more row of a table."""
        self._tables.setdefault(title, (header, []))[1].append(row)
        print(f"{time.monotonic() - self._start:6.1f} s  {title[:12]}: {' | '.join(row)}", flush=True)
        save(self.text(), self._output)

    def text(self) -> str:
        """The report as it is now."""
        tables = [f"## {title}\n\n{markdown_table(*table)}" for title, table in self._tables.items()]
        return "\n\n".join(["# On a GPU", self._heading, *tables])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=["inference", "training", "largest"], help="which tables"
    )
    parser.add_argument("--models", nargs="+", choices=TRAINING, default=list(TRAINING), help="which models")
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=list(DTYPES), help="of weights")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES), help="of inference")
    parser.add_argument("--device", default="cuda", help='"cpu" for a dry run')
    parser.add_argument("--small", action="store_true", help="tiny models: shows that the script works")
    parser.add_argument("--output", type=Path, help="file that receives the report")
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    at_full_precision()
    report = Report(describe(device), options.output)
    dtypes = {name: DTYPES[name] for name in options.dtypes}
    for name in options.models:
        models = Models(name, model_job(name, options.small), device)
        for part in options.parts:
            try:
                PARTS[part](models, dtypes, options, report)
            except Exception as problem:
                report.add("Failed", ("part", "model", "problem"), (part, name, f"{problem!r}"[:300]))
                report.is_equal = False
            empty(device)
        del models
        empty(device)
    print(report.text())
    return 0 if report.is_equal else 1


@torch.no_grad()
def infer(
    models: Models, dtypes: dict[str, torch.dtype], options: argparse.Namespace, report: Report
) -> None:
    """Rows of one model: every batch, every dtype, all sides."""
    name, device = models.name, models.device
    for title, job in INFERENCE.items():
        if job.model != name:
            continue
        inputs = whole_inputs(name, models.job, job.batch)
        exact = comparable(name, runner(name, models.theirs(torch.float32), inputs, True)(), True)
        for dtype in dtypes:
            sides = {side: Side(failure="-") for side in SIDES}
            for side in options.sides:
                # Compilers take long: once a model is enough to see what they are worth.
                if side == COMPILED and (dtype == "float32" or job.batch > 1):
                    continue
                make = functools.partial(_side, side, models, dtypes[dtype], inputs)
                sides[side] = build(device, make)
                run_once(device, sides[side])
                if sides[side].output is not None:
                    found = comparable(name, sides[side].output, side == THEIRS, exact)
                    errors = (largest_relative_error(value, exact[key]) for key, value in found.items())
                    sides[side].error = max(errors)
                    del found
                sides[side].output = None
            time_in_turns(device, sides)
            _tell(title, dtype, job.parts, sides, report)
            del sides
            empty(device)


def _side(side: str, models: Models, dtype: torch.dtype, inputs: Any) -> Callable[[], Any]:
    """What one side runs."""
    if side == THEIRS:
        run = runner(models.name, models.theirs(dtype), inputs, True)
        try:
            run()
        except RuntimeError as problem:
            if "out of memory" in str(problem) or dtype == torch.float32:
                raise
            # Their padding of modalities stays float32, which their bfloat16 layers refuse.
            return runner(models.name, models.theirs(torch.float32), inputs, True, autocast=dtype)
        return run
    made = {
        EAGER: lambda: models.ours(dtype, "eager"),
        FUSED: lambda: models.ours(dtype),
        COMPILED: lambda: models.compiled(dtype),
        PREPARED: lambda: models.prepared(dtype),
    }
    return runner(models.name, made[side](), inputs, False)


def _tell(title: str, dtype: str, parts: int, sides: dict[str, Side], report: Report) -> None:
    theirs = sides[THEIRS]
    whole = None if theirs.seconds is None else theirs.seconds * parts
    seconds = {name: side.seconds for name, side in sides.items()} | {THEIRS: whole}
    limit = TOLERANCE if dtype == "float32" else HALF_FACTOR * (theirs.error or 0.0) + HALF_SLACK
    off = [name for name, side in sides.items() if side.error is not None and not side.error <= limit]
    report.is_equal = report.is_equal and not off

    def cells(figures: dict[str, str]) -> list[str]:
        return [figures[name] if sides[name].failure is None else str(sides[name].failure) for name in SIDES]

    report.add(
        "Inference: time",
        ("job", "dtype", *SIDES, "theirs / prepared", "fused / prepared"),
        (
            title,
            dtype,
            *cells({name: in_seconds(seconds[name]) for name in SIDES}),
            in_ratio(whole, seconds[PREPARED]),
            in_ratio(seconds[FUSED], seconds[PREPARED]),
        ),
    )
    report.add(
        "Inference: memory at the peak, and largest difference to Transformers in float32",
        ("job", "dtype", *SIDES, *(f"off: {name}" for name in SIDES), "equal"),
        (
            title,
            dtype,
            *cells({name: in_bytes(sides[name].peak) for name in SIDES}),
            *("-" if sides[name].error is None else f"{sides[name].error:.1e}" for name in SIDES),
            "yes" if not off else f"NOT: {', '.join(off)}",
        ),
    )


def train(
    models: Models, dtypes: dict[str, torch.dtype], options: argparse.Namespace, report: Report
) -> None:
    """Rows of one model: a step in float32 and under bfloat16 autocast, of ours and theirs."""
    name, device, batch = models.name, models.device, TRAINING[models.name]
    inputs, labels = (moved(each, device) for each in example(models.job, our_config(models.job), batch))
    for dtype in dtypes:
        autocast = None if dtype == "float32" else dtypes[dtype]
        sides, losses = {}, {}
        for side in (THEIRS, FUSED):
            model = models.theirs(torch.float32) if side == THEIRS else models.ours(torch.float32)
            loss = outside_loss(models.job) if side == THEIRS else own_loss
            sides[side] = Side(weights=sum(each.nbytes for each in model.state_dict().values()))
            step = _step(model.train(), loss, inputs, labels, autocast)
            losses[side] = tried(sides[side], step)
            sides[side].run = None if sides[side].failure else step
            if sides[side].run is not None:
                with Peak(device) as peak:
                    tried(sides[side], step)
                if peak.bytes is not None:
                    # Weights, and the two moments of Adam; gradients are let go of between steps.
                    sides[side].peak = peak.bytes + 3 * (sides[side].weights or 0)
            del model, step
            empty(device)
        time_in_turns(device, sides)
        known = [each for each in losses.values() if each is not None]
        is_equal = all(abs(each - known[0]) <= LOSS_TOLERANCE[dtype] * abs(known[0]) for each in known)
        report.is_equal = report.is_equal and is_equal
        theirs, ours = sides[THEIRS], sides[FUSED]
        report.add(
            "A training step (forward, backward, AdamW; bfloat16 is autocast)",
            (
                "model",
                "batch",
                "dtype",
                "theirs",
                "ours",
                "faster",
                "peak: theirs",
                "peak: ours",
                "less",
                "losses",
            ),
            (
                name,
                str(batch),
                dtype,
                theirs.failure or in_seconds(theirs.seconds),
                ours.failure or in_seconds(ours.seconds),
                in_ratio(theirs.seconds, ours.seconds),
                in_bytes(theirs.peak),
                in_bytes(ours.peak),
                in_ratio(theirs.peak, ours.peak),
                " ".join(f"{each:.5f}" for each in known) + ("" if is_equal else " NOT EQUAL"),
            ),
        )


def _step(
    model: Any, loss_of: Any, inputs: Any, labels: Any, autocast: torch.dtype | None
) -> Callable[[], float]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    device = next(model.parameters()).device.type

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, autocast, enabled=autocast is not None):
            loss = loss_of(model, inputs, labels)
        loss.backward()
        optimizer.step()
        value = float(loss.detach())
        optimizer.zero_grad(set_to_none=True)
        return value

    return step


PARTS: dict[str, Callable[..., None]] = {
    "inference": infer,
    "training": train,
    "largest": fill,
    "choices": choose,
}


if __name__ == "__main__":
    sys.exit(main())
