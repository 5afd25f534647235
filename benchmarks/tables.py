"""`perceivers train table` with default options on whole tables, beside boosted trees and the majority on the same rows.

Run: python benchmarks/tables.py [--folder TABLES] [--sets adult imdb] [--seeds 0 1 2] [--output benchmarks/results/tables.md]

TABLES has a folder a set, each with train.csv and test.csv (adult, california, imdb, or any other whose last column is the
target). Without it, bundled tables are taken. Nothing is chosen for a set: kinds are guessed; network and loop follow from
the rows. Every run has a process of its own; its trees are fitted to the same rows, the validation rows left out.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measuring import circumstances, in_bytes, in_fresh_process, in_seconds, markdown_table, report

SIDES = ("this model", "trees", "majority")
HEADER = ("measure", *SIDES)
# What makes a run short; such figures mean nothing.
SMALL: Mapping[str, Any] = {
    "steps": 2,
    "num_latents": 3,
    "latent_channels": 8,
    "num_layers": 1,
    "token_channels": 8,
    "linear_start": False,
}


@dataclass(frozen=True)
class TableSet:
    """A table to learn.

    Attributes:
        name: in the report.
        data: what `--data` takes.
        targets: what is answered.
        test_data: what `--test-data` takes; None: the table's own test part, or a share of it.
        options: further options that belong to the data, such as which rows stay together.
    """

    name: str
    data: str
    targets: tuple[str, ...]
    test_data: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


BUNDLED: tuple[TableSet, ...] = (
    TableSet("arithmetic", "arithmetic", ("result", "parity")),
    # The same message in all languages belongs into one part.
    TableSet("django-messages", "django-messages", ("label",), options={"group_column": "message"}),
)


@dataclass(frozen=True)
class Measured:
    """One run.

    Attributes:
        measures: by side, the test measures by name.
        samples: rows of each part.
        parameters: of the model.
        seconds: of its training, without reading, measuring and what is beside it.
        whole_seconds: of all of it.
    """

    measures: Mapping[str, Mapping[str, float]]
    samples: Mapping[str, int]
    parameters: int
    seconds: float
    whole_seconds: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, help="folder of sets; bundled ones if not given")
    parser.add_argument("--sets", nargs="+", help="some of them, by name; all if not given")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="one run each")
    parser.add_argument(
        "--small", action="store_true", help="two steps of tiny models: shows that the script works"
    )
    parser.add_argument("--output", type=Path, help="file that receives the report, too")
    options = parser.parse_args(arguments)
    known = BUNDLED if options.folder is None else sets_in(options.folder)
    unknown = set(options.sets or ()) - {each.name for each in known}
    if unknown:
        raise SystemExit(
            f"`sets` must be among {', '.join(each.name for each in known)}, received {', '.join(sorted(unknown))}"
        )
    described = circumstances(("torch", "perceivers", "scikit-learn"))
    parts = []
    for each in known:
        if options.sets and each.name not in options.sets:
            continue
        outcomes = [
            in_fresh_process(measure_run, each, seed, SMALL if options.small else {})
            for seed in options.seeds
        ]
        parts.append(
            report_of(each, [outcome.value for outcome in outcomes], [outcome.peak for outcome in outcomes])
        )
    small = ", tiny models" if options.small else ""
    seeds = ", ".join(map(str, options.seeds))
    heading = f"""# Tables beside trees{small}

{described}

`perceivers train table` with default options, measured on test rows that chose nothing; scikit-learn's gradient-boosted trees
(texts by tf-idf) and the majority, or the mean, fitted to the same rows without the validation rows. Means over the seeds
{seeds}, and ± the standard deviation between the runs; a seed draws weights and order, the parts are the same."""
    report("\n\n".join([heading, *parts]), options.output)


def sets_in(folder: Path) -> list[TableSet]:
    """The sets of a folder, by name; the target is the last column of train.csv."""
    found = []
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        train, test = place / "train.csv", place / "test.csv"
        if train.is_file() and test.is_file():
            with train.open(newline="", encoding="utf-8") as file:
                target = next(csv.reader(file))[-1]
            found.append(TableSet(place.name, str(train), (target,), str(test)))
    if not found:
        raise SystemExit(
            f"`folder` must hold folders with train.csv and test.csv, received {str(folder)!r} without"
        )
    return found


def measure_run(table: TableSet, seed: int, options: Mapping[str, Any]) -> Measured:
    """Train once as a user does, and measure all sides on the test rows; in a process of its own."""
    import perceivers
    from perceivers.training.evaluation import evaluate

    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        run = Path(name) / "run"
        predictor = perceivers.fit(
            table.data,
            table.targets,
            output=run,
            test=table.test_data,
            seed=seed,
            quiet=True,
            **{**table.options, **options},
        )
        results = evaluate(run, beside="trees")
    beside = results["beside"]
    recorded = predictor.results
    return Measured(
        measures={"this model": results["metrics"], "trees": beside["trees"], "majority": beside["majority"]},
        samples=recorded["samples"],
        parameters=recorded["parameters"],
        seconds=recorded["seconds"]["training"],
        whole_seconds=time.perf_counter() - start,
    )


def report_of(table: TableSet, runs: Sequence[Measured], peaks: Sequence[int | None]) -> str:
    """The section of one set: what it is, and every measure of every side."""
    first = runs[0]
    names = [name for name in first.measures[SIDES[0]] if name != "loss"]
    rows = []
    for name in names:
        found = [[run.measures[side].get(name) for run in runs] for side in SIDES]
        rows.append([name.replace("_", " "), *map(said, found)])
    samples = ", ".join(f"{part} {count:,}" for part, count in first.samples.items())
    seconds = statistics.mean(run.seconds for run in runs)
    whole = statistics.mean(run.whole_seconds for run in runs)
    known = [peak for peak in peaks if peak is not None]
    return f"""## {table.name}: {", ".join(table.targets)}

Rows: {samples}. {first.parameters:,} parameters, {in_seconds(seconds)} of training, {in_seconds(whole)} with
reading, measuring and the trees; at most {in_bytes(max(known, default=None))} of memory.

{markdown_table(HEADER, rows)}"""


def said(values: Sequence[float | None]) -> str:
    """The mean, and of several values ± their standard deviation; a dash where a side has no such measure."""
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    mean = f"{statistics.mean(known):.4f}"
    return f"{mean} ± {statistics.stdev(known):.4f}" if len(known) > 1 else mean


if __name__ == "__main__":
    main()
