"""Trackers of experiments (TensorBoard, Weights & Biases, MLflow), each by the class that accelerate has for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perceivers.arguments.base import require_choice
from perceivers.arguments.run import TRACKERS
from perceivers.errors import MissingExtraError

if TYPE_CHECKING:
    from accelerate.tracking import GeneralTracker

# What runs are gathered under, where a tracker gathers runs of many folders.
PROJECT = "perceivers"
# Where trackers that keep files in the run's folder keep them.
TENSORBOARD_FOLDER, WANDB_FOLDER = "tensorboard", "wandb"

# Trackers that are packages -> the extra that brings them, if any.
_PACKAGES: Mapping[str, str | None] = {"tensorboard": "track", "wandb": None, "mlflow": None}


def require_trackers(names: Sequence[str]) -> None:
    """Raise for a tracker that nobody knows (ConfigurationError), or whose package is absent (MissingExtraError)."""
    for name in names:
        require_choice("track", name, TRACKERS)
        if name in _PACKAGES and find_spec(name) is None:
            raise MissingExtraError(name, _PACKAGES[name], f"`--track {name}`")


def open_trackers(
    names: Sequence[str], folder: Path, run_name: str, settings: Mapping[str, Any]
) -> dict[str, GeneralTracker]:
    """Start trackers and tell them the run's settings.

    Args:
        names: of TRACKERS; those that are files of ours are passed over.
        folder: of the run.
        run_name: what the run is called.
        settings: of the run, by name; numbers, texts and truth values.
    """
    from accelerate import tracking

    makers = {
        "tensorboard": lambda: tracking.TensorBoardTracker(TENSORBOARD_FOLDER, logging_dir=str(folder)),
        "wandb": lambda: tracking.WandBTracker(PROJECT, name=run_name, dir=str(folder)),
        "mlflow": lambda: tracking.MLflowTracker(PROJECT, run_name=run_name),
    }
    opened: dict[str, GeneralTracker] = {}
    for name in dict.fromkeys(names):
        if name in makers:
            tracker = makers[name]()
            tracker.start()
            tracker.store_init_configuration(dict(settings))
            opened[name] = tracker
    return opened
