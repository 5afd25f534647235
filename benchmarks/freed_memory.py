"""A training step where what the last one freed is kept for it, and where it goes back to the system.

Run: python benchmarks/freed_memory.py [--sets mnist-5k digits ...] [--data FOLDER] [--repetitions 3] [--steps 25]
     [--output table.md]

Networks, batches and optimiser of `--size auto`, one thread, seconds of the processor. Both ways take turns, each time in a
process of its own: what another network leaves in the heap would keep its end from going back. Linux with glibc alone.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from learning_sets import LearningSet
from measuring import (
    both_seconds_of,
    circumstances,
    in_fresh_process,
    in_ratio,
    in_seconds,
    markdown_table,
    report,
)
from training_ways import chosen_sets
from user_steps import UserStep

USUAL_SETS = ("mnist-5k", "digits", "breast_cancer")
WARM_UPS = 3


@dataclass(frozen=True)
class Steps:
    """What the steps of one process took.

    Attributes:
        median: seconds of the processor, of a step.
        faults: pages that a step had to be given.
        peak: MiB of memory.
    """

    median: float
    faults: float
    peak: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sets", nargs="+", default=list(USUAL_SETS), help="sets that benchmarks/learning.py learns"
    )
    parser.add_argument("--data", type=Path, help="folder of downloaded sets, see learning_sets.py")
    parser.add_argument("--repetitions", type=int, default=3, help="processes of each way")
    parser.add_argument("--steps", type=int, default=25, help="timed steps of a process")
    parser.add_argument("--output", type=Path, help="file that receives the report, too")
    options = parser.parse_args(arguments)
    described = circumstances()
    rows = []
    for learned in chosen_sets(options.sets, options.data):
        found: dict[bool, list[Steps]] = {True: [], False: []}
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(options.repetitions):
                for keeps in (True, False):
                    found[keeps].append(
                        in_fresh_process(steps_of, learned, Path(folder), keeps, options.steps).value
                    )
        rows.append(row_of(learned.name, found[True], found[False]))
    header = (
        "a step of",
        "kept",
        "given back",
        "ratio",
        "pages a step: kept, given back",
        "peak: kept, given back",
    )
    heading = (
        f"# What a step frees, kept for the next one\n\n{described}; here 1 of them\n"
        f"Medians of {options.repetitions} processes each, of {options.steps} steps."
    )
    report(f"{heading}\n\n{markdown_table(header, rows)}", options.output)


def steps_of(learned: LearningSet, folder: Path, keeps: bool, steps: int) -> Steps:
    """Build a step, and time it; in a process of its own."""
    import torch

    from perceivers.freed_memory import freed_blocks_kept

    torch.set_num_threads(1)
    with freed_blocks_kept() if keeps else nullcontext():
        step = UserStep(learned, folder)
        for _ in range(WARM_UPS):
            step()
        before = resource.getrusage(resource.RUSAGE_SELF)
        seconds = [spent for _, spent in both_seconds_of(step, steps)]
    after = resource.getrusage(resource.RUSAGE_SELF)
    return Steps(
        statistics.median(seconds), (after.ru_minflt - before.ru_minflt) / steps, after.ru_maxrss / 1024
    )


def row_of(name: str, kept: Sequence[Steps], given_back: Sequence[Steps]) -> list[str]:
    """The cells of a set."""
    own, other = (statistics.median(each.median for each in some) for some in (kept, given_back))
    faults = [statistics.median(each.faults for each in some) for some in (kept, given_back)]
    peaks = [statistics.median(each.peak for each in some) for some in (kept, given_back)]
    return [
        name,
        in_seconds(own),
        in_seconds(other),
        in_ratio(other, own),
        f"{faults[0]:,.0f}, {faults[1]:,.0f}",
        f"{peaks[0]:,.0f} MiB, {peaks[1]:,.0f} MiB",
    ]


if __name__ == "__main__":
    main()
