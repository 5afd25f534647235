"""Where a job's time goes, part by part: each part's seconds, its operations, and its share of the rate of matrix products.

Run: python benchmarks/parts.py [--job "flow, 368 x 496"] [--repetitions 3] [--output benchmarks/results/parts.md]

Parts are named by the function that runs them, and timed around it; what a part does inside another one counts for both, and
is indented below it. Operations are those of matrix products and attentions, counted in a run of their own. One thread, and
processor time: what other programs of the machine do matters little.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from inference_jobs import JOBS, build_ours
from measuring import both_seconds_of, circumstances, in_seconds, markdown_table, report
from side_by_side import counted

from perceivers.inference import prepared_decoder
from perceivers.inference.latent_layer import FoldedSelfAttend
from perceivers.inference.prepared_decoder import PreparedDecoder
from perceivers.inference.prepared_perceiver import PreparedPerceiver

# Title, depth, where the function is, and its name there.
PARTS: tuple[tuple[str, int, Any, str], ...] = (
    ("reading the inputs", 0, PreparedPerceiver, "_preprocess"),
    ("all layers of the latents", 0, PreparedPerceiver, "_attend"),
    ("self-attends", 1, PreparedPerceiver, "_self_attend"),
    ("attention of the self-attends", 2, FoldedSelfAttend, "_attend"),
    ("perceptrons of the self-attends", 2, FoldedSelfAttend, "_feed_forward"),
    ("decoding", 0, PreparedDecoder, "answer"),
    ("logits of the decoder", 1, prepared_decoder, "query_logits"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--job", choices=JOBS, default="flow, 368 x 496")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    about = circumstances()
    with torch.inference_mode():
        text = parts_of(chosen.job, chosen.repetitions)
    report("\n\n".join([f"# Where the time goes: {chosen.job}", about, *text]), chosen.output)


def parts_of(name: str, repetitions: int) -> list[str]:
    """A table of the parts, and a line about the rate."""
    job = JOBS[name]
    model, inputs = build_ours(job), job.inputs()
    operations: dict[str, int] = {}
    with watched(lambda title, run: _count(operations, title, run)):
        total_operations, _ = counted(lambda: job.ours(model, inputs))
    rates: list[float] = [product_rate()]
    runs: list[dict[str, float]] = []
    totals: list[float] = []
    for _ in range(repetitions):
        seconds: dict[str, float] = {}
        with watched(lambda title, run, seconds=seconds: _time(seconds, title, run)):
            totals.append(both_seconds_of(lambda: job.ours(model, inputs))[0][1])
        runs.append(seconds)
        rates.append(product_rate())
    rate = max(rates)
    rows = [_row("all", statistics.median(totals), statistics.median(totals), total_operations, rate)]
    for title, depth, _, _ in PARTS:
        found = [run[title] for run in runs if title in run]
        if found:
            middle = statistics.median(found)
            indented = "- " * depth + title
            rows.append(_row(indented, middle, statistics.median(totals), operations.get(title, 0), rate))
    header = ["part", "time", "of all", "operations", "GFLOP/s", "of rate"]
    return [
        markdown_table(header, rows),
        f"Plain float32 products of 2,048 x 2,048 by one thread: {rate / 1e9:.0f} GFLOP/s.",
    ]


def product_rate(size: int = 2048) -> float:
    """Operations a second of processor time, the best of three products."""
    left, right = torch.randn(size, size), torch.randn(size, size)
    return 2 * size**3 / min(seconds for _, seconds in both_seconds_of(lambda: left @ right, 3))


@contextmanager
def watched(around: Callable[[str, Callable[[], Any]], Any]) -> Iterator[None]:
    """Inside, every part is run by `around`, which is given its title and what it does."""
    before = [(place, name, vars(place)[name]) for _, _, place, name in PARTS]
    for title, _, place, name in PARTS:
        setattr(place, name, _wrapped(title, vars(place)[name], around))
    try:
        yield
    finally:
        for place, name, function in before:
            setattr(place, name, function)


def _wrapped(title: str, function: Callable[..., Any], around: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any, **options: Any) -> Any:
        return around(title, lambda: function(*arguments, **options))

    return run


def _time(seconds: dict[str, float], title: str, run: Callable[[], Any]) -> Any:
    begin = time.process_time()
    result = run()
    seconds[title] = seconds.get(title, 0.0) + time.process_time() - begin
    return result


def _count(operations: dict[str, int], title: str, run: Callable[[], Any]) -> Any:
    found, result = counted(run)
    operations[title] = operations.get(title, 0) + found
    return result


def _row(title: str, seconds: float, total: float, operations: int, rate: float) -> list[str]:
    achieved = operations / seconds if seconds else 0.0
    return [
        title,
        in_seconds(seconds),
        f"{seconds / total:.0%}",
        f"{operations / 1e9:,.0f} G",
        f"{achieved / 1e9:.0f}",
        f"{achieved / rate:.0%}",
    ]


if __name__ == "__main__":
    main()
