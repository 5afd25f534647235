"""Batches of pictures, how they are changed while training, and what losses and measures make of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from perceivers.arguments import DataArguments
from perceivers.data.draws import NumberedBatch, training_loader
from perceivers.kinds.image.reading import Picture
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.image_classification.task import ImageClassification
from perceivers.tasks.inputs import Sample
from tiny_pictures import TINY, parts_of


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
