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
import copy
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager
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
    wait,
    weights_of,
)
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
    build_ours,
    build_theirs,
    comparable,
    compile_self_attends,
    model_job,
    our_config,
    runner,
    whole_inputs,
)
from measuring import in_bytes, in_ratio, in_seconds, largest_relative_error, markdown_table, save
from training_jobs import example, outside_loss, own_loss

PARTS = ("inference", "training", "largest", "choices")
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# What half precision may be off more than Transformers' own.
HALF_FACTOR, HALF_SLACK = 1.5, 0.03
LOSS_TOLERANCE = {"float32": 1e-4, "bfloat16": 3e-2}
# A larger input is not tried once one run takes so long.
MOST_SECONDS = 3.0


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
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS[:3]), help="which tables")
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
    steps: dict[str, Callable[[str], None]] = {
        "inference": lambda name: infer(name, device, options, report),
        "training": lambda name: train(name, device, options, report),
        "largest": lambda name: fill(name, device, options, report),
        "choices": lambda name: choose(name, device, options, report),
    }
    for part in options.parts:
        for name in options.models:
            try:
                steps[part](name)
            except Exception as problem:
                report.add("Failed", ("part", "model", "problem"), (part, name, f"{problem!r}"[:300]))
                report.is_equal = False
            empty(device)
    print(report.text())
    return 0 if report.is_equal else 1


# Inference


@torch.no_grad()
def infer(name: str, device: torch.device, options: argparse.Namespace, report: Report) -> None:
    """Rows of one model: every batch, every dtype, all sides."""
    job = model_job(name, options.small)
    reference = build_theirs(job, device)
    jobs = {title: each for title, each in INFERENCE.items() if each.model == name}
    exact: dict[str, Any] = {}
    for title, each in jobs.items():
        inputs = whole_inputs(name, job, each.batch)
        run = runner(name, reference, inputs, True)
        exact[title] = moved(comparable(name, run(), True), torch.device("cpu"))
    for dtype in options.dtypes:
        reference = reference.to(DTYPES[dtype])
        weights = weights_of(reference)
        for title, each in jobs.items():
            inputs = whole_inputs(name, job, each.batch)
            sides = {side: Side(failure="not asked for") for side in SIDES}
            for side in options.sides:
                sides[side] = build(
                    device, lambda side=side: _side(side, name, job, reference, weights, inputs)
                )
                if side == THEIRS:
                    sides[side].weights = sum(value.nbytes for value in weights.values())
                run_once(device, sides[side])
                if sides[side].output is not None:
                    found = comparable(name, sides[side].output, side == THEIRS, exact[title])
                    sides[side].error = max(
                        largest_relative_error(value.cpu(), exact[title][each_name])
                        for each_name, value in found.items()
                    )
                sides[side].output = None
            time_in_turns(device, sides)
            _tell(title, dtype, each.parts, sides, report)
            del sides
            empty(device)


def _side(side: str, name: str, job: Any, reference: Any, weights: Any, inputs: Any) -> Callable[[], Any]:
    """What builds one side gives: what it runs."""
    device, dtype = reference.device, next(iter(weights.values())).dtype
    if side == THEIRS:
        run = runner(name, reference, inputs, True)
        try:
            run()
        except RuntimeError as problem:
            if "out of memory" in str(problem) or dtype == torch.float32:
                raise
            # Their padding of modalities stays float32, which their bfloat16 layers refuse.
            return runner(name, copy.deepcopy(reference).float(), inputs, True, autocast=dtype)
        return run
    changes = {"attn_implementation": "eager"} if side == EAGER else {}
    model = build_ours(job, device, weights, **changes)
    if side == COMPILED:
        torch.compiler.reset()
        compile_self_attends(model)
    if side == PREPARED:
        model = model.prepare(consume=True)
    return runner(name, model, inputs, False)


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


# Training


def train(name: str, device: torch.device, options: argparse.Namespace, report: Report) -> None:
    """Rows of one model: a step in float32 and under bfloat16 autocast, of ours and theirs."""
    job, batch = model_job(name, options.small), TRAINING[name]
    config = our_config(job)
    inputs, labels = (moved(each, device) for each in example(job, config, batch))
    for dtype in options.dtypes:
        reference = build_theirs(job, device, attention_probs_dropout_prob=0.0)
        weights = {key: value.cpu().clone() for key, value in weights_of(reference).items()}
        sides, losses = {}, {}
        for side in (THEIRS, FUSED):
            if side == THEIRS:
                model, loss = reference, outside_loss(job)
            else:
                model = build_ours(job, torch.device("cpu"), weights, attention_probs_dropout_prob=0.0)
                model, loss = model.to(device), own_loss
            sides[side] = Side(weights=sum(each.nbytes for each in model.state_dict().values()))
            model.train()
            step = _step(model, loss, inputs, labels, None if dtype == "float32" else DTYPES[dtype])
            losses[side] = tried(sides[side], step)
            sides[side].run = None if sides[side].failure else step
            if sides[side].run is not None:
                with Peak(device) as peak:
                    tried(sides[side], step)
                if peak.bytes is not None:
                    # Weights, and the two moments of Adam; gradients are let go of between steps.
                    sides[side].peak = peak.bytes + 3 * (sides[side].weights or 0)
            del model, step
            reference = None
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


# What fits


@torch.no_grad()
def fill(name: str, device: torch.device, options: argparse.Namespace, report: Report) -> None:
    """Twice as much each time, of ours and theirs: pictures of one model, frames of a video."""
    if name not in ("image-fourier", "multimodal"):
        return
    job = model_job(name, options.small)
    frames = our_config(job).num_frames
    for dtype in options.dtypes:
        for side in (THEIRS, FUSED, PREPARED):
            # Their video model does not take bfloat16 weights.
            is_mixed = side == THEIRS and name == "multimodal" and dtype == "bfloat16"
            autocast = DTYPES[dtype] if is_mixed else None
            reference = build_theirs(job, device).to(torch.float32 if is_mixed else DTYPES[dtype])
            weights = weights_of(reference)
            model = reference if side == THEIRS else build_ours(job, device, weights)
            del reference, weights
            if side == PREPARED:
                model = model.prepare(consume=True)
            size, last = (32, None) if name == "image-fourier" else (frames, None)
            reason = "time"
            while last is None or last[1] < MOST_SECONDS / 2:
                trial = Side()
                with Peak(device) as peak:
                    seconds = tried(
                        trial, lambda: _timed(name, job, model, size, side == THEIRS, device, autocast)
                    )
                if trial.failure is not None:
                    reason = trial.failure
                    break
                last, size = (size, seconds, peak.bytes), size * 2
                if options.small and size > 4 * frames:
                    break
            report.add(
                "What fits, doubling (a run of more than 3 s was not tried)",
                ("what", "dtype", "side", "largest", "time", "memory beside weights", "ended by"),
                (
                    "pictures" if name == "image-fourier" else "frames of a video",
                    dtype,
                    side,
                    "-" if last is None else str(last[0]),
                    in_seconds(None if last is None else last[1]),
                    in_bytes(None if last is None else last[2]),
                    reason,
                ),
            )
            del model
            empty(device)


def _timed(
    name: str,
    job: Any,
    model: Any,
    size: int,
    theirs: bool,
    device: torch.device,
    autocast: torch.dtype | None,
) -> float:
    """Seconds of a run on `size` pictures, or on a video of `size` frames (theirs: one chunk of it)."""
    if name == "image-fourier":
        pictures = torch.rand(size, 3, job.picture, job.picture, device=device, dtype=model.dtype)
        inputs: Any = {"inputs": pictures}
    else:
        inputs = whole_inputs(name, job, 1)
        image, audio = inputs["inputs"]["image"], inputs["inputs"]["audio"]
        times = size // image.shape[1]
        inputs["inputs"]["image"] = image.repeat(1, times, 1, 1, 1)
        inputs["inputs"]["audio"] = audio.repeat(1, times, 1)
    run = runner(name, model, inputs, theirs, autocast)
    wait(device)
    start = time.perf_counter()
    run()
    wait(device)
    return time.perf_counter() - start


# What the fast form chooses on a GPU, and what it does not


@contextmanager
def replaced(module: Any, name: str, value: Any) -> Any:
    """A constant of ours changed for a while."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


@torch.no_grad()
def choose(name: str, device: torch.device, options: argparse.Namespace, report: Report) -> None:
    """One row a choice: tiles of several sizes, layers not recorded, a tail in float32, channels not filled up."""
    from perceivers.inference import prepared_perceiver, recorded
    from perceivers.nn import attention

    job = model_job(name, options.small)
    for dtype in options.dtypes:
        reference = build_theirs(job, device).to(DTYPES[dtype])
        weights = weights_of(reference)
        del reference
        for batch in (1, 32) if name.startswith("image") and not options.small else (1,):
            inputs = whole_inputs(name, job, batch)
            sides: dict[str, Side] = {}

            def built(side: str, make: Callable[[], Any], inputs: Any = inputs, sides: Any = sides) -> None:
                sides[side] = build(device, lambda: runner(name, make(), inputs, False))
                run_once(device, sides[side])
                sides[side].output = None

            plain = build_ours(job, device, weights)
            built("plain", lambda: plain)
            with replaced(attention, "_CHANNEL_BLOCK", 1):
                unfilled = build_ours(job, device, weights)
                built("plain, channels not filled up", lambda: unfilled)
            for mebibytes in (16, 128, 256, 1024, 4096):
                built(
                    f"prepared, {mebibytes} MiB",
                    lambda mebibytes=mebibytes: copy.deepcopy(plain).prepare(
                        consume=True, max_memory=mebibytes * 2**20
                    ),
                )
            built("prepared, not recorded", lambda: copy.deepcopy(plain).prepare(consume=True))
            if dtype != "float32":
                with replaced(prepared_perceiver, "tail_dtype", lambda *_: torch.float32):
                    built("prepared, tail in float32", lambda: copy.deepcopy(plain).prepare(consume=True))
            # What is looked up at each run has to be changed at each run.
            _only_while_running(sides, "plain, channels not filled up", attention, "_CHANNEL_BLOCK", 1)
            _only_while_running(sides, "prepared, not recorded", recorded, "LARGEST", 0)
            time_in_turns(device, sides)
            for side, found in sides.items():
                report.add(
                    "Choices",
                    ("model", "batch", "dtype", "side", "time", "memory beside weights"),
                    (
                        name,
                        str(batch),
                        dtype,
                        side,
                        found.failure or in_seconds(found.seconds),
                        in_bytes(None if found.peak is None else found.peak - (found.weights or 0)),
                    ),
                )
            del sides, plain, unfilled
            empty(device)


def _only_while_running(sides: dict[str, Side], name: str, module: Any, constant: str, value: Any) -> None:
    run = sides[name].run
    if run is None:
        return

    def changed() -> Any:
        with replaced(module, constant, value):
            return run()

    sides[name].run = changed


if __name__ == "__main__":
    sys.exit(main())
