"""Made tables in which it is known what tells what, and runs on them that take seconds."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

import perceivers
from perceivers.predictor import Predictor

# Small enough for seconds, large enough to learn what the tables hold.
TINY: Mapping[str, Any] = {
    "num_latents": 5,
    "latent_channels": 16,
    "num_layers": 1,
    "token_channels": 16,
    "queries_per_answer": 1,
    "epochs": 6,
    "batch_size": 13,
    "learning_rate": 1e-2,
    "warmup_steps": 5,
    # A look after each pass, and a checkpoint, would take as long as the passes.
    "watch_every": 1_000,
    # To fit linear models to the rows takes longer than to train: only where a test needs what they know.
    "linear_start": False,
    "device": "cpu",
}


def fruit(count: int = 151, seed: int = 0) -> dict[str, list[Any]]:
    """Columns by name: `size` tells `kind` and most of `price`, `colour` the rest and one of the `tags`; `noise` nothing."""
    generator = np.random.default_rng(seed)
    size = generator.uniform(0.0, 10.0, count).round(3)
    colour = generator.choice(["red", "green", "blue"], count)
    return {
        "size": size.tolist(),
        "colour": colour.tolist(),
        "noise": generator.normal(size=count).round(3).tolist(),
        "price": (3.0 * size + 10.0 * (colour == "red")).round(3).tolist(),
        "kind": np.where(size > 5.0, "big", "small").tolist(),
        "tags": [
            ",".join(name for name, there in (("heavy", big), ("warm", warm)) if there)
            for big, warm in zip(size > 5.0, colour == "red", strict=True)
        ],
    }


@contextmanager
def few_costs() -> Iterator[None]:
    """Linear models try two costs of weights in place of 13: enough where how good they are is not the question."""
    with patch("perceivers.tasks.table.linear_model.COSTS", (5.0, 0.5)):
        yield


def rows_of(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """The same as rows."""
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def without(columns: Mapping[str, list[Any]], *names: str) -> dict[str, list[Any]]:
    """The columns but for some."""
    return {name: cells for name, cells in columns.items() if name not in names}


def write_table(path: Path, columns: Mapping[str, Sequence[Any]]) -> Path:
    """Write a CSV; None is an empty field."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(
            ["" if cell is None else cell for cell in row] for row in zip(*columns.values(), strict=True)
        )
    return path


def fit_tiny(data: Any, target: str | Sequence[str], *, pictures: bool = False, **options: Any) -> Predictor:
    """A small model of a table, in a second; its pictures would take as long as the run."""
    with nullcontext() if pictures else patch("perceivers.training.run.save_pictures", return_value=[]):
        return perceivers.fit(data, target, **{**TINY, **options})
