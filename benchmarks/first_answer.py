"""What the first answer costs: processor time of `perceivers predict` and `evaluate` beside that of `import torch` alone.

Run: python benchmarks/first_answer.py [--repetitions 7] [--output benchmarks/results/first_answer.md]

A small run on scikit-learn's digits is trained first; its files are then asked for in processes of their own, which take
turns. Processor time is what the system counted for the process, user and system together: other programs of the machine
lengthen it far less than the clock's. What is printed are medians, and the smallest above `import torch` of the same turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measuring import circumstances, in_seconds, markdown_table, report

# Runs a command that ends itself when its first batch is there.
UNTIL_FIRST_BATCH = """
import sys
from perceivers.cli import main
from perceivers.training import evaluation
live = evaluation.while_workers_live
def first(batches, advice):
    for _ in live(batches, advice):
        raise SystemExit(0)
evaluation.while_workers_live = first
main(sys.argv[1:])
"""
# Runs a command that ends itself when answers are written and told, before pictures are drawn.
UNTIL_TOLD = """
import sys
from perceivers.cli import main
from perceivers.training import prediction
def drawing(*arguments):
    raise SystemExit(0)
prediction._draw = drawing
main(sys.argv[1:])
"""
# One thread: what starting costs does not depend on how many there are, and their waiting would count.
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    about = circumstances(("torch", "perceivers", "matplotlib"))
    # As of an installed package: the first process writes the compiled modules, wherever the sources lie.
    ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="perceivers-") as name:
        folder = Path(name)
        ENVIRONMENT["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
        run, pictures, answers = (str(folder / each) for each in ("run", "pictures", "answers"))
        command = [sys.executable, "-m", "perceivers"]
        seconds_of(*command, "train", "image-classification", "--data", "digits", "--size", "tiny",
                   "--epochs", "1", "--output", run, "--device", "cpu")  # fmt: skip
        seconds_of(*command, "samples", "digits", "--output", pictures, "--count", "40")
        picture = str(next(Path(pictures).rglob("*.png")))
        evaluate = ("evaluate", run, "--data", pictures, "--split", "all", "--output", answers)
        predict = ("predict", run, picture, "--output", answers)
        sides = {
            "`import torch`": (sys.executable, "-c", "import torch"),
            "`perceivers --help`": (*command, "--help"),
            "`perceivers predict RUN one.png`": (*command, *predict),
            "the same until the answer is told": (sys.executable, "-c", UNTIL_TOLD, *predict),
            "`perceivers evaluate RUN`, 40 pictures": (*command, *evaluate),
            "the same until the first batch": (sys.executable, "-c", UNTIL_FIRST_BATCH, *evaluate),
        }
        for arguments in sides.values():
            seconds_of(*arguments)
        seconds: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(chosen.repetitions):
            for side, arguments in sides.items():
                seconds[side].append(seconds_of(*arguments))
    torch_alone = seconds["`import torch`"]
    rows = [
        [
            side,
            in_seconds(statistics.median(found)),
            f"{statistics.median(found) - statistics.median(torch_alone):+.2f} s",
            f"{min(mine - theirs for mine, theirs in zip(found, torch_alone, strict=True)):+.2f} s",
        ]
        for side, found in seconds.items()
    ]
    header = ["processor time", "median", "above `import torch`", "smallest above"]
    text = f"# The first answer\n\n{about}\n\n{markdown_table(header, rows)}"
    report(text, chosen.output)


def seconds_of(*command: str) -> float:
    """Processor seconds of a process, user and system together."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, env=ENVIRONMENT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        lines = said.read().decode(errors="replace").splitlines()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[:6])} failed: {lines[-3:]}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
