"""Image classification end to end at tiny size: from folders and tables, and from another run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from perceivers.arguments import (
    DataArguments,
    OptimizationArguments,
    RunArguments,
    StartArguments,
    TrainingArguments,
)
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.image_classification.task import ImageClassification
from perceivers.tasks.registry import load_run
from perceivers.training.evaluation import evaluate
from perceivers.training.prediction import predict
from perceivers.training.run import train
from tiny_pictures import TINY, class_names, draw_classes


def test_a_folder_of_mixed_pictures_is_learnt(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, results = trained
    assert results["test"]["accuracy"] == 1.0
    assert results["samples"] == {"train": 14, "validation": 4, "test": 6}
    assert set(results["test"]) == {
        "accuracy",
        "balanced_accuracy",
        "calibration_error",
        "f1",
        "log_loss",
        "loss",
        "matthews",
        "roc_auc",
    }
    assert {path.name for path in folder.iterdir()} == {
        "arguments.yaml",
        "columns.json",
        "config.json",
        "confusions.png",
        "history.json",
        "history.jsonl",
        "learning_curve.png",
        "model.safetensors",
        "preprocessor_config.json",
        "results.json",
    }
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["PerceiverForImageClassificationFourier"]
    assert config["id2label"] == {"0": "left", "1": "right"}
    assert json.loads((folder / "preprocessor_config.json").read_text())["size"] == {"height": 5, "width": 7}


def test_a_table_of_paths_is_trained_on_and_answered(table: Path, tmp_path: Path) -> None:
    columns = {"image_column": "photo", "label_column": "side"}
    task = ImageClassification(
        ImageClassificationArguments(
            **{**TINY, "input_form": "conv", "stem_channels": 7, "image_height": 20, "image_width": 24},
            **columns,
            flip=0.1,
        )
    )
    results = train(
        task,
        RunArguments(
            output=str(tmp_path / "run"),
            data=DataArguments(data=str(table)),
            training=TrainingArguments(epochs=1, batch_size=7, device="cpu"),
            pictures=False,
        ),
    )
    assert results["samples"] == {"train": 18, "validation": 2, "test": 4}
    again = evaluate(tmp_path / "run", device="cpu")
    assert again["metrics"] == pytest.approx(results["test"], rel=1e-4, abs=1e-5)
    predictions = predict(tmp_path / "run", [table], device="cpu")
    assert len(predictions) == 24
    assert predictions[2].source == f"{table}, row 3"
    # The stem leaves 4 x 5 places of 20 x 24 pixels.
    assert predictions[0].shown["inputs"]["image"].attention.shape == (4, 5)


def test_a_stem_of_stages_is_trained_on_and_answered(pictures: Path, tmp_path: Path) -> None:
    chosen = ImageClassificationArguments(
        **{**TINY, "input_form": "stem", "stem_widths": (5, 7), "jitter": 0.2, "mixup": 0.3}
    )
    run = RunArguments(
        output=str(tmp_path / "run"),
        data=DataArguments(data=str(pictures), test_fraction=0.25),
        training=TrainingArguments(epochs=12, batch_size=7, device="cpu", watch_every=1_000),
        optimization=OptimizationArguments(learning_rate=1e-2, warmup_steps=5),
        pictures=False,
    )
    results = train(ImageClassification(chosen), run)
    assert results["test"]["accuracy"] == 1.0
    again = evaluate(tmp_path / "run", device="cpu")
    assert again["metrics"] == pytest.approx(results["test"], rel=1e-4, abs=1e-5)
    predictions = predict(tmp_path / "run", [pictures], device="cpu")
    # Two stages leave 3 x 4 places of 5 x 7 pixels.
    assert predictions[0].shown["inputs"]["image"].attention.shape == (3, 4)
    _, parts, _ = load_run(tmp_path / "run")
    assert dict(parts.model.prepare().plain_parts) == {}


def test_a_run_can_start_from_another_with_its_sizes(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    other = draw_classes(tmp_path / "pictures", count=5)
    (other / "left").rename(other / "dark")
    task = ImageClassification(ImageClassificationArguments(**{**TINY, "num_latents": "auto"}))
    results = train(
        task,
        RunArguments(
            output=str(tmp_path / "run"),
            data=DataArguments(data=str(other)),
            start=StartArguments(start=str(trained[0])),
            training=TrainingArguments(epochs=1, batch_size=7, device="cpu"),
            pictures=False,
        ),
    )
    assert results["started_from"] == str(trained[0])
    _, parts, _ = load_run(tmp_path / "run")
    assert parts.model.config.num_latents == task.arguments.num_latents == 3
    assert class_names(parts) == ["dark", "right"]


def test_a_run_loads_with_its_own_arguments(trained: tuple[Path, dict[str, Any]]) -> None:
    task, parts, run = load_run(trained[0])
    assert isinstance(task, ImageClassification)
    assert task.arguments == ImageClassificationArguments(**TINY, label_smoothing=0.0)
    assert class_names(parts) == ["left", "right"]
    assert run.training.epochs == 25
