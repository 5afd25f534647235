"""Times the byte tokenizer against Transformers' on the same texts, alternating, and checks that the results are equal.

Run: python benchmarks/tokenizer.py [--repetitions 7]. Prints one line a job: medians of both, and their ratio.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pydoc_data.topics import topics
from typing import Any

import numpy as np
import transformers

from perceivers.processors.tokenizer import PerceiverTokenizer

NUM_BYTES = 1_000_000
SHORT_BYTES = 120
NUM_SHORT = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=7, help="how often each job runs on each side")
    repetitions = parser.parse_args().repetitions
    logging.disable(logging.CRITICAL)

    ours, theirs = PerceiverTokenizer(), transformers.PerceiverTokenizer()
    long_text = english(NUM_BYTES)
    short_texts = [
        long_text[start : start + SHORT_BYTES] for start in range(0, NUM_SHORT * SHORT_BYTES, SHORT_BYTES)
    ]
    jobs: dict[str, Callable[[Any], Any]] = {
        "1 MB text, return_tensors='np'": lambda tokenizer: tokenizer(long_text, return_tensors="np"),
        "1 MB text, lists": lambda tokenizer: tokenizer(long_text),
        f"{NUM_SHORT} texts of {SHORT_BYTES} bytes, lists": lambda tokenizer: tokenizer(short_texts),
        f"{NUM_SHORT} texts of {SHORT_BYTES} bytes, padded, return_tensors='np'": lambda tokenizer: tokenizer(
            short_texts, padding=True, return_tensors="np"
        ),
    }
    print_circumstances(repetitions)
    for name, job in jobs.items():
        require_equal(job(ours), job(theirs))
        seconds = interleaved(job, (ours, theirs), repetitions)
        our_median, their_median = (statistics.median(times) for times in seconds)
        print(
            f"{name:55} ours {our_median * 1e3:8.2f} ms   transformers {their_median * 1e3:8.1f} ms   "
            f"ratio {their_median / our_median:6.1f}x   outputs equal"
        )


def english(num_bytes: int) -> str:
    """Python's own help texts, repeated up to a length; they are ASCII, so bytes are characters."""
    text = "\n".join(topics[name] for name in sorted(topics)).encode("ascii", "replace").decode("ascii")
    return (text * (num_bytes // len(text) + 1))[:num_bytes]


def interleaved(job: Callable[[Any], Any], sides: tuple[Any, ...], repetitions: int) -> list[list[float]]:
    """Seconds of each run, one list a side; the sides take turns, so that the machine's moods meet both."""
    seconds: list[list[float]] = [[] for _ in sides]
    for _ in range(repetitions):
        for side, times in zip(sides, seconds, strict=True):
            gc.collect()
            start = time.perf_counter()
            job(side)
            times.append(time.perf_counter() - start)
    return seconds


def require_equal(ours: Any, theirs: Any) -> None:
    if set(ours) != set(theirs):
        raise SystemExit(f"the results differ in their names: {sorted(ours)} and {sorted(theirs)}")
    for name, values in theirs.items():
        same_kind = type(values) is type(ours[name])
        if not same_kind or not np.array_equal(
            np.asarray(values, dtype=object), np.asarray(ours[name], dtype=object)
        ):
            raise SystemExit(f"the results differ in {name}")


def print_circumstances(repetitions: int) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {processor_name()}, {os.cpu_count()} cores")
    print(
        f"Python {platform.python_version()}, NumPy {np.__version__}, perceivers {version('perceivers')}, "
        f"transformers {transformers.__version__}; medians of {repetitions} alternating runs"
    )


def processor_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
