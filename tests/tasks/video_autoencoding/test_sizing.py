"""Clips, network and loop of video-autoencoding where nothing is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.arguments import DataArguments, RunArguments, StartArguments, TrainingArguments
from perceivers.arguments.advice import Advice
from perceivers.arguments.open import is_complete
from perceivers.kinds.image.sizing import Looks
from perceivers.kinds.video.sizing import Films
from perceivers.tasks.video_autoencoding.options import VideoAutoencodingArguments
from perceivers.tasks.video_autoencoding.sizing import clip_options, network_and_loop
from perceivers.tasks.video_autoencoding.task import VideoAutoencoding
from tiny_films import moving_square, tone, write_film


def films(rate: float | None = 30.0, height: int = 270, width: int = 480) -> Films:
    looks = Looks(sizes=[(height, width)], grey=False, photographs=True)
    return Films(seconds=[7.0], rate=rate, looks=looks, has_sound=True)


def chosen(
    data: Path, start: str | None = None, steps: int | None = None, **options: Any
) -> tuple[VideoAutoencoding, Advice, list[int]]:
    run = RunArguments(
        output="anywhere",
        data=DataArguments(data=str(data)),
        start=StartArguments(start=start),
        training=TrainingArguments(steps=steps),
    )
    task = VideoAutoencoding(VideoAutoencodingArguments(**options))
    task.prepare(run)
    splits = task.load_data(run.data)
    return task, task.advise(splits, run), [len(splits.train), len(splits.validation), len(splits.test)]


@pytest.fixture
def lone_film(tmp_path: Path) -> Path:
    """One film of 5 s, 24 x 32 pixels at 20 Hz."""
    frames = np.repeat(moving_square(14), 8, axis=0)[:100]
    write_film(tmp_path / "a.mp4", frames=frames, waveform=tone(40_000, 150), frame_rate=20)
    return tmp_path


def test_pictures_have_the_shape_of_the_films_in_whole_patches_and_about_a_thousand_pixels() -> None:
    for height, width, found in ((270, 480, (24, 44)), (480, 270, (44, 24)), (99, 101, (32, 32))):
        options = clip_options(films(height=height, width=width), {})
        assert (options["height"], options["width"]) == found
    # A picture that is far wider than high is cut.
    assert clip_options(films(height=10, width=1_000), {})["height"] == 16


@pytest.mark.parametrize(
    ("rate", "kept", "a_frame", "a_token"),
    [
        (30.0, 25.0, 80, 80),
        (25.0, 25.0, 80, 80),
        (23.976, 20.0, 100, 80),
        (15.0, 12.5, 160, 80),
        (16.0, 16.0, 125, 50),
        (0.5, 1.0, 2_000, 80),
        (None, 25.0, 80, 80),
    ],
)
def test_clips_have_the_highest_rate_that_the_films_have_and_the_sound_a_whole_number_of_samples(
    rate: float | None, kept: float, a_frame: int, a_token: int
) -> None:
    options = clip_options(films(rate=rate), {})
    assert (options["frame_rate"], options["audio_samples_per_frame"]) == (kept, a_frame)
    assert kept * a_frame == 2_000
    assert options["audio_samples_per_patch"] == a_token
    assert 8 * a_frame % a_token == 0
    VideoAutoencodingArguments(**options)


def test_the_loop_has_as_many_steps_whatever_the_number_of_clips_and_looks_now_and_then() -> None:
    few, many = network_and_loop(11), network_and_loop(17_600)
    assert (few.epochs, few.watch_every) == (2_200, 110)
    assert (many.epochs, many.watch_every) == (2, 2_200)
    assert (few.num_latents, few.latent_channels, few.num_layers) == (128, 64, 4)


def test_one_film_is_divided_in_time_and_the_plan_says_what_is_seen_and_heard(lone_film: Path) -> None:
    task, advice, parts = chosen(lone_film)
    own = task.arguments
    assert is_complete(own)
    assert (own.split_by, own.frame_rate, own.height, own.width) == ("time", 20.0, 28, 36)
    assert (own.normalize_sound, own.audio_weight, own.video_weight) == (True, 8.0, 1.0)
    assert parts == [9, 1, 2]
    assert (advice.epochs, advice.batch_size, advice.learning_rate) == (2_200, 8, 2e-3)
    assert task.sees() == ["8 pictures of 28 x 36 pixels, 20 a second, and their sound at 2,000 Hz"]


def test_what_is_given_goes_first_and_the_rest_fits_it(lone_film: Path) -> None:
    task, advice, _ = chosen(lone_film, latent_channels=256, audio_weight=3.0, steps=440)
    own = task.arguments
    assert (own.latent_channels, own.audio_weight, own.width) == (256, 3.0, 36)
    assert advice.learning_rate == 1e-3
    assert advice.warmup_steps == 20
    # Whole patches of 8, whole samples a second, as many frames and samples a token as divide the clip.
    task, _, _ = chosen(lone_film, video_patch_size=8, frame_rate=16.0, num_frames=3)
    own = task.arguments
    assert (own.height, own.width, own.audio_samples_per_frame) == (24, 40, 125)
    assert (own.video_frames_per_patch, own.audio_samples_per_patch) == (3, 75)


def test_usual_values_the_papers_and_those_beside_a_checkpoint_are_not_chosen_from_the_films(
    lone_film: Path,
) -> None:
    usual = VideoAutoencodingArguments(size="usual")
    for task, advice, _ in (
        chosen(lone_film, size="usual", split_by="time"),
        chosen(lone_film, start="a-checkpoint", split_by="time"),
    ):
        assert (task.arguments.width, task.arguments.audio_weight) == (usual.width, usual.audio_weight)
        assert advice == Advice()
    paper, _, _ = chosen(lone_film, size="paper", split_by="time", num_frames=4)
    assert (paper.arguments.height, paper.arguments.num_latents) == (224, 784)


def test_three_films_are_held_out_as_wholes(tmp_path: Path) -> None:
    for index in range(3):
        frames = np.repeat(moving_square(14), 3, axis=0)
        write_film(tmp_path / f"{index}.mp4", frames=frames, waveform=tone(42 * 400, 150), frame_rate=20)
    task, _, parts = chosen(tmp_path)
    assert task.arguments.split_by == "films"
    assert parts[2] == 5
