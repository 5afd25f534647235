"""What flow stands beside: TV-L1, which learns nothing, and the answer that nothing moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch

from perceivers.metrics.optical_flow import flow_metrics, flow_sums
from perceivers.metrics.running import Metrics, finite
from perceivers.rivals.tv_l1 import tv_l1
from perceivers.tasks.optical_flow.augmentation import GREY_WEIGHTS, FlowSample

TITLE, NO_MOTION = "TV-L1", "no motion"


def no_motion(sample: FlowSample) -> np.ndarray:
    """Zeros, [height, width, 2]."""
    return np.zeros_like(sample.flow)


def tv_l1_of_greys(sample: FlowSample) -> np.ndarray:
    """TV-L1's flow of grey frames in pixels, [height, width, 2]."""
    return tv_l1(sample.first @ GREY_WEIGHTS, sample.second @ GREY_WEIGHTS)


# Both learn nothing.
METHODS: dict[str, Callable[[FlowSample], np.ndarray]] = {TITLE: tv_l1_of_greys, NO_MOTION: no_motion}


def measured(samples: Iterable[FlowSample]) -> tuple[dict[str, Metrics], int]:
    """The task's metrics of each of METHODS on the same pairs, and how many pairs these were."""
    found, count = {title: flow_metrics() for title in METHODS}, 0
    for sample in samples:
        count += 1
        for title, method in METHODS.items():
            pixels = (method(sample), sample.flow, sample.valid)
            found[title].update(sums=flow_sums(*(torch.from_numpy(values)[None] for values in pixels)))
    return found, count


def beside_pairs(samples: Iterable[FlowSample]) -> dict[str, Any] | None:
    """Measure both methods, see `Task.stand_beside`; None where there is no pair."""
    metrics, count = measured(samples)
    if not count:
        return None
    scores = {title: finite(each) for title, each in metrics.items()}
    return {"method": TITLE, "trivial": NO_MOTION, **scores, "samples": count}
