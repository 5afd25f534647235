"""A trained run is measured and asked: tables, pictures, and the mistakes that are named."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from perceivers.errors import CheckpointError, ConfigurationError, DataError
from perceivers.training.evaluation import evaluate
from perceivers.training.prediction import predict
from tiny_pictures import draw_classes


def test_evaluation_repeats_the_result_of_the_run(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, results = trained
    again = evaluate(folder, output=tmp_path, device="cpu")
    assert again["samples"] == 6
    assert again["metrics"] == pytest.approx(results["test"], rel=1e-4, abs=1e-6)
    assert json.loads((tmp_path / "evaluation.json").read_text()) == again
    assert not (folder / "evaluation.json").exists()


def test_evaluation_of_all_parts_and_of_other_data(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, _ = trained
    assert evaluate(folder, split="all", output=tmp_path, device="cpu", batch_size=5)["samples"] == 24
    assert evaluate(folder, split="train", output=tmp_path, device="cpu")["samples"] == 14
    other = draw_classes(tmp_path / "other", count=4)
    result = evaluate(folder, data=str(other), split="all", output=tmp_path, device="cpu")
    assert (result["samples"], result["metrics"]["accuracy"]) == (8, 1.0)


def test_evaluation_on_classes_that_the_model_does_not_know_is_an_error(
    trained: tuple[Path, dict[str, Any]],
) -> None:
    with pytest.raises(
        DataError,
        match="`digits/0000`: has the class '0' in the column 'label', which is not one of left, right",
    ):
        evaluate(trained[0], data="digits", device="cpu")


def test_evaluation_on_an_empty_part_is_an_error(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    draw_classes(tmp_path / "train", count=1)
    draw_classes(tmp_path / "test", count=1)
    with pytest.raises(DataError, match=r"`split` 'validation' of `data` .* holds no samples"):
        evaluate(trained[0], data=str(tmp_path), split="validation", device="cpu")


def test_predictions_are_a_table_and_a_picture(
    trained: tuple[Path, dict[str, Any]], pictures: Path, tmp_path: Path
) -> None:
    inputs = [pictures / "right", pictures / "left" / "00.png"]
    predictions = predict(trained[0], inputs, tmp_path / "answers", device="cpu")
    assert len(predictions) == 13
    assert [prediction.values["label"] for prediction in predictions] == ["right"] * 12 + ["left"]
    rows = json.loads((tmp_path / "answers" / "predictions.json").read_text())
    assert rows[12]["source"] == str(pictures / "left" / "00.png")
    assert rows[12]["label"] == "left"
    assert sum(rows[12]["probabilities"].values()) == pytest.approx(1.0, abs=1e-5)
    assert rows[12]["probability"] == rows[12]["probabilities"]["left"] > 0.5
    with (tmp_path / "answers" / "predictions.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == ["source", "label", "probability"]
    assert [row["label"] for row in table] == [row["label"] for row in rows]
    with Image.open(tmp_path / "answers" / "predictions.png") as picture:
        assert picture.width > 1500
        shades = np.asarray(picture.convert("L"))
    assert shades.std() > 10.0


def test_the_attention_of_an_answer_is_a_distribution_over_its_pixels(
    trained: tuple[Path, dict[str, Any]], pictures: Path, tmp_path: Path
) -> None:
    prediction = predict(trained[0], [pictures / "left" / "01.png"], tmp_path, device="cpu")[0]
    attention = prediction.shown["inputs"]["image"].attention
    assert attention.shape == (5, 7)
    assert attention.min() >= 0.0
    assert attention.sum() == pytest.approx(1.0, abs=1e-5)


def test_predicting_names_its_mistakes(trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="`inputs` must name one file or more, received none"):
        predict(trained[0], [], tmp_path)
    with pytest.raises(DataError, match=r"gone\.png` does not exist"):
        predict(trained[0], [tmp_path / "gone.png"], tmp_path)
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(DataError, match=r"text\.png` cannot be read as a picture"):
        predict(trained[0], [tmp_path / "text.png"], tmp_path)
    with pytest.raises(ConfigurationError, match="`output` must be a folder, received the file"):
        predict(trained[0], [tmp_path], tmp_path / "text.png")


def test_a_run_without_weights_is_a_checkpoint_error(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    for name in ("arguments.yaml", "columns.json", "config.json"):
        (tmp_path / name).write_bytes((trained[0] / name).read_bytes())
    with pytest.raises(CheckpointError):
        evaluate(tmp_path, device="cpu")
