"""The paper's full-size recipe of optical flow is the released model, and takes a step; the small one is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from perceivers.arguments import from_mapping, read_recipe, run_from_recipe
from perceivers.arguments.optical_flow import OpticalFlowArguments
from perceivers.data.draws import generator_of
from perceivers.data.flow_pictures import PicturePool
from perceivers.data.splits import Splits
from perceivers.tasks.optical_flow import OpticalFlow

RECIPES = Path(__file__).parents[2] / "recipes"
EMPTY = Splits([], [], [])


def recipe_arguments(name: str) -> OpticalFlowArguments:
    recipe = read_recipe(RECIPES / name)
    assert recipe["task"] == "optical-flow"
    run_from_recipe(recipe, output="unused")
    return from_mapping(OpticalFlowArguments, recipe["model"])


def take_a_step(chosen: OpticalFlowArguments) -> None:
    task = OpticalFlow(chosen)
    parts = task.build(EMPTY)
    task.begin_pass(0, 2)
    picture = np.random.default_rng(0).integers(0, 256, (400, 530, 3), dtype=np.uint8)
    samples = task.vary(PicturePool([picture]), generator_of(0, 1, 0, 0))
    step = task.step(parts.model.train(), task.collate(parts.processor, [samples]))
    step.loss.backward()
    assert torch.isfinite(step.loss)
    assert all(parameter.grad is not None for parameter in parts.model.parameters())


def test_the_papers_recipe_has_the_released_models_weights_and_frames():
    with torch.device("meta"):
        parts = OpticalFlow(recipe_arguments("paper/optical-flow.yaml")).build(EMPTY)
    # deepmind/optical-flow-perceiver.
    assert sum(parameter.numel() for parameter in parts.model.parameters()) == 41_057_134
    assert parts.model.config.train_size == (368, 496)
    assert (parts.processor.patch_size, parts.processor.flow_scale) == (3, 20.0)
    assert parts.processor.contrast_window == 0


def test_the_papers_recipe_takes_a_step_with_smaller_frames():
    chosen = recipe_arguments("paper/optical-flow.yaml")
    take_a_step(
        replace(chosen, train_height=24, train_width=32, num_latents=7, num_layers=1, latent_channels=64)
    )


@pytest.mark.slow
def test_the_papers_recipe_takes_a_step_at_full_size():
    take_a_step(recipe_arguments("paper/optical-flow.yaml"))


def test_the_small_recipe_takes_a_step_and_is_trained_on_pictures_alone():
    assert read_recipe(RECIPES / "optical_flow.yaml")["data"] == {"data": "natural-images"}
    take_a_step(recipe_arguments("optical_flow.yaml"))
