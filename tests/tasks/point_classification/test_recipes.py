"""The first Perceiver's recipe of point sets builds at full size, and takes a step at small size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from perceivers.arguments import DataArguments, from_mapping, read_recipe, run_from_recipe
from perceivers.tasks.point_classification.options import PointClassificationArguments
from perceivers.tasks.point_classification.task import PointClassification

RECIPES = Path(__file__).parents[3] / "recipes"


def recipe_arguments(name: str) -> PointClassificationArguments:
    recipe = read_recipe(RECIPES / f"{name}.yaml")
    assert recipe["task"] == "point-classification"
    run_from_recipe(recipe, output="unused")
    return from_mapping(PointClassificationArguments, recipe["model"])


def surfaces(folder: Path, classes: int) -> DataArguments:
    """Class folders, each with four surfaces."""
    for name in range(classes):
        (folder / f"{name}").mkdir()
        for index in range(4):
            (folder / f"{name}" / f"{index}.off").write_text(
                f"OFF\n4 4 0\n0 0 0\n{name + 1} 0 0\n0 1 0\n0 0 {index + 1}\n"
                "3 0 1 2\n3 0 1 3\n3 0 2 3\n3 1 2 3\n"
            )
    return DataArguments(data=str(folder))


def test_the_papers_recipe_builds_at_full_size(tmp_path: Path) -> None:
    task = PointClassification(recipe_arguments("paper/point-classification"))
    splits = task.load_data(surfaces(tmp_path, 40))
    with torch.device("meta"):
        parts = task.build(splits)
    config = parts.model.config
    assert (config.num_blocks, config.num_self_attends_per_block) == (2, 6)
    assert list(parts.model.perceiver.encoder.cross_attend_places) == [0, 6]
    assert config.mean_of_latents
    assert len(config.answers["label"]["id2label"]) == 40
    # 64 sines and 64 cosines of each coordinate, and the coordinates.
    assert parts.model.get_submodule("perceiver.input_preprocessor").num_channels == 3 * (2 * 64 + 1)
    # Six layers of 4 maps for attention and 2 for the perceptron, 1,024 x 1,024 each, are 38 million.
    assert 40e6 < parts.model.num_parameters() < 50e6
    run = run_from_recipe(read_recipe(RECIPES / "paper" / "point-classification.yaml"), output="unused")
    assert (run.optimization.optimizer, run.optimization.learning_rate) == ("lamb", 1e-3)
    assert run.optimization.constant_fraction == 1.0


def test_the_papers_recipe_takes_a_step(tmp_path: Path) -> None:
    small = {"num_latents": 5, "latent_channels": 16, "num_layers": 2}
    task = PointClassification(replace(recipe_arguments("paper/point-classification"), **small))
    splits = task.load_data(surfaces(tmp_path, 2))
    parts = task.build(splits)
    varied = [task.vary(splits.train[index], np.random.default_rng(index)) for index in range(2)]
    batch = task.collate(parts.processor, varied)
    points = batch["inputs"]["points"]
    assert points.shape == (2, 2_000, 3)
    assert points.abs().max() <= 1.0
    step = task.step(parts.model.train(), batch)
    step.loss.backward()
    assert all(parameter.grad is not None for parameter in parts.model.parameters())


def test_the_digits_recipe_takes_a_step_on_its_data() -> None:
    task = PointClassification(recipe_arguments("digits_as_points"))
    splits = task.load_data(DataArguments(data="digits", unreadable="trust"))
    parts = task.build(splits)
    samples = [task.vary(splits.train[index], np.random.default_rng(index)) for index in range(3)]
    batch = task.collate(parts.processor, samples)
    assert batch["attention_mask"]["points"].shape == batch["inputs"]["points"].shape[:2]
    assert float(task.step(parts.model.train(), batch).loss.detach()) > 0.0
