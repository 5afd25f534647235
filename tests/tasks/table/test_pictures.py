"""A table with pictures among its columns, some of them absent, from rows to a page of answers."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from perceivers.arguments import DataArguments, OptimizationArguments, RunArguments, TrainingArguments
from perceivers.tasks.registry import load_run
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.task import TableTask
from perceivers.training.prediction import predict
from perceivers.training.run import train


def table_of_pictures(folder: Path, count: int) -> Path:
    """Bright and dark pictures beside a number that tells nothing; every seventh row has no picture."""
    generator = np.random.default_rng(0)
    with (folder / "pets.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["photo", "weight", "shade"])
        for index in range(count):
            name, shade = f"{index:02d}.png", "bright" if index % 2 else "dark"
            pixels = generator.integers(0, 60, (5, 6), dtype=np.uint8) + (190 if index % 2 else 0)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name)
            writer.writerow(["" if index % 7 == 0 else name, round(float(generator.normal()), 3), shade])
    return folder / "pets.csv"


def test_pictures_beside_numbers_are_learned_where_they_are(tmp_path: Path) -> None:
    data = table_of_pictures(tmp_path, 70)
    arguments = TableArguments(target=("shade",), num_latents=5, latent_channels=16, num_layers=1)
    results = train(
        TableTask(arguments),
        RunArguments(
            output=str(tmp_path / "run"),
            data=DataArguments(data=str(data)),
            training=TrainingArguments(epochs=8, batch_size=7, device="cpu", watch_every=1_000),
            optimization=OptimizationArguments(learning_rate=1e-2, warmup_steps=5),
            pictures=False,
        ),
    )
    # One row in seven can only be guessed.
    assert results["test"]["accuracy"] >= 0.8
    _, parts, _ = load_run(tmp_path / "run")
    assert {each.kind.name for each in parts.processor.inputs} == {"image", "number"}
    predictions = predict(tmp_path / "run", [data], tmp_path / "answers", device="cpu")
    assert len(predictions) == 70
    page = (tmp_path / "answers" / "predictions.html").read_text()
    # Two pictures a row that has one.
    assert page.count('src="data:image/png;base64,') == 2 * 60
    # Ids that stand for files are written back as they are: whoever asked knows rows by them.
    asked = tmp_path / "asked.csv"
    asked.write_text("photo,weight\n01,0.3\n02,0.5\n03,0.7\n")
    by_id = predict(tmp_path / "run", [asked], tmp_path / "by_id", device="cpu")
    assert [each.values["photo"] for each in by_id] == ["01", "02", "03"]
    asked.write_text("photo,weight\n01.png,0.3\n02.png,0.5\n03.png,0.7\n")
    by_path = predict(tmp_path / "run", [asked], device="cpu")
    assert [each.values["shade_probability"] for each in by_id] == [
        each.values["shade_probability"] for each in by_path
    ]
