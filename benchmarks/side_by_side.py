"""Inference at released sizes, side by side with Transformers: time, peak memory, floating-point operations, equal outputs.

Run: python benchmarks/side_by_side.py [--jobs "image-learned, batch 1" ...] [--repetitions 3] [--output FILE]

Both sides have the same lively weights and run in turns in one process, so that the machine's moods meet both; medians are
compared. Peak memory is that of a fresh process which imports, builds and runs one side once. Outputs of the timed run must
agree to 1e-5 of their largest value. Where a job of Transformers' consists of equal parts (chunks of a video, tiles of a
frame), one part is measured and multiplied, and the report says so. Exits with 1 when outputs differ.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from inference_jobs import JOBS, Job, build_ours, build_theirs
from measuring import (
    circumstances,
    in_bytes,
    in_fresh_process,
    in_ratio,
    in_seconds,
    interleaved,
    largest_relative_error,
    markdown_table,
    matrix_product_rate,
    medians,
    report,
)
from torch.utils.flop_counter import FlopCounterMode

TOLERANCE = 1e-5
HEADER = [
    "job",
    "ours",
    "Transformers",
    "faster",
    "peak memory",
    "of theirs",
    "GFLOP/s",
    "of rate",
    "largest error",
]


@dataclass(frozen=True)
class Measured:
    """What one job gave.

    Attributes:
        ours: seconds.
        theirs: seconds, all parts together.
        operations: of ours, floating-point.
        error: largest relative difference of the outputs.
    """

    ours: float
    theirs: float
    operations: int
    error: float


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS), help="all by default")
    parser.add_argument("--repetitions", type=int, default=3, help="how often each side is timed")
    parser.add_argument("--without-memory", action="store_true", help="skip the fresh processes")
    parser.add_argument("--note", help="a line for the report, such as what else the machine did")
    parser.add_argument("--output", type=Path, help="file that receives the report, too")
    options = parser.parse_args(arguments)
    described = circumstances()
    # Measured again after every job: the best is the machine's own, the others are those of a disturbed moment.
    rates, results = [matrix_product_rate()], []
    for name in options.jobs:
        measured = measure(JOBS[name], options.repetitions)
        peaks = (None, None) if options.without_memory else (peak_of(name, True), peak_of(name, False))
        results.append((name, measured, peaks))
        rates.append(matrix_product_rate())
        print(" | ".join(_row(*results[-1], max(rates))), flush=True)
    rate = max(rates)
    rows = [_row(*result, rate) for result in results]
    is_equal = all(measured.error <= TOLERANCE for _, measured, _ in results)
    notes = [
        f"Medians of {options.repetitions} runs in turns; float32 matrix products here: {rate / 1e9:.0f} GFLOP/s."
    ]
    notes += [f"{name}: {JOBS[name].what}." for name in options.jobs if JOBS[name].parts > 1]
    notes += [options.note] if options.note else []
    report("\n\n".join([described, markdown_table(HEADER, rows), "\n".join(notes)]), options.output)
    return 0 if is_equal else 1


@torch.inference_mode()
def measure(job: Job, repetitions: int) -> Measured:
    """Time both sides in turns on the same weights and inputs, and compare what they give."""
    reference = build_theirs(job)
    prepared = build_ours(job, reference)
    inputs = job.inputs()
    error = 0.0
    operations, our_output = counted(lambda: job.ours(prepared, inputs))
    for ours, theirs in job.pairs(our_output, job.theirs(reference, inputs)).values():
        error = max(error, largest_relative_error(ours, theirs))
    seconds = medians(
        interleaved(
            {
                "ours": lambda: job.ours(prepared, inputs),
                "theirs": lambda: job.theirs(reference, inputs),
            },
            repetitions,
            warm_ups=0,
        )
    )
    return Measured(seconds["ours"], seconds["theirs"] * job.parts, operations, error)


def counted(run: Callable[[], Any]) -> tuple[int, Any]:
    """Floating-point operations of the matrix products, convolutions and attentions of a run, and its result."""
    # The counter knows the first two only out of place, and those for packed weights and fused attention not at all.
    more = dict.fromkeys((torch.ops.aten.addmm_, torch.ops.aten.baddbmm_), _product_operations)
    more[torch.ops.mkldnn._linear_pointwise] = _packed_operations
    more[torch.ops.aten._scaled_dot_product_flash_attention_for_cpu] = _attention_operations
    threads = torch.get_num_threads()
    # It hears of its own thread alone: tiles must not go to others.
    torch.set_num_threads(1)
    try:
        with FlopCounterMode(display=False, custom_mapping=more) as counter:
            result = run()
    finally:
        torch.set_num_threads(threads)
    return counter.get_total_flops(), result


def _product_operations(_sum: Any, left: Sequence[int], right: Sequence[int], **_others: Any) -> int:
    """Multiplications and additions of [..., m, k] times [..., k, n]."""
    return 2 * math.prod(left) * right[-1]


def _packed_operations(inputs: Sequence[int], *others: Any, out_shape: Sequence[int], **_others: Any) -> int:
    """Multiplications and additions of [..., k] through a map to [..., n]."""
    return 2 * math.prod(inputs) * out_shape[-1]


def _attention_operations(
    query: Sequence[int], key: Sequence[int], value: Sequence[int], *_rest: Any, **_others: Any
) -> int:
    """Multiplications and additions of both products of [..., queries, channels] with as many keys and values."""
    return 2 * math.prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def peak_of(name: str, ours: bool) -> int | None:
    """Bytes that a fresh process holds at most while it builds one side of a job and runs it once."""
    return in_fresh_process(run_once, name, ours).peak


@torch.inference_mode()
def run_once(name: str, ours: bool) -> None:
    """Build one side of a job and run it (in its own process)."""
    job = JOBS[name]
    model = build_ours(job) if ours else build_theirs(job)
    (job.ours if ours else job.theirs)(model, job.inputs())


def _row(name: str, measured: Measured, peaks: tuple[int | None, int | None], rate: float) -> list[str]:
    achieved = measured.operations / measured.ours
    return [
        name,
        in_seconds(measured.ours),
        in_seconds(measured.theirs),
        in_ratio(measured.theirs, measured.ours),
        in_bytes(peaks[0]),
        in_ratio(*peaks),
        f"{achieved / 1e9:.0f}",
        f"{achieved / rate:.0%}",
        f"{measured.error:.1e}",
    ]


if __name__ == "__main__":
    sys.exit(main())
