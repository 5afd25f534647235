"""A training step compiled, and in bfloat16, beside the plain one: released models, and networks of `--size auto`.

Run: python benchmarks/training_ways.py [--models masked-lm ...] [--sets mnist-5k breast_cancer ...] [--data FOLDER]
     [--ways float32 compiled ...] [--repetitions 3] [--steps 60] [--threads 1] [--output table.md]

Seconds of the processor, which do not count what a process waits for its turn; with one thread they are those of a quiet
machine. All ways of a model take turns in one process, after two steps of each. Released models stand beside Transformers, as
in training.py: without dropout, so that the losses have to be equal; of bfloat16 it is told how far they are off. What users
train is built and fed as `perceivers train` does it where nothing is chosen; each step learns the same batch, so that texts
of unequal length, which a run does not compile, show what compiling could gain at most.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from learning_sets import LearningSet, downloaded, packaged
from measuring import (
    both_seconds_of,
    circumstances,
    in_fresh_process,
    in_ratio,
    in_seconds,
    markdown_table,
    save,
)
from training_jobs import JOBS, Job, small
from user_steps import UserStep

from training import OURS, THEIRS, TrainingStep, write_weights

PLAIN, BFLOAT16, COMPILED, BOTH, REFERENCE = (
    "float32",
    "bfloat16",
    "compiled",
    "compiled, bfloat16",
    "transformers",
)
WAYS = (PLAIN, BFLOAT16, COMPILED, BOTH, REFERENCE)
USUAL_SETS = ("mnist-5k", "digits", "breast_cancer", "JapaneseVowels", "django-messages")
# Two sums of the same float32 products in another order; dropout draws the same.
LOSS_TOLERANCE = 1e-4
WARM_UPS = 2
# Steps that a way takes before the next one has its turn.
A_TURN = 5


@dataclass(frozen=True)
class Way:
    """What one way of stepping showed.

    Attributes:
        loss: of the first step.
        first: seconds of the clock that the first step took, compiling included.
        seconds: of the processor, for each timed step.
    """

    loss: float
    first: float
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one of the seconds."""
        return statistics.median(self.seconds)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="*", choices=JOBS, default=["multimodal"], help="released models")
    parser.add_argument(
        "--sets", nargs="*", default=list(USUAL_SETS), help="sets that benchmarks/learning.py learns"
    )
    parser.add_argument("--data", type=Path, help="folder of downloaded sets, see learning_sets.py")
    parser.add_argument(
        "--ways", nargs="+", choices=WAYS, default=list(WAYS), help="which ways, float32 first"
    )
    parser.add_argument("--repetitions", type=int, default=3, help="timed steps of a released model")
    parser.add_argument("--steps", type=int, default=60, help="timed steps of what users train")
    parser.add_argument("--threads", type=int, default=1, help="of torch")
    parser.add_argument("--small", action="store_true", help="tiny models: shows that the script works")
    parser.add_argument("--output", type=Path, help="file for the tables, in Markdown")
    options = parser.parse_args(arguments)
    ways = [way for way in WAYS if way in {PLAIN, *options.ways}]
    sets = chosen_sets(options.sets, options.data)
    text = heading(options)
    released: list[list[str]] = []
    for name in options.models:
        job = small(JOBS[name]) if options.small else JOBS[name]
        with tempfile.TemporaryDirectory() as folder:
            in_fresh_process(write_weights, job, folder)
            released.append(
                measured(name, ways, step_of_model, (job, folder), options.repetitions, options.threads)
            )
        save(text + tables(ways, released, []), options.output)
    own_ways = [way for way in ways if way != REFERENCE]
    networks: list[list[str]] = []
    for each in sets:
        with tempfile.TemporaryDirectory() as folder:
            networks.append(
                measured(each.name, own_ways, step_of_user, (each, folder), options.steps, options.threads)
            )
        save(text + tables(ways, released, networks), options.output)
    print(text + tables(ways, released, networks))


def heading(options: argparse.Namespace) -> str:
    """What the reader of the tables has to know."""
    return (
        f"# A training step, compiled and in bfloat16{', tiny models' if options.small else ''}\n\n"
        f"{circumstances()}; here {options.threads} of them\n"
        f"Forward, backward, AdamW; medians of {options.repetitions} (released models, batch size 1) and {options.steps} "
        "(what users train) steps in turns, in seconds of the processor; in brackets float32 over it. float32 losses equal "
        f"within {LOSS_TOLERANCE:g}; loss of bfloat16: how far it is off. First step: seconds of the clock, compiling "
        "included, without what an earlier run left compiled.\n\n"
    )


def tables(ways: Sequence[str], released: Sequence[Sequence[str]], networks: Sequence[Sequence[str]]) -> str:
    """Both tables, as far as they have rows."""
    own = [way for way in ways if way != REFERENCE]
    both = (("model", ways, released), ("what users train", own, networks))
    return "\n\n".join(markdown_table(header(first, some), rows) for first, some, rows in both if rows)


def header(first: str, ways: Sequence[str]) -> list[str]:
    """Names of a table's columns."""
    return [first, *ways, "loss", "loss of bfloat16", "first step, compiled"]


def measured(
    name: str,
    ways: Sequence[str],
    build: Callable[..., Any],
    given: tuple[Any, ...],
    steps: int,
    threads: int,
) -> list[str]:
    """A row: all ways of one model or set, in a process of its own."""
    print(f"{datetime.now(UTC):%H:%M:%S} UTC {name}", file=sys.stderr, flush=True)
    results = in_fresh_process(steps_in_turns, ways, build, given, steps, threads).value
    require_equal(name, results)
    return row(name, ways, results)


def steps_in_turns(
    ways: Sequence[str], build: Callable[..., Any], given: tuple[Any, ...], steps: int, threads: int
) -> dict[str, Way]:
    """Build a step for each way, and time them in turns."""
    import torch

    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as cache, fresh_cache(cache):
        runs = {way: build(way, *given) for way in ways}
        firsts = {}
        for way, run in runs.items():
            begin = time.perf_counter()
            firsts[way] = (run(), time.perf_counter() - begin)
            for _ in range(WARM_UPS - 1):
                run()
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for done in range(0, steps, A_TURN):
            for way, run in runs.items():
                seconds[way] += [spent for _, spent in both_seconds_of(run, min(A_TURN, steps - done))]
    return {way: Way(*firsts[way], tuple(seconds[way])) for way in ways}


def fresh_cache(folder: str) -> Any:
    """Where torch keeps what it compiles, for the time of a block: nothing that is there already makes it faster."""
    from unittest.mock import patch

    return patch.dict("os.environ", {"TORCHINDUCTOR_CACHE_DIR": folder})


def step_of_model(way: str, job: Job, folder: str) -> Callable[[], float]:
    """A step of a released model, or of Transformers' model of it."""
    step = TrainingStep(THEIRS if way == REFERENCE else OURS, job, folder, 1)
    return in_way(way, step)


def step_of_user(way: str, learned: LearningSet, folder: str) -> Callable[[], float]:
    """A step of what `perceivers train` builds of a set."""
    return in_way(way, UserStep(learned, Path(folder)))


def in_way(way: str, step: Any) -> Callable[[], float]:
    """The step with its `model` compiled and its `loss` under autocast, as the way says."""
    import torch

    from perceivers.training.compilation import compiled

    if way in (COMPILED, BOTH):
        step.model = compiled(step.model)
    plain = step.loss

    def loss(*arguments: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16) if way in (BFLOAT16, BOTH) else nullcontext():
            return plain(*arguments)

    step.loss = loss
    return step


def require_equal(name: str, results: Mapping[str, Way]) -> None:
    """End with a message when two ways in float32 did not begin with the same loss."""
    losses = {way: results[way].loss for way in (PLAIN, COMPILED, REFERENCE) if way in results}
    first = losses[PLAIN]
    if not all(abs(loss - first) <= LOSS_TOLERANCE * abs(first) for loss in losses.values()):
        raise SystemExit(f"{name}: the ways differ in the loss: {losses}")


def row(name: str, ways: Sequence[str], results: Mapping[str, Way]) -> list[str]:
    """The cells of a model or set."""
    plain = results[PLAIN]
    cells = [
        in_seconds(results[way].median)
        + ("" if way == PLAIN else f" ({in_ratio(plain.median, results[way].median)})")
        for way in ways
    ]
    off = f"{abs(results[BFLOAT16].loss / plain.loss - 1):.1e}" if BFLOAT16 in results else "-"
    waited = in_seconds(results[COMPILED].first) if COMPILED in results else "-"
    return [name, *cells, f"{plain.loss:.5f}", off, waited]


def chosen_sets(names: Sequence[str], folder: Path | None) -> list[LearningSet]:
    """The sets of these names, in their order."""
    known = {each.name: each for each in [*packaged(), *(downloaded(folder) if folder else [])]}
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"--sets must be of {', '.join(known)}, received {', '.join(unknown)}")
    return [known[name] for name in names]


if __name__ == "__main__":
    main()
