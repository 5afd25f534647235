"""The paper's full-size recipes of sound build, and take a step once their sizes are cut down."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from perceivers.answers.several_labels import SeveralLabels
from perceivers.arguments import from_mapping, read_recipe, run_from_recipe
from perceivers.kinds.sound.kind import SoundKind
from perceivers.kinds.sound.value import Sound
from perceivers.tasks.audio_classification.options import AudioClassificationArguments
from perceivers.tasks.audio_classification.task import MODALITY, AudioClassification
from perceivers.tasks.base import Parts
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input, Sample

RECIPES = Path(__file__).parents[3] / "recipes"
PAPER = sorted((RECIPES / "paper").glob("audio-classification*.yaml"))
LABELS = tuple(f"label {index}" for index in range(527))


def recipe_arguments(path: Path) -> AudioClassificationArguments:
    recipe = read_recipe(path)
    assert recipe["task"] == "audio-classification"
    run_from_recipe(recipe, output="unused")
    return from_mapping(AudioClassificationArguments, recipe["model"])


def columns_of(arguments: AudioClassificationArguments) -> Columns:
    given = Input(MODALITY, ("file",), SoundKind(arguments))
    return Columns((given,), {"label": SeveralLabels("label", names=LABELS)})


def sounds(count: int, seconds: float) -> list[Sample]:
    generator = np.random.default_rng(0)
    waveforms = generator.uniform(-0.5, 0.5, (count, round(seconds * 48_000))).astype(np.float32)
    return [Sample((Sound(w),), ((generator.random(527) < 0.01).astype(np.float32),)) for w in waveforms]


def test_there_is_a_recipe_for_raw_sound_and_one_for_spectrograms() -> None:
    assert [recipe_arguments(path).input_form for path in PAPER] == ["log-mel", "raw"]


@pytest.mark.parametrize("path", PAPER, ids=lambda path: path.stem)
def test_the_papers_recipe_builds_at_full_size(path: Path) -> None:
    task = AudioClassification(recipe_arguments(path))
    with torch.device("meta"):
        model = task.build_model(columns_of(task.arguments), None)
    assert model.config.num_self_attends_per_block == 12
    assert model.config.answers["label"]["type"] == "labels"
    assert task.arguments.clip_samples == 61_440
    assert model.answers["label"].num_outputs == 527
    # 12 layers of 4 maps for attention and 2 for the perceptron, 1,024 x 1,024 each, are 75 million.
    assert 75e6 < sum(parameter.numel() for parameter in model.parameters()) < 95e6


@pytest.mark.parametrize("path", PAPER, ids=lambda path: path.stem)
def test_the_papers_recipe_takes_a_step_and_averages_sixteen_clips(path: Path) -> None:
    small = {"num_latents": 5, "latent_channels": 16, "num_layers": 2}
    task = AudioClassification(replace(recipe_arguments(path), **small))
    samples = sounds(2, seconds=1.5)
    task.columns = columns_of(task.arguments)
    parts = Parts(task.build_model(task.columns, None), task.columns)
    varied = [task.vary(sample, np.random.default_rng(0)) for sample in samples]
    batch = task.collate(parts.processor, varied)
    assert batch["inputs"][MODALITY].shape[0] == 2
    step = task.step(parts.model.train(), batch)
    step.loss.backward()
    assert all(parameter.grad is not None for parameter in parts.model.parameters())
    measured = task.collate(parts.processor, samples)
    assert measured["inputs"][MODALITY].shape[0] == 2 * 16
    with torch.no_grad():
        preds = task.step(parts.model.eval(), measured).measured["label/preds"]
    assert preds.shape == (2, 527)
