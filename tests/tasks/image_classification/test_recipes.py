"""The paper's recipe of pictures gives the published models in all three forms, and takes a step at small size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from perceivers.answers.one_class import OneClass
from perceivers.arguments import from_mapping, read_recipe, run_from_recipe
from perceivers.data.splits import Splits
from perceivers.kinds.image.kind import ImageKind
from perceivers.kinds.image.reading import Picture
from perceivers.tasks.columns import Columns
from perceivers.tasks.image_classification.model import build_classifier
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.image_classification.task import ImageClassification
from perceivers.tasks.inputs import Input, Sample

RECIPES = Path(__file__).parents[3] / "recipes"
FORMS: dict[str, dict[str, Any]] = {
    "fourier": {},
    "learned": {"input_form": "learned", "num_fourier_bands": None},
    "conv": {"input_form": "conv", "stem_padding": "same"},
}


def recipe_arguments(name: str) -> ImageClassificationArguments:
    recipe = read_recipe(RECIPES / f"{name}.yaml")
    assert recipe["task"] == "image-classification"
    run_from_recipe(recipe, output="unused")
    return from_mapping(ImageClassificationArguments, recipe["model"])


# Parameters of the published checkpoints.
@pytest.mark.parametrize(
    ("form", "parameters"), [("fourier", 48_440_627), ("learned", 62_255_848), ("conv", 48_646_522)]
)
def test_the_papers_recipe_has_the_size_of_the_published_model(form: str, parameters: int) -> None:
    chosen = replace(recipe_arguments("paper/image-classification"), **FORMS[form])
    with torch.device("meta"):
        model = build_classifier(chosen, tuple(f"class {index}" for index in range(1_000)))
    assert model.num_parameters() == parameters
    config = model.config
    assert (config.num_blocks, config.num_self_attends_per_block) == (8, 6)
    if form == "conv":
        assert tuple(config.stem_max_resolution) == (56, 56)
    if form == "fourier":
        assert (config.fourier_num_bands, tuple(config.fourier_max_resolution)) == (64, (224, 224))


def test_the_first_perceivers_recipe_has_its_parameters() -> None:
    chosen = recipe_arguments("paper/image-classification-first-perceiver")
    with torch.device("meta"):
        model = build_classifier(chosen, tuple(f"class {index}" for index in range(1_000)))
    # Worked out in tests/models/test_first_perceiver.py.
    assert model.num_parameters() == 44_912_254
    assert list(model.perceiver.encoder.cross_attend_places) == [0, 6, 12, 18, 24, 30, 36, 42]


def test_the_papers_training_is_that_of_the_paper() -> None:
    run = run_from_recipe(read_recipe(RECIPES / "paper" / "image-classification.yaml"), output="unused")
    # 32 pictures on each of 32 processes are batches of 1,024.
    assert (run.training.epochs, run.training.batch_size, run.training.max_gradient_norm) == (110, 32, 10.0)
    optimization = run.optimization
    assert (optimization.optimizer, optimization.learning_rate, optimization.weight_decay) == (
        "lamb",
        2e-3,
        0.1,
    )
    # 55 of the 110 epochs.
    assert (optimization.warmup_steps, optimization.constant_fraction) == (0, 0.5)


@pytest.mark.parametrize("form", FORMS)
def test_the_papers_recipe_takes_a_step_with_all_its_augmentation(form: str) -> None:
    small = {
        "num_latents": 5,
        "latent_channels": 16,
        "num_blocks": 2,
        "num_layers": 2,
        "image_height": 32,
        "image_width": 32,
    }
    chosen = replace(recipe_arguments("paper/image-classification"), **small, **FORMS[form])
    task = ImageClassification(chosen)
    names = tuple(f"class {index}" for index in range(7))
    inputs = (Input("image", ("image",), ImageKind(chosen)),)
    task.columns = Columns(inputs, {"label": OneClass("label", names=names)})
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 255, (4, 50, 40, 3), dtype=np.uint8)
    samples = [Sample((Picture(Image.fromarray(each)),), (index,)) for index, each in enumerate(pixels)]
    parts = task.build(Splits(samples, (), (), names))  # type: ignore[arg-type]
    varied = [task.vary(sample, np.random.default_rng(0)) for sample in samples]
    assert {sample.values[0].image.size for sample in varied} == {(32, 32)}
    batch = task.augment(task.collate(parts.processor, varied))
    assert batch["labels"]["label"].shape == (4, 7)
    step = task.step(parts.model.train(), batch)
    step.loss.backward()
    assert all(parameter.grad is not None for parameter in parts.model.parameters())
    assert task.collate(parts.processor, samples)["inputs"]["image"].shape == (4, 3, 32, 32)


@pytest.mark.parametrize("name", ["digits", "mnist", "fashion_mnist"])
def test_recipes_of_minutes_build_models_for_minutes(name: str) -> None:
    model = build_classifier(recipe_arguments(name), tuple("0123456789"))
    assert 5e4 < model.num_parameters() < 1e6
