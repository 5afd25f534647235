"""Run the recipes whose data packages ship, and what they are compared with, and write the table of results.

Run: python recipes/run.py [--recipes digits mnist ...] [--jobs 2] [--output runs/recipes] [--report docs/results.md]

With --recipes the rows of these take the place of their former ones in the report, or join it; all other rows stay, with when
and on what they were measured.
Each recipe trains by the very command that a user types, in a process of its own, one thread a process. A run that is there
already, finished or not, goes on from where it stands. Exits with 1 when a figure misses its aim; the table says which.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from measuring import circumstances
from results import Row, read_results

from perceivers.arguments import read_recipe
from perceivers.data.bundled import BUNDLED

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Aim:
    """A figure to reach.

    Attributes:
        metric: name of the test metric.
        bound: the least that is good enough; for errors the most.
        lower_is_better: whether the metric is an error.
    """

    metric: str
    bound: float
    lower_is_better: bool = False

    def reached(self, value: float) -> bool:
        """Whether `value` is good enough."""
        return value <= self.bound if self.lower_is_better else value >= self.bound

    def __str__(self) -> str:
        return f"{self.metric} {'<=' if self.lower_is_better else '>='} {self.bound:g}"


@dataclass
class Outcome:
    """What one recipe gave.

    Attributes:
        name: of the recipe's file.
        results: what the run's results.json holds.
        further: figures of the same model on other data, and of what it is compared with, by name.
    """

    name: str
    results: dict[str, Any]
    further: list[tuple[str, str]] = field(default_factory=list)


AIMS: dict[str, list[Aim]] = {
    # What eyes alone or ears alone know.
    "audio_visual_classification": [Aim("mean_average_precision", 0.55)],
    "digits": [Aim("accuracy", 0.98)],
    "digits_as_points": [Aim("accuracy", 0.95)],
    # What n-grams of both sides need, as recipes/baselines/fill_mask.py prints it.
    "fill_mask": [Aim("bits_per_masked_byte", 3.65, lower_is_better=True)],
    "japanese_vowels": [Aim("accuracy", 0.95)],
    "language_identification": [Aim("accuracy", 0.80)],
    # Better pictures than the nearest visible pixels, and positions that found their neighbours: by chance 0.014.
    "masked_autoencoding": [Aim("video_psnr", 20.0), Aim("neighbours_found", 0.3)],
    "mnist": [Aim("accuracy", 0.96)],
    "optical_flow": [Aim("relative_epe", 0.5, lower_is_better=True)],
    # What n-grams of bytes need, whose order the validation part chose.
    "text_generation": [Aim("bits_per_byte", 2.157, lower_is_better=True)],
    # Sound of more than 0 dB: an answer of silence has a high PSNR, too.
    "video_autoencoding": [Aim("video_psnr", 22.0), Aim("audio_psnr", 20.0), Aim("audio_snr", 0.0)],
}
# Names of metrics in the records of earlier versions.
FORMER_NAMES = {"epe_of_zero_flow": "relative_epe"}
# Data that a trained model is measured on besides its own, as options of `perceivers evaluate`.
ELSEWHERE: dict[str, list[list[str]]] = {"optical_flow": [["--data", "motorcycle", "--split", "all"]]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for and write the report; 1 when a figure misses its aim."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = bundled_recipes()
    parser.add_argument("--recipes", nargs="+", choices=names, default=names, help="all by default")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="recipes at the same time")
    parser.add_argument("--output", type=Path, default=Path("runs/recipes"), help="folder of the runs")
    parser.add_argument("--report", type=Path, default=Path("docs/results.md"), help="file that is written")
    options = parser.parse_args(arguments)
    former = read_results(options.report)
    options.output.mkdir(parents=True, exist_ok=True)
    described = "; ".join(circumstances(("torch", "perceivers", "accelerate")).splitlines())
    measured = f"{described}; {options.jobs} at a time, one thread each"
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = [
            outcome
            for wave in in_waves(options.recipes)
            for outcome in pool.map(lambda name: run_recipe(name, options.output), wave)
        ]
    options.report.parent.mkdir(parents=True, exist_ok=True)
    rows = {outcome.name: row_of(outcome, measured) for outcome in outcomes}
    text = former.with_rows(rows, [name for wave in in_waves(names) for name in wave]).page()
    options.report.write_text(text, encoding="utf-8")
    print(text)
    return (
        0 if all(reached(outcome, aim) for outcome in outcomes for aim in AIMS.get(outcome.name, [])) else 1
    )


def bundled_recipes() -> list[str]:
    """Names of the recipes that need no data but what packages ship."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml") if read_recipe(path)["data"]["data"] in BUNDLED)


def in_waves(names: Sequence[str]) -> list[list[str]]:
    """The recipes from scratch, and then those that start from another's run."""
    return [
        [name for name in names if start_of(name) is None],
        [name for name in names if start_of(name) is not None],
    ]


def start_of(name: str) -> str | None:
    """The recipe whose run a recipe starts from."""
    start = read_recipe(FOLDER / f"{name}.yaml")["start"].get("start")
    return None if start is None else Path(start).name


def run_recipe(name: str, output: Path) -> Outcome:
    """Train by a recipe, measure elsewhere, run what it is compared with; what is printed goes to a log beside the run."""
    run = output / name
    command = ["-m", "perceivers", "train", "--config", str(FOLDER / f"{name}.yaml"), "--output", str(run)]
    start = start_of(name)
    if start is not None:
        command += ["--start", str(output / start)]
    print(f"{name}: see {run}.log", flush=True)
    with (output / f"{name}.log").open("a", encoding="utf-8") as log:
        call([*command, "--resume"], log)
        results = json.loads((run / "results.json").read_text(encoding="utf-8"))
        outcome = Outcome(name, {**results, "test": present_names(results["test"])})
        outcome.further += beside_the_run(outcome.results)
        for options in ELSEWHERE.get(name, []):
            place = run / "elsewhere" / "-".join(option.strip("-") for option in options)
            call(["-m", "perceivers", "evaluate", str(run), *options, "--output", str(place)], log)
            found = json.loads((place / "evaluation.json").read_text(encoding="utf-8"))
            outcome.further.append(
                (f"this model on {' '.join(options)}", figures(present_names(found["metrics"])))
            )
        baseline = FOLDER / "baselines" / f"{name}.py"
        for line in call([str(baseline)], log).splitlines() if baseline.exists() else []:
            for what, value in json.loads(line).items():
                outcome.further.append((what, figures(value)))
    print(f"{name}: {figures(outcome.results['test'])}", flush=True)
    return outcome


def beside_the_run(results: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the run itself compared with its test figures: a simple method, and a trivial answer."""
    own = results.get("beside") or {}
    return [
        (f"{method}, {own['part']}", figures(own[method]))
        for method in dict.fromkeys([own.get("method", ""), own.get("trivial", "majority")])
        if isinstance(own.get(method), dict)
    ]


def present_names(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Metrics by the names that they have now; runs of earlier versions may have others."""
    return {FORMER_NAMES.get(name, name): value for name, value in metrics.items()}


def call(command: Sequence[str], log: Any) -> str:
    """Run Python with `command`; give what it printed, which the log holds too. Stops with the log's name if it fails."""
    finished = subprocess.run(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    log.write(finished.stdout)
    log.flush()
    if finished.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{finished.stdout[-2000:]}\nall of it: {log.name}")
    return finished.stdout


def figures(values: Any) -> str:
    """Metrics in words: "accuracy 0.9876, loss 0.0432"."""
    if not isinstance(values, dict):
        return f"{values:.4g}"
    return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in values.items())


def reached(outcome: Outcome, aim: Aim) -> bool:
    """Whether a recipe's test figure meets its aim."""
    return aim.reached(outcome.results["test"][aim.metric])


def row_of(outcome: Outcome, measured: str) -> Row:
    """The row of a recipe, and what stands beside it."""
    results, aims = outcome.results, AIMS.get(outcome.name, [])
    cells = [
        f"`{outcome.name}`",
        results["task"],
        results["data"],
        figures(results["test"]),
        "; ".join(map(str, aims)).replace("_", " ") or "-",
        "; ".join("yes" if reached(outcome, aim) else "no" for aim in aims) or "-",
        f"{results['parameters']:,}",
        f"{results['seconds']['training'] / 60:.1f} min",
    ]
    return Row(cells, sorted(outcome.further), measured)


if __name__ == "__main__":
    sys.exit(main())
