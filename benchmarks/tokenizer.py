"""Times the byte tokenizer against Transformers' on the same texts, alternating, and checks that the results are equal.

Run: python benchmarks/tokenizer.py [--repetitions 7]. Prints one line a job: medians of both, and their ratio.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from functools import partial
from pydoc_data.topics import topics
from typing import Any

import numpy as np
import transformers
from measuring import circumstances, interleaved, medians

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
    print(circumstances(("numpy", "perceivers", "transformers")))
    print(f"medians of {repetitions} alternating runs")
    for name, job in jobs.items():
        require_equal(job(ours), job(theirs))
        sides = {"ours": partial(job, ours), "theirs": partial(job, theirs)}
        our_median, their_median = medians(interleaved(sides, repetitions, warm_ups=0)).values()
        print(
            f"{name:55} ours {our_median * 1e3:8.2f} ms   transformers {their_median * 1e3:8.1f} ms   "
            f"ratio {their_median / our_median:6.1f}x   outputs equal"
        )


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
