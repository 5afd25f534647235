"""The networks that --size names: each is one, and those of the papers are what their recipes have."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from perceivers.arguments.network import SIZES, NetworkArguments
from perceivers.kinds.points.kind import PointsKind
from perceivers.kinds.video.kind import VideoKind
from perceivers.kinds.video.options import VideoOptions
from perceivers.tasks.registry import TASKS, arguments_class
from perceivers.tasks.sizes import NETWORKS, PAPER, begun, values_of_size

RECIPES = Path(__file__).parents[2] / "recipes" / "paper"


@pytest.mark.parametrize(
    "task", [task for task in TASKS if issubclass(arguments_class(task), NetworkArguments)]
)
@pytest.mark.parametrize("size", SIZES)
def test_every_size_is_a_network_of_every_task(task: str, size: str) -> None:
    kind = arguments_class(task)
    arguments = begun(task, kind(size=size), chooses=False)
    values = values_of_size(task, size)
    assert {name: getattr(arguments, name) for name in values} == values
    assert arguments.config_values()["num_latents"] == arguments.num_latents


def test_sizes_grow() -> None:
    counts = [tuple(NETWORKS[size].values()) for size in ("tiny", "small", "base")]
    assert counts == sorted(counts)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_papers_sizes_are_those_of_their_recipes(path: Path) -> None:
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path.stem.endswith(("-mel", "-first-perceiver")):
        pytest.skip("the other form of the same")
    written = {name: tuple(v) if isinstance(v, list) else v for name, v in recipe["model"].items()}
    ours = PAPER[recipe["task"]]
    assert {name: ours[name] for name in ours if name in written} == {
        name: value for name, value in written.items() if name in ours
    }


def test_what_is_given_goes_before_the_size() -> None:
    kind = arguments_class("fill-mask")
    arguments = begun("fill-mask", kind(size="tiny", num_layers=5), chooses=False)
    assert (arguments.num_layers, arguments.num_latents, arguments.max_length) == (5, 16, 256)


def test_nothing_of_the_papers_points_is_left_to_advice() -> None:
    # Advice has stages for neighbourhoods, and changes while training: none of them is the paper's.
    advised = PointsKind.options_class(input_form="neighbourhoods", num_neighbours=5, rotation=12.0, drop=0.1)
    paper = values_of_size("point-classification", "paper")
    left = set(PointsKind.suiting(paper, {entry.name: None for entry in fields(advised)})) - set(paper)
    assert left == {"coordinate_range", "feature_channels", "num_coordinates", "shift"}


def test_nothing_of_the_papers_films_is_left_to_advice() -> None:
    # Advice has stems, what has changed, and changes while training: none of them is the paper's.
    paper = values_of_size("audio-visual-classification", "paper")
    left = set(VideoKind.suiting(paper, {entry.name: None for entry in fields(VideoOptions)})) - set(paper)
    # Maps that nobody gave, and room for films.
    assert left == {"video_patch_channels", "audio_patch_channels", "cache_megabytes"}
