"""What no motion at all, and TV-L1 of scikit-image, score on the pairs that the flow recipe is measured on.

One JSON line each.

    python recipes/baselines/optical_flow.py [--data motorcycle] [--split all]
    python recipes/baselines/optical_flow.py --data natural-images --split test --recipe recipes/optical_flow.yaml

Sources: TV-L1, Zach, Pock, Bischof (DAGM 2007), with scikit-image's default settings, on grey frames.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from perceivers.arguments import DataArguments, from_mapping
from perceivers.arguments.run import read_recipe
from perceivers.metrics.optical_flow import flow_metrics, flow_sums
from perceivers.tasks.optical_flow.augmentation import GREY_WEIGHTS, FlowSample
from perceivers.tasks.optical_flow.options import OpticalFlowArguments
from perceivers.tasks.optical_flow.samples import load_flow_splits


def zero_flow(sample: FlowSample) -> np.ndarray:
    """No motion, [height, width, 2]."""
    return np.zeros_like(sample.flow)


def tv_l1(sample: FlowSample) -> np.ndarray:
    """TV-L1's flow, [height, width, 2]."""
    from skimage.registration import optical_flow_tvl1

    rows, columns = optical_flow_tvl1(sample.first @ GREY_WEIGHTS, sample.second @ GREY_WEIGHTS)
    return np.stack([columns, rows], axis=-1)


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
    methods: dict[str, Callable[[FlowSample], np.ndarray]] = {"zero flow": zero_flow, "TV-L1": tv_l1}
    for name, method in methods.items():
        metrics = flow_metrics()
        for index in range(len(samples)):
            sample = samples[index]
            pixels = (method(sample), sample.flow, sample.valid)
            metrics.update(sums=flow_sums(*(torch.from_numpy(values)[None] for values in pixels)))
        scores = {key: round(float(value), 4) for key, value in metrics.compute().items()}
        print(json.dumps({f"{name}, {chosen.data}, {chosen.split}": scores}), flush=True)


if __name__ == "__main__":
    main()
