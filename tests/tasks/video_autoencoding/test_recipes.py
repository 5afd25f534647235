"""The paper's full-size recipe of video autoencoding is the released model, and takes a step; the small one is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from perceivers.arguments import from_mapping, read_recipe, run_from_recipe
from perceivers.data.splits import Splits
from perceivers.tasks.video_autoencoding.options import VideoAutoencodingArguments
from perceivers.tasks.video_autoencoding.task import VideoAutoencoding

RECIPES = Path(__file__).parents[3] / "recipes"
CLASSES = tuple(f"class {index}" for index in range(700))


def recipe_arguments(name: str) -> VideoAutoencodingArguments:
    recipe = read_recipe(RECIPES / name)
    assert recipe["task"] == "video-autoencoding"
    run_from_recipe(recipe, output="unused")
    return from_mapping(VideoAutoencodingArguments, recipe["model"])


def take_a_step(chosen: VideoAutoencodingArguments) -> None:
    task = VideoAutoencoding(chosen)
    model = task.build(Splits([], [], [], CLASSES)).model.train()
    batch = {
        "image": torch.rand(1, chosen.num_frames, 3, chosen.height, chosen.width),
        "audio": torch.rand(1, chosen.num_frames * chosen.audio_samples_per_frame, 1) - 0.5,
        "label": torch.tensor([3]),
    }
    task.step(model, batch).loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_the_papers_recipe_has_the_released_models_weights_and_clips():
    task = VideoAutoencoding(recipe_arguments("paper/video-autoencoding.yaml"))
    with torch.device("meta"):
        parts = task.build(Splits([], [], [], CLASSES))
    # deepmind/multimodal-perceiver.
    assert sum(parameter.numel() for parameter in parts.model.parameters()) == 19_858_855
    assert parts.model.config.loss_weights == {"audio": 1.0, "image": 0.03, "label": 1e-4}
    assert (parts.processor.sampling_rate, parts.processor.num_samples) == (48_000, 30_720)


def test_the_papers_recipe_takes_a_step_with_smaller_pictures():
    take_a_step(
        replace(recipe_arguments("paper/video-autoencoding.yaml"), height=16, width=16, num_latents=7)
    )


@pytest.mark.slow
def test_the_papers_recipe_takes_a_step_at_full_size():
    take_a_step(recipe_arguments("paper/video-autoencoding.yaml"))


def test_the_small_recipe_holds_out_the_last_part_of_the_film():
    chosen = recipe_arguments("video_autoencoding.yaml")
    assert chosen.split_by == "time"
    assert read_recipe(RECIPES / "video_autoencoding.yaml")["data"] == {"data": "big-buck-bunny"}
