"""Pictures of two classes as folders and as a table, and a run that was trained on them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from perceivers.arguments import DataArguments, OptimizationArguments, RunArguments, TrainingArguments
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.image_classification.task import ImageClassification
from perceivers.training.run import train
from tiny_pictures import TINY, draw_classes


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_classes(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("runs") / "sides"
    results = train(
        ImageClassification(ImageClassificationArguments(**TINY, label_smoothing=0.0)),
        RunArguments(
            output=str(folder),
            data=DataArguments(data=str(pictures), test_fraction=0.25, validation_fraction=0.2),
            training=TrainingArguments(epochs=25, batch_size=7, device="cpu", watch_every=1_000),
            optimization=OptimizationArguments(learning_rate=2e-2, warmup_steps=5),
        ),
    )
    return folder, results


@pytest.fixture
def task() -> ImageClassification:
    return ImageClassification(ImageClassificationArguments(**TINY))


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Path:
    """The same pictures as a table of paths relative to it."""
    folder = tmp_path_factory.mktemp("table")
    with (folder / "sides.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["photo", "side"])
        for path in sorted(pictures.rglob("*.png")):
            name = f"{path.parent.name}-{path.name}"
            (folder / name).write_bytes(path.read_bytes())
            writer.writerow([name, path.parent.name])
    return folder / "sides.csv"
