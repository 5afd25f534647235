"""Made pairs, network and loop of optical-flow where nothing is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from perceivers.arguments import DataArguments, RunArguments, StartArguments, TrainingArguments
from perceivers.arguments.advice import Advice
from perceivers.arguments.open import is_complete
from perceivers.tasks.optical_flow.options import OpticalFlowArguments
from perceivers.tasks.optical_flow.sizing import network_and_loop
from perceivers.tasks.optical_flow.task import OpticalFlow


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for index in range(7):
        pixels = np.random.default_rng(index).integers(0, 256, (37, 41, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    return tmp_path


def chosen(
    data: Path, start: str | None = None, epochs: int | None = None, **options: Any
) -> tuple[OpticalFlow, Advice]:
    run = RunArguments(
        output="anywhere",
        data=DataArguments(data=str(data)),
        start=StartArguments(start=start),
        training=TrainingArguments(epochs=epochs),
    )
    task = OpticalFlow(OpticalFlowArguments(**options))
    task.prepare(run)
    return task, task.advise(task.load_data(run.data), run)


def test_pictures_have_small_windows_a_pyramid_and_pairs_that_grow(pictures: Path) -> None:
    task, advice = chosen(pictures)
    own = task.arguments
    assert (own.train_height, own.train_width, own.pyramid_levels) == (16, 24, 5)
    assert (own.max_motion, own.growing_share, own.plain_share) == (4.0, 0.3, 0.5)
    assert (own.num_latents, own.latent_channels, own.num_layers) == (48, 128, 2)
    assert (advice.epochs, advice.batch_size, advice.warmup_steps) == (10, 8, 100)
    assert task.sees() == ["16 x 24 pixels of two frames at a time, 5 sizes of each frame"]
    assert is_complete(own)


def test_what_is_given_goes_first_and_the_rest_fits_it(pictures: Path) -> None:
    task, advice = chosen(pictures, latent_channels=256, max_motion=2.0, pairs_per_epoch=400)
    own = task.arguments
    assert (own.latent_channels, own.qk_channels, own.max_motion) == (256, 256, 2.0)
    # Four times as many passes of a quarter of the pairs; wider networks learn with smaller steps.
    assert (advice.epochs, advice.warmup_steps, advice.learning_rate) == (40, 100, 5e-4)
    _, shorter = chosen(pictures, epochs=5)
    assert shorter.warmup_steps == 50


def test_usual_values_the_papers_and_those_beside_a_checkpoint_are_not_chosen_from_the_data(
    pictures: Path,
) -> None:
    usual = OpticalFlowArguments(size="usual")
    for task, advice in (chosen(pictures, size="usual"), chosen(pictures, start="a-checkpoint")):
        assert (task.arguments.max_motion, task.arguments.train_width) == (usual.max_motion, 32)
        assert advice == Advice()
    paper, _ = chosen(pictures, size="paper")
    assert (paper.arguments.train_height, paper.arguments.pyramid_levels) == (368, 1)


def test_pairs_with_true_flow_have_the_usual_values(tmp_path: Path) -> None:
    for index in range(5):
        frame = np.random.default_rng(index).integers(0, 256, (37, 41, 3), dtype=np.uint8)
        Image.fromarray(frame).save(tmp_path / f"{index}.png")
        header = b"PIEH" + np.asarray([41, 37], "<i4").tobytes()
        (tmp_path / f"{index}.flo").write_bytes(header + bytes(37 * 41 * 8))
    rows = "\n".join(f"{index}.png,{index}.png,{index}.flo" for index in range(5))
    (tmp_path / "pairs.csv").write_text(f"first,second,flow\n{rows}\n")
    task, advice = chosen(tmp_path / "pairs.csv")
    assert (task.arguments.train_width, task.arguments.pyramid_levels, task.arguments.num_latents) == (
        32,
        1,
        64,
    )
    assert advice == Advice()


def test_few_pairs_a_pass_are_made_in_more_passes() -> None:
    assert [network_and_loop(count).epochs for count in (100, 1_600, 10**6)] == [160, 10, 1]
