"""What no motion at all, and TV-L1 of scikit-image, score on the pairs that the flow recipe is measured on.

One JSON line each.

    python recipes/baselines/optical_flow.py [--data motorcycle] [--split all]
    python recipes/baselines/optical_flow.py --data natural-images --split test --recipe recipes/optical_flow.yaml

Sources: TV-L1, Zach, Pock, Bischof (DAGM 2007), with scikit-image's default settings, on grey frames.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from perceivers.arguments import DataArguments, from_mapping
from perceivers.arguments.run import read_recipe
from perceivers.tasks.optical_flow.beside import NO_MOTION, TITLE, measured
from perceivers.tasks.optical_flow.options import OpticalFlowArguments
from perceivers.tasks.optical_flow.samples import load_flow_splits


def main() -> None:
    """Print the figures of both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="motorcycle", help="as `perceivers evaluate --data` takes it")
    parser.add_argument("--split", default="all", help="train, validation, test or all")
    parser.add_argument("--recipe", type=Path, help="recipe whose made pairs are measured")
    chosen = parser.parse_args()
    values = read_recipe(chosen.recipe)["model"] if chosen.recipe else {}
    splits = load_flow_splits(
        DataArguments(data=chosen.data), from_mapping(OpticalFlowArguments, values), trains=False
    )
    samples = splits.part(chosen.split)
    found, _ = measured(samples[index] for index in range(len(samples)))
    for name, title in (("zero flow", NO_MOTION), ("TV-L1", TITLE)):
        scores = {key: round(float(value), 4) for key, value in found[title].compute().items()}
        print(json.dumps({f"{name}, {chosen.data}, {chosen.split}": scores}), flush=True)


if __name__ == "__main__":
    main()
