"""The paper's full-size recipe of optical flow is the released model, and takes a step; the small one and what it beats."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from perceivers.arguments import from_mapping, read_recipe, run_from_recipe
from perceivers.data.draws import generator_of
from perceivers.data.splits import Splits
from perceivers.tasks.optical_flow.augmentation import FlowSample
from perceivers.tasks.optical_flow.options import OpticalFlowArguments
from perceivers.tasks.optical_flow.pictures import PicturePool
from perceivers.tasks.optical_flow.task import OpticalFlow

RECIPES = Path(__file__).parents[3] / "recipes"
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


def all_recipes(monkeypatch):
    monkeypatch.syspath_prepend(str(RECIPES.parent / "benchmarks"))
    # What it imports stands beside it.
    monkeypatch.syspath_prepend(RECIPES)
    specification = importlib.util.spec_from_file_location("all_recipes", RECIPES / "run.py")
    recipes = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "all_recipes", recipes)
    specification.loader.exec_module(recipes)
    return recipes


def test_a_record_with_the_former_name_of_a_figure_is_judged_as_the_others(monkeypatch):
    recipes = all_recipes(monkeypatch)
    for name in ("epe_of_zero_flow", "relative_epe"):
        metrics = recipes.present_names({"epe": 2.0, name: 0.4})
        assert metrics == {"epe": 2.0, "relative_epe": 0.4}
        outcome = recipes.Outcome("optical_flow", {"test": metrics})
        assert all(recipes.reached(outcome, aim) for aim in recipes.AIMS["optical_flow"])


def test_a_run_is_written_beside_its_trivial_answer(monkeypatch):
    recipes = all_recipes(monkeypatch)
    beside = {"part": "test", "method": "TV-L1", "TV-L1": {"epe": 0.5}}
    flow = {**beside, "trivial": "no motion", "no motion": {"epe": 2.0}}
    assert recipes.beside_the_run({"beside": flow}) == [
        ("TV-L1, test", "epe 0.5"),
        ("no motion, test", "epe 2"),
    ]
    others = {**beside, "majority": {"epe": 3.0}}
    assert recipes.beside_the_run({"beside": others})[1] == ("majority, test", "epe 3")
    assert recipes.beside_the_run({}) == []


def test_what_it_is_compared_with_is_measured_in_the_same_way(monkeypatch, capsys):
    pytest.importorskip("skimage")
    specification = importlib.util.spec_from_file_location(
        "flow_baselines", RECIPES / "baselines" / "optical_flow.py"
    )
    baselines = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(baselines)
    # Waves that move by 1 pixel to the right and 2 down.
    rows, columns = np.mgrid[:48, :64]
    first, second = (
        np.repeat(0.5 + 0.25 * (np.sin(x / 4) + np.cos(y / 5))[..., None], 3, axis=-1).astype(np.float32)
        for x, y in ((columns, rows), (columns - 1, rows - 2))
    )
    flow = np.tile(np.float32([1.0, 2.0]), (48, 64, 1))
    sample = FlowSample(first, second, flow, np.ones((48, 64), dtype=bool))
    monkeypatch.setattr(baselines, "load_flow_splits", lambda *_, **__: Splits([], [], [sample]))
    monkeypatch.setattr(sys, "argv", ["optical_flow.py", "--data", "waves", "--split", "test"])
    baselines.main()
    zero, other = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    scores = zero["zero flow, waves, test"]
    assert (scores["epe"], scores["relative_epe"]) == (pytest.approx(5**0.5, abs=1e-4), 1.0)
    assert other["TV-L1, waves, test"]["relative_epe"] < 0.3
