"""A table with texts among its columns, some of them absent: learned from their words, shown with what was looked at."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from perceivers.arguments import DataArguments, OptimizationArguments, RunArguments, TrainingArguments
from perceivers.tasks.registry import load_run
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.task import TableTask
from perceivers.training.evaluation import evaluate
from perceivers.training.prediction import predict
from perceivers.training.run import train

GOOD, BAD = ("bright", "lovely", "warm"), ("dull", "awful", "cold")


def table_of_reviews(path: Path, count: int) -> Path:
    """Reviews of which one word tells, below a title that does not; every seventh row has no review."""
    generator = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["title", "review", "length", "liked"])
        for index in range(count):
            word = (GOOD if index % 2 else BAD)[int(generator.integers(3))]
            review = "" if index % 7 == 0 else f"What a {word} thing, number {index}."
            length = round(float(generator.normal()), 3)
            writer.writerow([f"The story of {index}", review, length, "yes" if index % 2 else "no"])
    return path


def test_texts_beside_numbers_are_learned_from_their_words(tmp_path: Path) -> None:
    data = table_of_reviews(tmp_path / "reviews.csv", 140)
    results = train(
        TableTask(TableArguments(target=("liked",), num_latents=5, latent_channels=16, num_layers=1)),
        RunArguments(
            output=str(tmp_path / "run"),
            data=DataArguments(data=str(data)),
            training=TrainingArguments(epochs=12, batch_size=14, device="cpu", watch_every=1_000),
            optimization=OptimizationArguments(learning_rate=1e-2, warmup_steps=5),
            pictures=False,
        ),
    )
    # One row in seven can only be guessed.
    assert results["test"]["accuracy"] >= 0.8
    again = evaluate(tmp_path / "run", device="cpu", output=tmp_path / "measured")
    assert again["metrics"]["log_loss"] == pytest.approx(results["test"]["log_loss"], abs=1e-4)
    _, parts, _ = load_run(tmp_path / "run")
    # Both columns of texts are one input of two tokens.
    assert {each.name: each.columns for each in parts.processor.inputs} == {
        "texts": ("title", "review"),
        "numbers": ("length",),
    }
    asked = tmp_path / "asked.csv"
    asked.write_text("title,review,length\nThe story of 5,A lovely <b>thing</b>.,0.5\nThe story of 6,,0.5\n")
    first, second = predict(tmp_path / "run", [asked], tmp_path / "answers", device="cpu")
    assert first.values["liked"] == "yes"
    assert second.values["title"] == "The story of 6"
    page = (tmp_path / "answers" / "predictions.html").read_text()
    assert "A lovely &lt;b&gt;thing&lt;/b&gt;." in page
