"""What looking again at the inputs brings: recipes with one look, with two, and with one before each layer, at equal time.

Run: python benchmarks/first_perceiver.py [--recipes digits japanese_vowels digits_as_points] [--seconds 60] [--seeds 0 1]
     [--arms one two each own] [--output benchmarks/results/first_perceiver.md]

Every run has a process of its own, one thread. Some steps of it are timed first, in seconds of the processor, which do not
count what a process waits for its turn; then it trains from the start for as many steps as fit, with the recipe's schedule
over those. The arms of a recipe take turns, seed by seed. The test part chose nothing.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from measuring import circumstances, in_fresh_process, markdown_table, report

from perceivers.arguments import read_recipe

RECIPES = Path(__file__).parents[1] / "recipes"
HEADER = ("recipe", "looks", "weights of the looks", "parameters", "steps", "seconds", "accuracy", "loss")
TIMED_STEPS = 40
# What makes a run short; such figures mean nothing.
SMALL: Mapping[str, Any] = {"num_latents": 3, "latent_channels": 8, "num_heads": 2, "qk_channels": 8}


@dataclass(frozen=True)
class Arm:
    """One way of looking.

    Attributes:
        looks: cross-attends; None: one before each layer.
        sharing: see NetworkArguments.
    """

    looks: int | None
    sharing: str = "after_first"


ARMS = {"one": Arm(1), "two": Arm(2), "each": Arm(None), "own": Arm(None, "none")}


def arms_of(recipe: str, names: Sequence[str] = tuple(ARMS)) -> list[Arm]:
    """Without two looks where these are one before each layer."""
    layers = read_recipe(RECIPES / f"{recipe}.yaml")["model"]["num_layers"]
    return [ARMS[name] for name in names if ARMS[name].looks != layers]


@dataclass(frozen=True)
class Reached:
    """What a run reached on the test part, and what it was."""

    looks: int
    parameters: int
    steps: int
    seconds: float
    accuracy: float
    loss: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    usual = ["digits", "japanese_vowels", "digits_as_points"]
    parser.add_argument(
        "--recipes", nargs="+", default=usual, help="names of recipes that tell classes apart"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="processor seconds of training a run")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1], help="one run each")
    parser.add_argument(
        "--arms",
        nargs="+",
        choices=list(ARMS),
        default=list(ARMS),
        help="one look, two, one before each layer, and the same with weights of its own each; all by default",
    )
    parser.add_argument("--small", action="store_true", help="tiny models: shows that the script works")
    parser.add_argument("--output", type=Path, help="file that receives the report, too")
    options = parser.parse_args(arguments)
    described = circumstances(("torch", "perceivers", "scikit-learn"))
    seeds = ", ".join(map(str, options.seeds))
    heading = f"""# Looking again at the inputs{", tiny models" if options.small else ""}

{described}

Recipes with one look at the inputs (Perceiver IO), and with more, up to one before each layer (the first Perceiver), all else
equal, each trained for {options.seconds:g} seconds of one core (in the table what they took; a busy machine needs more): more
looks are fewer steps. Test parts that chose nothing; means over the seeds {seeds}, ± the standard deviation between the
runs. `python benchmarks/first_perceiver.py` writes this page."""
    done: list[list[str]] = []
    for recipe in options.recipes:
        arms = arms_of(recipe, options.arms)
        runs: list[list[Reached]] = [[] for _ in arms]
        for seed in options.seeds:
            for arm, own in zip(arms, runs, strict=True):
                found = in_fresh_process(train_arm, recipe, arm, seed, options.seconds, options.small)
                own.append(found.value)
            rows = [row_of(recipe, arm, own) for arm, own in zip(arms, runs, strict=True)]
            # After every seed: what is measured stays, whatever stops the rest.
            report(f"{heading}\n\n{markdown_table(HEADER, [*done, *rows])}", options.output)
        done += rows


def train_arm(recipe: str, arm: Arm, seed: int, seconds: float, small: bool) -> Reached:
    """Train a recipe by one arm for so many processor seconds; in a process of its own."""
    import torch

    from perceivers.arguments import from_mapping, run_from_recipe
    from perceivers.tasks.registry import arguments_class, task_class
    from perceivers.training.run import train

    torch.set_num_threads(1)
    text = read_recipe(RECIPES / f"{recipe}.yaml")
    chosen = {**text["model"], **(SMALL if small else {})}
    kind = arguments_class(text["task"])
    plain = from_mapping(kind, chosen)
    looks = arm.looks or plain.num_layers * plain.num_blocks
    own = replace(plain, num_cross_attends=looks, cross_attend_sharing=arm.sharing)

    def run(folder: str, steps: int) -> dict[str, Any]:
        recipe_run = run_from_recipe(text, output=folder, quiet=True, pictures=False)
        training = replace(
            recipe_run.training, epochs=None, steps=steps, seed=seed, workers=0, watch_every=steps
        )
        return train(task_class(text["task"])(own), replace(recipe_run, training=training))

    with tempfile.TemporaryDirectory() as folder:
        with seconds_of_steps() as spent:
            run(f"{folder}/timed", TIMED_STEPS)
        # The lower quartile: what else the machine does makes some steps dearer, and none cheaper.
        steps = 2 if small else max(1, round(seconds / statistics.quantiles(spent)[0]))
        with seconds_of_steps() as spent:
            results = run(f"{folder}/run", steps)
    test = results["test"]
    return Reached(looks, results["parameters"], steps, sum(spent), test["accuracy"], test["loss"])


@contextmanager
def seconds_of_steps() -> Iterator[list[float]]:
    """Give a list that receives the processor seconds from the beginning of each step to that of the next one."""
    from perceivers.training.loop import Loop

    spent: list[float] = []
    before: list[float] = []
    plain = Loop.step

    def timed(self: Loop, *arguments: Any) -> float:
        now = time.process_time()
        spent.extend(now - then for then in before)
        before[:] = [now]
        return plain(self, *arguments)

    with patch.object(Loop, "step", timed):
        yield spent


def row_of(recipe: str, arm: Arm, runs: Sequence[Reached]) -> list[str]:
    """The row of a recipe and an arm."""
    first = runs[0]
    shared = {"after_first": "the first has its own", "none": "each has its own"}[arm.sharing]
    return [
        recipe,
        str(first.looks),
        "-" if first.looks == 1 else shared,
        f"{first.parameters:,}",
        f"{statistics.mean(run.steps for run in runs):,.0f}",
        f"{statistics.mean(run.seconds for run in runs):.0f}",
        said([run.accuracy for run in runs]),
        said([run.loss for run in runs]),
    ]


def said(values: Sequence[float]) -> str:
    """The mean, and of several values ± their standard deviation."""
    mean = f"{statistics.mean(values):.3f}"
    return f"{mean} ± {statistics.stdev(values):.3f}" if len(values) > 1 else mean


if __name__ == "__main__":
    main()
