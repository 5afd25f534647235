"""`perceivers train TASK --data ... --output ...`, nothing else given, beside cheap methods and a small network.

Run: python benchmarks/learning.py [--folder DATA] [--sets GunPoint rooms] [--seeds 0 1 2] [--minutes 20]
     [--output benchmarks/results/learning.md]

Sets that packages ship are learned; with `--folder`, those of a folder of downloaded data (see learning_sets.py) as well.
Every run has a process of its own. A majority answer, and the cheap method that fits the kind of data, are fitted to the same
rows; beside pictures stands a convolutional network in plain torch, which learns for as long as the run did.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learning_sets import LearningSet, downloaded, packaged
from measuring import circumstances, in_fresh_process, in_seconds, markdown_table, report
from small_network import accuracy_of_small_network

HEADER = (
    "set",
    "task",
    "samples",
    "measure",
    "here",
    "cheap method",
    "small network",
    "majority",
    "training",
)
# What makes a run short; such figures mean nothing.
SMALL: Mapping[str, Any] = {"num_latents": 3, "latent_channels": 8, "num_layers": 1}


@dataclass(frozen=True)
class Learned:
    """One run.

    Attributes:
        measure: name of the headline.
        here: what the model reached on the test part.
        cheap: what the cheap method reached; None where there is none.
        method: which that is.
        network: what the small convolutional network reached; None where it stands beside no such data.
        majority: what the commonest answer reaches.
        samples: of each part.
        seconds: of training.
    """

    measure: str
    here: float
    cheap: float | None
    method: str
    network: float | None
    majority: float | None
    samples: Mapping[str, int]
    seconds: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="downloaded data; packages' sets alone if not given")
    parser.add_argument("--sets", nargs="+", help="some of them, by name; all if not given")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="one run each")
    parser.add_argument("--minutes", type=float, default=20.0, help="most minutes of training a run")
    parser.add_argument(
        "--small", action="store_true", help="two steps of tiny models: shows that the script works"
    )
    parser.add_argument("--output", type=Path, help="file that receives the report, too")
    options = parser.parse_args(arguments)
    known = [*packaged(), *([] if options.folder is None else downloaded(options.folder))]
    unknown = set(options.sets or ()) - {each.name for each in known}
    if unknown:
        raise SystemExit(
            f"`sets` must be among {', '.join(each.name for each in known)}, received {', '.join(sorted(unknown))}"
        )
    described = circumstances(("torch", "perceivers", "scikit-learn"))
    rows = []
    for each in known:
        if options.sets is None or each.name in options.sets:
            outcomes = [
                in_fresh_process(learn, each, seed, options.minutes, options.small) for seed in options.seeds
            ]
            rows.append(row_of(each, [outcome.value for outcome in outcomes]))
            report(markdown_table(HEADER, rows[-1:]), None)
    seeds = ", ".join(map(str, options.seeds))
    heading = f"""# Learning by itself{", tiny models" if options.small else ""}

{described}

`perceivers train` with nothing given but the data and the columns, at most {options.minutes:g} minutes, measured on a test
part that chose nothing. Beside it, on the same rows: the cheap method that fits the kind of data, a convolutional network of
four layers in plain torch that learned for as long (pictures alone), and the commonest answer. Means over the seeds {seeds},
± the standard deviation between the runs; a seed draws weights and order, the parts are the same."""
    report(f"{heading}\n\n{markdown_table(HEADER, rows)}", options.output)


def learn(each: LearningSet, seed: int, minutes: float, small: bool) -> Learned:
    """Train once as a user does, and measure all sides on the test part; in a process of its own."""
    from perceivers.arguments import DataArguments, RunArguments, TrainingArguments
    from perceivers.tasks.registry import arguments_class, task_class
    from perceivers.training.run import train

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = each.data if isinstance(each.data, str) else each.data(folder / "data")
        chosen = arguments_class(each.task)(**each.task_options, **(SMALL if small else {}))
        task = task_class(each.task)(chosen)
        run = RunArguments(
            output=str(folder / "run"),
            data=DataArguments(data=data, **each.data_options),
            training=TrainingArguments(seed=seed, time_limit=minutes, steps=2 if small else None),
            quiet=True,
            pictures=False,
            beside="auto",
        )
        begin = time.monotonic()
        results = train(task, run)
        seconds = results["seconds"]["training"]
        beside = results.get("beside") or {}
        measure = task.headline
        network = None
        if each.task == "image-classification" and Path(data).is_dir():
            network = accuracy_of_small_network(Path(data), seconds=1.0 if small else seconds, seed=seed)
    method = beside.get("method", "none")
    return Learned(
        measure=measure,
        here=results["test"][measure],
        cheap=beside.get(method, {}).get(measure),
        method=method,
        network=network,
        majority=beside.get("majority", {}).get(measure),
        samples=results["samples"],
        seconds=seconds if seconds else time.monotonic() - begin,
    )


def row_of(each: LearningSet, runs: Sequence[Learned]) -> list[str]:
    """The row of a set."""
    first = runs[0]
    samples = ", ".join(f"{first.samples[part]:,}" for part in ("train", "validation", "test"))
    cheap = said([run.cheap for run in runs])
    seconds = statistics.mean(run.seconds for run in runs)
    return [
        each.name, each.task, samples, first.measure.replace("_", " "), said([run.here for run in runs]),
        cheap if cheap == "-" else f"{cheap} ({first.method})", said([run.network for run in runs]),
        said([run.majority for run in runs]), in_seconds(seconds),
    ]  # fmt: skip


def said(values: Sequence[float | None]) -> str:
    """The mean, and of several values ± their standard deviation; a dash where a side has no such measure."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    mean = f"{statistics.mean(known):.3f}"
    return f"{mean} ± {statistics.stdev(known):.3f}" if len(known) > 1 else mean


if __name__ == "__main__":
    main()
