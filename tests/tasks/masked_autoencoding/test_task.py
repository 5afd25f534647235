"""Masked autoencoding end to end at tiny size: a run, its pictures, an evaluation, a prediction; and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from perceivers import ConfigurationError, DataError
from perceivers.arguments import (
    DataArguments,
    OptimizationArguments,
    RunArguments,
    TrainingArguments,
    from_mapping,
    read_recipe,
)
from perceivers.data.splits import Splits
from perceivers.kinds.video.films import Stretch
from perceivers.metrics.signal_to_noise import decibels
from perceivers.predictor import load
from perceivers.tasks.base import Unreadable
from perceivers.tasks.masked_autoencoding.answers import points_of
from perceivers.tasks.masked_autoencoding.options import NETWORKS, MaskedAutoencodingArguments
from perceivers.tasks.masked_autoencoding.task import MaskedAutoencoding, as_points
from perceivers.tasks.registry import load_run
from perceivers.training.evaluation import evaluate
from perceivers.training.prediction import predict
from perceivers.training.run import train
from tiny_films import moving_square, tone, write_film

RECIPE = Path(__file__).parents[3] / "recipes" / "masked_autoencoding.yaml"
CLIP = {"num_frames": 2, "height": 6, "width": 8, "audio_samples_per_frame": 48}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    for index in range(5):
        frames = moving_square(5, downwards=index % 2 == 0)
        write_film(folder / f"{index}.mkv", frames=frames, waveform=tone(150 + 50 * index, 0.5))
    return folder


@pytest.fixture(scope="module")
def finished(films: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("runs") / "run"
    run = RunArguments(
        output=str(output),
        data=DataArguments(data=str(films), test_fraction=0.4),
        training=TrainingArguments(steps=2, batch_size=2, workers=0, device="cpu"),
        optimization=OptimizationArguments(learning_rate=0.01),
        quiet=True,
    )
    train(MaskedAutoencoding(MaskedAutoencodingArguments(**CLIP)), run)
    return output


def test_a_film_that_cannot_be_read_is_an_error_in_its_place_and_what_is_hidden_is_found_once(
    finished: Path, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    pattern = MaskedAutoencoding._pattern
    monkeypatch.setattr(
        MaskedAutoencoding, "_pattern", lambda task, model: found.append(model) or pattern(task, model)
    )
    answers = load(finished, device="cpu")([films / "0.mkv", "absent.mkv", None, str(films / "1.mkv")])
    assert [isinstance(each, DataError) for each in answers] == [False, True, True, False]
    assert "absent.mkv" in str(answers[1])
    assert len(found) == 1
    expected = predict(finished, [films / "0.mkv", films / "1.mkv"], device="cpu")
    assert [answers[0], answers[3]] == [each.values for each in expected]


def test_a_run_is_measured_beside_simple_guesses(finished: Path) -> None:
    test = json.loads((finished / "results.json").read_text())["test"]
    assert set(test) == {
        "video_psnr",
        "video_psnr_of_visible_mean",
        "video_psnr_of_nearest_visible",
        "audio_psnr",
        "audio_snr",
        "audio_snr_of_nearest_visible",
        "neighbours_found",
        "loss",
    }
    assert all(np.isfinite(value) for value in test.values())
    assert (finished / "positions.png").stat().st_size > 0


def test_the_same_is_hidden_whatever_batch_a_clip_is_in(finished: Path, tmp_path: Path) -> None:
    trained = json.loads((finished / "results.json").read_text())["test"]
    again = evaluate(finished, batch_size=1, output=tmp_path)["metrics"]
    # The loss is a mean over batches, and all clips are as long.
    assert again == pytest.approx(trained, rel=1e-4)


def test_a_film_is_shown_beside_what_is_said_of_it(finished: Path, films: Path, tmp_path: Path) -> None:
    predict(finished, [str(films / "1.mkv")], output=tmp_path)
    (picture,) = tmp_path.glob("*1.png")
    assert picture.stat().st_size > 0


def test_what_is_said_of_a_film_is_what_clips_are_measured_by(finished: Path, films: Path) -> None:
    task, parts, _ = load_run(finished)
    (prediction,) = task.predict(parts, [str(films / "3.mkv")])
    # Of five frames, the clip of two in the middle begins at the second one.
    assert prediction.values["second"] == 0.1
    film = parts.processor.survey(str(films / "3.mkv"))
    batch = task.collate(parts.processor, [Stretch(film, 0, 5, 1)])
    with torch.no_grad():
        measured = task.step(parts.model.eval(), batch).measured
    names = {
        "video_psnr": "video_error",
        "video_psnr_of_nearest_visible": "video_error_of_nearest",
        "audio_psnr": "audio_error",
    }
    for name, error in names.items():
        assert prediction.values[name] == pytest.approx(float(decibels(1.0, measured[error])), abs=1e-5)


def test_a_film_without_sound_or_pictures_is_unreadable_as_in_training(
    finished: Path, films: Path, tmp_path: Path
) -> None:
    silent, blind = tmp_path / "silent.mkv", tmp_path / "blind.mkv"
    write_film(silent, frames=moving_square(5))
    write_film(blind, waveform=tone(4000, 150))
    task, parts, _ = load_run(finished)
    left_out: list[Unreadable] = []
    answered = task.predict(parts, [str(silent), str(films / "3.mkv"), str(blind)], left_out)
    assert [each.source for each in answered] == [str(films / "3.mkv")]
    assert [each.reason for each in left_out] == [
        f"`{silent}` must have sound, received a film without sound",
        f"`{blind}` must have pictures, received a film without pictures",
    ]
    with pytest.raises(DataError, match="must have pictures, received a film without pictures"):
        task.load_data(DataArguments(data=str(tmp_path)))


def test_arrays_and_tensors_are_the_same_points() -> None:
    generator = np.random.default_rng(0)
    batch = {
        name: generator.random(shape, np.float32)
        for name, shape in (("image", (2, 3, 3, 5, 7)), ("audio", (2, 11, 1)))
    }
    expected = as_points({name: torch.from_numpy(values) for name, values in batch.items()})
    for name, values in points_of(batch).items():
        assert np.array_equal(values, expected[name].numpy())


def test_pixels_come_frame_by_frame_and_row_by_row() -> None:
    image = torch.arange(2 * 3 * 2 * 2).reshape(1, 2, 3, 2, 2) / 24
    points = as_points({"image": image, "audio": torch.zeros(1, 4, 1)})["image"]
    assert points.shape == (1, 8, 3)
    # Frame 1, row 0, column 1: channel c of frame 1 begins at 12 + 4 c.
    expected = torch.tensor([13.0, 17.0, 21.0]) / 12 - 1
    assert torch.allclose(points[0, 5], expected)


def test_positions_that_are_not_learned_stay_as_they_were(finished: Path) -> None:
    task = MaskedAutoencoding(MaskedAutoencodingArguments(**CLIP, learn_positions=False))
    model = task.build(Splits([], [], [])).model.train()
    batch = {"image": torch.rand(2, 2, 3, 6, 8), "audio": torch.rand(2, 96, 1)}
    task.step(model, batch).loss.backward()
    frozen = {name for name, parameter in model.named_parameters() if parameter.grad is None}
    assert frozen == {"positions.image.weight", "positions.audio.weight"}


def test_groups_may_be_dropped_as_a_whole() -> None:
    task = MaskedAutoencoding(MaskedAutoencodingArguments(**CLIP, hidden=0.0, hidden_groups=0.5))
    model = task.build(Splits([], [], [])).model.eval()
    visible = task._visible(model, 3, torch.Generator().manual_seed(0))
    assert list(visible) == ["visible_groups"]
    assert visible["visible_groups"].sum(dim=1).tolist() == [4, 4, 4]


def test_a_run_is_loaded_with_its_task(finished: Path) -> None:
    task, parts, _ = load_run(finished)
    assert task.name == "masked-autoencoding"
    assert parts.model.num_parameters() > 0


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_can_be_asked_for(network: str) -> None:
    chosen = MaskedAutoencodingArguments(network=network, embedding_channels=8)
    hierarchy = chosen.hierarchy()
    assert hierarchy.embedding_channels == 8
    assert [(each.name, each.points) for each in hierarchy.inputs] == [("image", 1024), ("audio", 1024)]


def test_the_recipe_is_read() -> None:
    recipe = read_recipe(RECIPE)
    assert recipe["task"] == "masked-autoencoding"
    assert from_mapping(MaskedAutoencodingArguments, recipe["model"]).hidden == 0.85


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden": 1.0}, r"`hidden` must be in \[0, 1\), received 1.0"),
        ({"hidden": 0.0}, "`hidden` or `hidden_groups` must be above 0"),
        ({"network": "17"}, "`network` must be one of tiny, mini, 16, 256, 16x3, received '17'"),
        ({"frame_rate": 10.1}, "`frame_rate times audio_samples_per_frame` must be a whole number of Hz"),
        ({"embedding_channels": 0}, "`embedding_channels` must be at least 1, received 0"),
    ],
)
def test_wrong_options_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        MaskedAutoencodingArguments(**changes)


def test_a_checkpoint_of_other_clips_is_refused() -> None:
    start = MaskedAutoencoding(MaskedAutoencodingArguments(**CLIP)).build(Splits([], [], [])).model.config
    with pytest.raises(ConfigurationError, match=r"`num_frames`, .* must give the points of the checkpoint"):
        MaskedAutoencoding(MaskedAutoencodingArguments()).build(Splits([], [], []), start)
