"""Image classification end to end at tiny size, and its parts against numbers worked out by hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from perceivers.arguments import (
    DataArguments,
    OptimizationArguments,
    RunArguments,
    StartArguments,
    TrainingArguments,
)
from perceivers.configuration import PerceiverConfig
from perceivers.data.draws import NumberedBatch, training_loader
from perceivers.errors import CheckpointError, ConfigurationError, DataError
from perceivers.kinds.image.reading import Picture
from perceivers.predictor import choose_device
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.image_classification.task import ImageClassification
from perceivers.tasks.inputs import Sample
from perceivers.tasks.registry import load_run, task_class
from perceivers.training.evaluation import evaluate
from perceivers.training.prediction import predict
from perceivers.training.run import train

TINY: dict[str, Any] = {
    "size": "usual",
    "image_height": 5,
    "image_width": 7,
    "num_latents": 3,
    "latent_channels": 8,
    "num_layers": 1,
    "num_heads": 2,
    "num_fourier_bands": 2,
    "qk_channels": 8,
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
            training=TrainingArguments(epochs=25, batch_size=7, device="cpu", watch_every=1_000),
            optimization=OptimizationArguments(learning_rate=2e-2, warmup_steps=5),
        ),
    )
    return folder, results


@pytest.fixture
def task() -> ImageClassification:
    return ImageClassification(ImageClassificationArguments(**TINY))


def sample_of(image: Image.Image, label: int) -> Sample:
    return Sample((Picture(image),), (label,))


def image_of(sample: Sample) -> Image.Image:
    image: Image.Image = sample.values[0].image
    return image


def batch_of(pixels: torch.Tensor, labels: list[int]) -> dict[str, Any]:
    return {
        "inputs": {"image": pixels},
        "attention_mask": {},
        "pos": {},
        "labels": {"label": torch.tensor(labels)},
        "views": 1,
    }


def class_names(parts: Any) -> list[str]:
    return list(parts.processor.answers["label"].names)


def parts_of(task: ImageClassification, pictures: Path) -> Any:
    return task.build(task.load_data(DataArguments(data=str(pictures))))


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


@pytest.fixture(scope="module")
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


def test_mistakes_in_a_table_name_file_row_and_column(table: Path, tmp_path: Path) -> None:
    def load(text: str, **columns: str) -> Any:
        (tmp_path / "t.csv").write_text(text)
        chosen = ImageClassificationArguments(**TINY, **columns)
        return ImageClassification(chosen).load_data(DataArguments(data=str(tmp_path / "t.csv")))

    with pytest.raises(DataError, match=r"t\.csv` must have a column 'image', received photo, label"):
        load("photo,label\na.png,x\nb.png,y\n")
    with pytest.raises(DataError, match=r"t\.csv` must have a column 'kind', received image, label"):
        load("image,label\na.png,x\nb.png,y\n", label_column="kind")
    with pytest.raises(
        DataError, match=r"t\.csv, row 1`: `.*a\.png` cannot be read .* \(and 1 more\); mend it"
    ):
        load("image,label\na.png,x\nb.png,y\n")
    for name in ("a", "b", "c"):
        Image.new("L", (3, 2)).save(tmp_path / f"{name}.png")
    with pytest.raises(DataError, match=r"t\.csv, row 2`: has no value in the column 'image'"):
        load("image,label\na.png,x\n,y\nc.png,y\n")
    with pytest.raises(DataError, match=r"t\.csv, row 2`: has no value in the column 'label'"):
        load("image,label\na.png,x\nb.png,\nc.png,y\n")
    with pytest.raises(
        DataError, match=r"t\.csv` must hold two classes or more in the column 'label', received only 'x'"
    ):
        load("image,label\na.png,x\nb.png,x\n")


def test_an_empty_class_and_a_damaged_file_are_named(pictures: Path, tmp_path: Path) -> None:
    draw_classes(tmp_path, count=3)
    (tmp_path / "left" / "01.png").write_bytes(b"no picture")
    arguments = DataArguments(data=str(tmp_path))
    task = ImageClassification(ImageClassificationArguments(**TINY))
    with pytest.raises(DataError, match=r"left/01\.png` cannot be read as a picture: .*--unreadable skip"):
        task.load_data(arguments)
    splits = task.load_data(DataArguments(data=str(tmp_path), unreadable="skip"))
    assert len(splits.part("all")) == 5
    assert len(splits.unreadable) == 1
    (tmp_path / "middle").mkdir()
    with pytest.raises(DataError, match=r"middle` is a class without files \(\.png, "):
        task.load_data(arguments)


def test_a_run_can_start_from_another_with_its_sizes(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    other = draw_classes(tmp_path / "pictures", count=5)
    (other / "left").rename(other / "dark")
    task = ImageClassification(ImageClassificationArguments(**{**TINY, "num_latents": 11}))
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
    assert parts.model.config.num_latents == 3
    assert class_names(parts) == ["dark", "right"]


def test_a_checkpoint_of_another_form_is_refused(pictures: Path) -> None:
    def build(start: PerceiverConfig, **changed: Any) -> None:
        task = ImageClassification(ImageClassificationArguments(**{**TINY, **changed}))
        task.build(task.load_data(DataArguments(data=str(pictures))), start)

    learned = PerceiverConfig(
        architectures=["PerceiverForImageClassificationLearned"], image_size=(5, 9), image_channels=3
    )
    with pytest.raises(ConfigurationError, match="`input_form` must be 'learned', as in the checkpoint"):
        build(learned)
    without = {"num_fourier_bands": None, "input_form": "learned"}
    with pytest.raises(ConfigurationError, match="`image_height` and `image_width` must be 5 and 9"):
        build(learned, **without)
    with pytest.raises(ConfigurationError, match="`image_channels` must be 3, as in the checkpoint"):
        build(learned, **without, image_channels=1)


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


def test_a_run_loads_with_its_own_arguments(trained: tuple[Path, dict[str, Any]]) -> None:
    task, parts, run = load_run(trained[0])
    assert isinstance(task, ImageClassification)
    assert task.arguments == ImageClassificationArguments(**TINY, label_smoothing=0.0)
    assert class_names(parts) == ["left", "right"]
    assert run.training.epochs == 25


def test_an_unknown_task_is_named() -> None:
    with pytest.raises(
        ConfigurationError, match=r"`task` must be one of .*image-classification, .*, received 'chess'"
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


@pytest.mark.parametrize(
    ("changed", "name", "expected"),
    [
        ({"num_fourier_bands": 3}, "Fourier", {"fourier_num_bands": 3, "fourier_max_resolution": [5, 7]}),
        ({"num_fourier_bands": None}, "Fourier", {"fourier_num_bands": 8, "image_size": [5, 7]}),
        (
            {"num_fourier_bands": None, "input_form": "learned", "pixel_channels": 11, "position_channels": 13},
            "Learned",
            {"image_projection_channels": 11, "position_channels": 13, "projected_position_channels": 13},
        ),
        (
            {"input_form": "conv", "image_height": 20, "image_width": 28, "stem_channels": 11},
            "ConvProcessing",
            {"stem_channels": 11, "stem_num_layers": 1, "stem_padding": "transformers", "stem_max_resolution": [5, 7]},
        ),
        (
            {"input_form": "conv", "num_stem_layers": 2, "stem_padding": "same", "stem_batch_norm": False,
             "image_height": 32, "image_width": 48},
            "ConvProcessing",
            {"stem_num_layers": 2, "stem_batch_norm": False, "stem_padding": "same", "stem_max_resolution": [2, 3]},
        ),
        ({"image_channels": 1}, "Fourier", {"image_channels": 1}),
        ({"num_layers": 3, "num_heads": 4, "dropout": 0.3}, "Fourier",
         {"num_self_attends_per_block": 3, "num_self_attention_heads": 4, "attention_probs_dropout_prob": 0.3}),
    ],
)  # fmt: skip
def test_each_form_of_the_input_has_its_class_and_sizes(
    pictures: Path, changed: dict[str, Any], name: str, expected: dict[str, Any]
) -> None:
    parts = parts_of(ImageClassification(ImageClassificationArguments(**{**TINY, **changed})), pictures)
    assert type(parts.model).__name__ == f"PerceiverForImageClassification{name}"
    for key, value in expected.items():
        found = getattr(parts.model.config, key)
        assert (list(found) if isinstance(value, list) else found) == value
    size = changed.get("image_height", 5), changed.get("image_width", 7)
    pixel_values = torch.rand(2, changed.get("image_channels", 3), *size)
    assert parts.model(inputs=pixel_values).logits.shape == (2, 2)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"input_form": "patches"}, "`input_form` must be one of fourier, learned, conv, stem, received 'patches'"),
        ({"input_form": "stem", "stem_widths": (4, 0)}, "`stem_widths` must be one whole number or more, each at least 1"),
        ({"input_form": "stem", "stem_first_pool": 3}, "`stem_first_pool` must be 1 or 2, received 3"),
        ({"jitter": 1.0}, "`jitter` must be"),
        ({"image_channels": 4}, "`image_channels` must be 1 or 3, received 4"),
        ({"pixel_mean": (0.1, 0.2)}, "`pixel_mean` must have one number, or one for each of 3 channels"),
        ({"pixel_std": (0.0,)}, r"`pixel_std` must be above 0, received 0\.0"),
        ({"crop_area": 0.0}, r"`crop_area` must be in \(0, 1\], received 0\.0"),
        ({"centre_crop": 1.5}, r"`centre_crop` must be in \(0, 1\], received 1\.5"),
        ({"flip": 1.5}, r"`flip` must be in \[0, 1\], received 1\.5"),
        ({"rand_augment_magnitude": 11.0}, r"`rand_augment_magnitude` must be in \[0, 10\], received 11\.0"),
        ({"rand_augment_operations": -1}, "`rand_augment_operations` must be at least 0, received -1"),
        ({"mixup": -0.2}, r"`mixup` must be at least 0, received -0\.2"),
    ],
)  # fmt: skip
def test_choices_that_cannot_be_are_named(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ImageClassificationArguments(**{**TINY, **changed})


def test_mixing_makes_shares_of_the_labels_while_training(pictures: Path) -> None:
    chosen = ImageClassificationArguments(**TINY, shift=0.0, rotation=0.0, scale=0.0, mixup=1.0, cutmix=1.0)
    task = ImageClassification(chosen)
    parts = parts_of(task, pictures)
    batch = batch_of(torch.rand(7, 3, 5, 7), [1, 0, 1, 0, 1, 0, 1])
    torch.manual_seed(0)
    mixed = task.augment(batch)
    shares = mixed["labels"]["label"]
    assert shares.shape == (7, 2)
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(7))
    assert not torch.equal(mixed["inputs"]["image"], batch["inputs"]["image"])
    step = task.step(parts.model.train(), mixed)
    expected = -(shares * F.log_softmax(step.measured["label/preds"], dim=-1)).sum(dim=1)
    torch.testing.assert_close(step.measured["loss"], expected)
    torch.testing.assert_close(step.loss.detach(), expected.mean())


def test_a_batch_holds_pictures_of_one_size_and_their_labels(
    task: ImageClassification, pictures: Path
) -> None:
    processor = parts_of(task, pictures).processor
    samples = [sample_of(Image.new("L", (3, 11), 255), 1), sample_of(Image.new("RGB", (20, 2)), 0)]
    batch = task.collate(processor, samples)
    assert batch["inputs"]["image"].shape == (2, 3, 5, 7)
    assert batch["labels"]["label"].tolist() == [1, 0]
    assert set(task.given(batch)) == {"inputs", "attention_mask"}


def test_augmentation_changes_pictures_and_keeps_labels(task: ImageClassification, pictures: Path) -> None:
    parts_of(task, pictures)
    batch = batch_of(torch.rand(2, 3, 5, 7), [1, 0])
    changed = task.augment(batch)
    assert not torch.equal(changed["inputs"]["image"], batch["inputs"]["image"])
    assert changed["labels"] is batch["labels"]


def test_each_picture_is_varied_by_its_own_generator(pictures: Path) -> None:
    task = ImageClassification(ImageClassificationArguments(**TINY, flip=1.0))
    splits = task.load_data(DataArguments(data=str(pictures)))
    sample = splits.train[0]
    varied = task.vary(sample, np.random.default_rng(0))
    assert np.array_equal(np.asarray(image_of(varied)), np.asarray(image_of(sample).convert("RGB"))[:, ::-1])
    assert varied.targets == sample.targets


@pytest.mark.parametrize("training", [True, False])
def test_labels_are_smoothed_while_training_only(training: bool, pictures: Path) -> None:
    task = ImageClassification(ImageClassificationArguments(**TINY, label_smoothing=0.25))
    model = parts_of(task, pictures).model.train(training)
    step = task.step(model, batch_of(torch.rand(3, 3, 5, 7), [1, 0, 1]))
    log_probabilities = F.log_softmax(step.measured["label/preds"], dim=-1)
    true = log_probabilities[torch.arange(3), torch.tensor([1, 0, 1])]
    # A quarter of the target is spread over both classes.
    smoothed = 0.75 * true + 0.25 * log_probabilities.mean(dim=-1) if training else true
    torch.testing.assert_close(step.measured["loss"], -smoothed)
    torch.testing.assert_close(step.loss, -smoothed.mean())


def test_top_five_accuracy_is_reported_above_five_classes(task: ImageClassification, tmp_path: Path) -> None:
    for name in "abcdefg":
        (tmp_path / name).mkdir()
        for index in range(3):
            Image.new("L", (3, 3), 9 * index).save(tmp_path / name / f"{index}.png")
    metrics = task.metrics(parts_of(task, tmp_path))
    # Ranks of the true class: 1st, 5th, 6th, 7th.
    scores, truth = torch.arange(7.0, 0.0, -1.0).expand(4, 7), torch.tensor([0, 4, 5, 6])
    losses = torch.tensor([1.0, 2.0, 3.0, 4.0])
    metrics.update(**{"label/preds": scores, "label/target": truth, "loss": losses})
    computed = metrics.compute()
    # Class 0 is found once and given four times: F1 2/5. Of the four classes that occur, three are never found.
    expected = {"accuracy": 0.25, "top_5_accuracy": 0.5, "loss": 2.5, "f1": 0.1}
    assert {name: float(computed[name]) for name in expected} == pytest.approx(expected)
    # True classes down, answers across: every answer is class 0.
    assert computed["confusions"][:, 0].tolist() == [1, 0, 0, 0, 1, 1, 1]
    assert computed["confusions"].sum() == 4


@pytest.mark.parametrize("keep", [{"keep_megabytes": 0}, {"keep_megabytes": 0, "keep_gigabytes": 0.0}])
def test_what_is_kept_changes_no_batch(pictures: Path, tmp_path: Path, keep: dict[str, Any]) -> None:
    def batches(**room: Any) -> list[torch.Tensor]:
        task = ImageClassification(ImageClassificationArguments(**TINY, crop_area=0.5, flip=0.5))
        folder = str(tmp_path / "kept") if room.get("keep_gigabytes", 1) else None
        splits = task.load_data(DataArguments(data=str(pictures), keep_folder=folder, **room))
        parts = task.build(splits)
        collate = NumberedBatch(task.collate, parts.processor)
        loader, _ = training_loader(splits.train, task.vary, collate, batch_size=5, seed=0, workers=0)
        return [next(iter(batch["inputs"].values())) for _, batch in loader]

    expected = batches(keep_megabytes=100)
    received = batches(**keep)
    assert all(torch.equal(one, other) for one, other in zip(received, expected, strict=True))


def test_a_dark_set_of_deep_pictures_is_told_before_training(tmp_path: Path) -> None:
    for name, top in (("left", 4095), ("right", 900)):
        (tmp_path / name).mkdir()
        for index in range(4):
            pixels = np.full((6, 8), top - index, dtype=np.uint16)
            Image.fromarray(pixels).save(tmp_path / name / f"{index}.png")

    def plan(**chosen: Any) -> str:
        task = ImageClassification(ImageClassificationArguments(**TINY, **chosen))
        return "\n".join(map(str, task.plan(task.load_data(DataArguments(data=str(tmp_path))))))

    assert "the brightest value is 4095, where 65535 is white" in plan()
    assert "brightest" not in plan(white_level=4095.0)
