"""Image classification end to end at tiny size, and its parts against numbers worked out by hand."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from perceivers.arguments import (
    DataArguments,
    ImageClassificationArguments,
    OptimizationArguments,
    RunArguments,
    TrainingArguments,
)
from perceivers.data.images import ImageSample
from perceivers.errors import CheckpointError, ConfigurationError, DataError, MissingExtraError
from perceivers.evaluation import evaluate
from perceivers.prediction import choose_device, predict
from perceivers.tasks.image_classification import ImageClassification, class_names, input_attention
from perceivers.tasks.registry import load_run, task_class
from perceivers.training import train

TINY = {
    "image_height": 5,
    "image_width": 7,
    "num_latents": 3,
    "latent_channels": 8,
    "num_layers": 1,
    "num_heads": 2,
    "num_fourier_bands": 2,
}


def draw_classes(root: Path, count: int = 12) -> Path:
    """Pictures of many sizes and modes, bright on the left or on the right."""
    generator = np.random.default_rng(0)
    for name in ("left", "right"):
        (root / name).mkdir(parents=True)
        for index in range(count):
            height, width = generator.integers(5, 20, size=2)
            pixels = generator.integers(0, 60, size=(height, width)).astype(np.uint8)
            half = slice(0, width // 2) if name == "left" else slice(width - width // 2, width)
            pixels[:, half] = 220
            image = Image.fromarray(pixels)
            image = image.convert("RGB") if index % 2 else image
            image.save(root / name / f"{index:02d}.png")
    return root


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_classes(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("runs") / "sides"
    results = train(
        ImageClassification(ImageClassificationArguments(**TINY, label_smoothing=0.0)),
        RunArguments(
            output=str(folder),
            data=DataArguments(data=str(pictures), test_fraction=0.25, validation_fraction=0.2),
            training=TrainingArguments(epochs=25, batch_size=7, device="cpu"),
            optimization=OptimizationArguments(learning_rate=2e-2, warmup_steps=5),
        ),
    )
    return folder, results


@pytest.fixture
def task() -> ImageClassification:
    return ImageClassification(ImageClassificationArguments(**TINY))


def parts_of(task: ImageClassification, pictures: Path) -> Any:
    return task.build(task.load_data(DataArguments(data=str(pictures))))


def test_a_folder_of_mixed_pictures_is_learnt(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, results = trained
    assert results["test"]["accuracy"] == 1.0
    assert results["samples"] == {"train": 14, "validation": 4, "test": 6}
    assert set(results["test"]) == {"accuracy", "loss"}
    assert {path.name for path in folder.iterdir()} == {
        "arguments.json",
        "config.json",
        "history.json",
        "learning_curve.png",
        "model.safetensors",
        "preprocessor_config.json",
        "results.json",
    }
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["PerceiverForImageClassificationFourier"]
    assert config["id2label"] == {"0": "left", "1": "right"}
    assert json.loads((folder / "preprocessor_config.json").read_text())["size"] == {"height": 5, "width": 7}


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
    with pytest.raises(DataError, match="`digits` has the class '0', which is not one of left, right"):
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
    attention = prediction.shown["attention"]
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
    for name in ("arguments.json", "config.json", "preprocessor_config.json"):
        (tmp_path / name).write_bytes((trained[0] / name).read_bytes())
    with pytest.raises(CheckpointError):
        evaluate(tmp_path, device="cpu")


def test_a_run_loads_with_its_own_arguments(trained: tuple[Path, dict[str, Any]]) -> None:
    task, parts, run = load_run(trained[0])
    assert isinstance(task, ImageClassification)
    assert task.arguments == ImageClassificationArguments(**TINY, label_smoothing=0.0)
    assert class_names(parts) == ["left", "right"]
    assert run.training.epochs == 25


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(
        ConfigurationError, match="`task` must be one of image-classification, received 'chess'"
    ):
        task_class("chess")


def test_the_devices_are_the_accelerator_or_the_processor() -> None:
    assert choose_device("cpu") == "cpu"
    assert torch.device(choose_device("auto")).type in ("cpu", "cuda", "mps", "xpu")
    with pytest.raises(ConfigurationError, match="`device` must be one of auto, cpu, received 'moon'"):
        choose_device("moon")


@pytest.mark.parametrize(
    ("changed", "shape"),
    [
        ({"num_latents": 5}, [5, 8]),
        ({"latent_channels": 10}, [3, 10]),
    ],
)
def test_the_size_of_the_latents_is_the_one_asked_for(
    pictures: Path, changed: dict[str, int], shape: list[int]
) -> None:
    task = ImageClassification(ImageClassificationArguments(**{**TINY, **changed}))
    assert list(parts_of(task, pictures).model.get_input_embeddings().shape) == shape


def test_the_other_sizes_reach_the_configuration(pictures: Path) -> None:
    chosen = ImageClassificationArguments(**{**TINY, "num_layers": 3, "num_heads": 4, "dropout": 0.3})
    config = parts_of(ImageClassification(chosen), pictures).model.config
    assert config.num_self_attends_per_block == 3
    assert config.num_self_attention_heads == 4
    assert config.attention_probs_dropout_prob == 0.3
    assert config.fourier_num_bands == 2
    assert list(config.fourier_max_resolution) == [5, 7]
    assert config.image_height_width == (5, 7)


def test_a_batch_holds_pictures_of_one_size_scaled_to_minus_one_and_one(
    task: ImageClassification, pictures: Path
) -> None:
    processor = parts_of(task, pictures).processor
    samples = [
        ImageSample("a", Image.new("L", (3, 11), 255), 1),
        ImageSample("b", Image.new("RGB", (20, 2), (0, 255, 0)), 0),
    ]
    batch = task.collate(processor, samples)
    assert batch["pixel_values"].shape == (2, 3, 5, 7)
    assert batch["labels"].tolist() == [1, 0]
    torch.testing.assert_close(batch["pixel_values"][0], torch.ones(3, 5, 7))
    torch.testing.assert_close(batch["pixel_values"][1, :, 0, 0], torch.tensor([-1.0, 1.0, -1.0]))


def test_augmentation_changes_pictures_and_keeps_labels(task: ImageClassification) -> None:
    batch = {"pixel_values": torch.rand(2, 3, 5, 7), "labels": torch.tensor([1, 0])}
    changed = task.augment(batch)
    assert not torch.equal(changed["pixel_values"], batch["pixel_values"])
    assert changed["labels"] is batch["labels"]
    still = ImageClassification(ImageClassificationArguments(**TINY, shift=0.0, rotation=0.0, scale=0.0))
    assert still.augment(batch)["pixel_values"] is batch["pixel_values"]


@pytest.mark.parametrize("training", [True, False])
def test_labels_are_smoothed_while_training_only(training: bool, pictures: Path) -> None:
    task = ImageClassification(ImageClassificationArguments(**TINY, label_smoothing=0.25))
    model = parts_of(task, pictures).model.train(training)
    batch = {"pixel_values": torch.rand(3, 3, 5, 7), "labels": torch.tensor([1, 0, 1])}
    step = task.step(model, batch)
    log_probabilities = F.log_softmax(step.measured["preds"], dim=-1)
    true = log_probabilities[torch.arange(3), batch["labels"]]
    # A quarter of the target is spread over both classes.
    smoothed = 0.75 * true + 0.25 * log_probabilities.mean(dim=-1) if training else true
    torch.testing.assert_close(step.measured["value"], -smoothed)
    torch.testing.assert_close(step.loss, -smoothed.mean())


def test_top_five_accuracy_is_reported_above_five_classes(task: ImageClassification, pictures: Path) -> None:
    parts = parts_of(task, pictures)
    parts.model.config.num_labels = 7
    metrics = task.metrics(parts)
    # Ranks of the true class: 1st, 5th, 6th, 7th.
    scores = torch.arange(7.0, 0.0, -1.0).expand(4, 7)
    metrics.update(preds=scores, target=torch.tensor([0, 4, 5, 6]), value=torch.tensor([1.0, 2.0, 3.0, 4.0]))
    computed = {name: float(value) for name, value in metrics.compute().items()}
    assert computed == {"accuracy": 0.25, "top_5_accuracy": 0.5, "loss": 2.5}


def test_attention_over_pixels_is_the_product_of_both_cross_attentions() -> None:
    # Two latents over 1 x 3 pixels, two encoder heads whose mean is [[.5, .5, 0], [0, 0, 1]]; the query looks
    # three quarters at the first latent: (.375, .375, .25).
    encoder = torch.tensor([[[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]]])
    decoder = torch.tensor([[[[0.75, 0.25]]]])
    attention = input_attention((encoder, decoder), 1, 3)
    torch.testing.assert_close(attention, torch.tensor([[[0.375, 0.375, 0.25]]]))


def test_missing_torchmetrics_names_the_command_that_installs_it(
    task: ImageClassification, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    with pytest.raises(MissingExtraError, match=r'`torchmetrics`.*pip install "perceivers\[train\]"'):
        task.metrics(parts_of(task, pictures))
