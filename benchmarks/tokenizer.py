"""Times the byte tokenizer against Transformers' on the same texts, alternating, and checks that the results are equal.

Once as the machine is, and once with other processes on all its other cores that do nothing but fill memory.
Run: python benchmarks/tokenizer.py [--repetitions 7] [--output benchmarks/results/tokenizer.md]. Prints a table for each.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import multiprocessing
import os
import statistics
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import numpy as np
import transformers
from measuring import (
    both_seconds_of,
    circumstances,
    in_ratio,
    in_seconds,
    markdown_table,
    report,
    seconds_of,
)

from perceivers.processors.tokenizer import PerceiverTokenizer

NUM_BYTES = 1_000_000
SHORT_BYTES = 120
NUM_SHORT = 1_000


AT_LEAST_SECONDS = 0.1
# Bytes that a busy process fills again and again: more than any cache holds.
BUSY_BYTES = 64 << 20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=7, help="how often each job runs on each side")
    parser.add_argument("--output", type=Path, help="a file that the report is written to, too")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    # Garbage is collected before each run: all that was imported need not be looked at each time.
    gc.collect()
    gc.freeze()

    parts = [
        "# Tokenizer against Transformers",
        circumstances(("numpy", "perceivers", "transformers")),
        f"Medians of {arguments.repetitions} turns, in each of which ours runs for 0.1 s. Every result was equal. The last "
        "column compares the processor's time alone, without what a process waits for its turn.",
    ]
    parts += ["## The machine as it was", table(arguments.repetitions)]
    num_busy = max((os.cpu_count() or 1) - 1, 1)
    with busy(num_busy):
        parts += [
            f"## Beside {num_busy} busy process{'es' if num_busy > 1 else ''}",
            table(arguments.repetitions),
        ]
    report("\n\n".join(parts), arguments.output)


def table(repetitions: int) -> str:
    """One row a job."""
    ours, theirs = PerceiverTokenizer(), transformers.PerceiverTokenizer()
    rows = []
    for name, job in jobs().items():
        require_equal(job(ours), job(theirs))
        # One call of ours is over within one turn on the processor, and says little alone on a busy machine.
        often = 1 + round(AT_LEAST_SECONDS / seconds_of(partial(job, ours)))
        by_theirs, by_ours = [], []
        for _ in range(repetitions):
            by_theirs += both_seconds_of(partial(job, theirs))
            by_ours += both_seconds_of(partial(job, ours), often)
        our_time, our_part = map(statistics.median, zip(*by_ours, strict=True))
        their_time, their_part = map(statistics.median, zip(*by_theirs, strict=True))
        rows.append(
            [
                name,
                in_seconds(our_time),
                in_seconds(their_time),
                in_ratio(their_time, our_time),
                in_ratio(their_part, our_part),
            ]
        )
    return markdown_table(["job", "perceivers", "Transformers", "ratio", "ratio of processor time"], rows)


def jobs() -> dict[str, Callable[[Any], Any]]:
    """What is measured, by name; each takes a tokenizer."""
    long_text = english(NUM_BYTES)
    short_texts = [
        long_text[start : start + SHORT_BYTES] for start in range(0, NUM_SHORT * SHORT_BYTES, SHORT_BYTES)
    ]
    unlike = [text[: 1 + place * 7 % SHORT_BYTES] for place, text in enumerate(short_texts)]
    return {
        "1 MB text, return_tensors='np'": lambda tokenizer: tokenizer(long_text, return_tensors="np"),
        "1 MB text, lists": lambda tokenizer: tokenizer(long_text),
        f"{NUM_SHORT} texts of {SHORT_BYTES} bytes, lists": lambda tokenizer: tokenizer(short_texts),
        f"{NUM_SHORT} texts of {SHORT_BYTES} bytes, return_tensors='np'": lambda tokenizer: tokenizer(
            short_texts, padding=True, return_tensors="np"
        ),
        f"{NUM_SHORT} texts of 1 to {SHORT_BYTES} bytes, padded, return_tensors='np'": lambda tokenizer: (
            tokenizer(unlike, padding=True, return_tensors="np")
        ),
    }


@contextlib.contextmanager
def busy(number: int) -> Iterator[None]:
    """So many processes that fill memory until the block ends."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=fill_memory, daemon=True) for _ in range(number)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            process.join()


def fill_memory() -> None:
    values = np.zeros(BUSY_BYTES, dtype=np.uint8)
    while True:
        values += 1


def english(num_bytes: int) -> str:
    """Python's own help texts, repeated up to a length; they are ASCII, so bytes are characters."""
    text = "\n".join(topics[name] for name in sorted(topics)).encode("ascii", "replace").decode("ascii")
    return (text * (num_bytes // len(text) + 1))[:num_bytes]


def require_equal(ours: Any, theirs: Any) -> None:
    if set(ours) != set(theirs):
        raise SystemExit(f"the results differ in their names: {sorted(ours)} and {sorted(theirs)}")
    for name, values in theirs.items():
        same_kind = type(values) is type(ours[name])
        if not same_kind or not np.array_equal(
            np.asarray(values, dtype=object), np.asarray(ours[name], dtype=object)
        ):
            raise SystemExit(f"the results differ in {name}")


if __name__ == "__main__":
    main()
