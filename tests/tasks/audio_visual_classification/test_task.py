"""Audio-visual classification end to end at tiny size, and its parts against numbers worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from perceivers.answers.one_class import OneClass
from perceivers.answers.several_labels import SeveralLabels
from perceivers.arguments import (
    DataArguments,
    OptimizationArguments,
    RunArguments,
    TrainingArguments,
    from_mapping,
    read_recipe,
    run_from_recipe,
)
from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError
from perceivers.kinds.video.kind import VideoKind
from perceivers.kinds.video.value import FilmClip
from perceivers.predictor import load
from perceivers.tasks.audio_visual_classification.options import AudioVisualClassificationArguments
from perceivers.tasks.audio_visual_classification.task import AudioVisualClassification
from perceivers.tasks.base import Parts
from perceivers.tasks.columns import Columns
from perceivers.tasks.inputs import Input
from perceivers.tasks.registry import load_run
from perceivers.training.evaluation import evaluate
from perceivers.training.prediction import predict
from perceivers.training.run import train
from tiny_films import moving_square, tone, write_film

RECIPES = Path(__file__).parents[3] / "recipes"
TINY: dict[str, Any] = {
    "size": "usual",
    "num_frames": 4,
    "frame_rate": 10.0,
    "height": 8,
    "width": 12,
    "audio_samples_per_frame": 400,
    "num_mel_bins": 5,
    "num_test_clips": 3,
    "num_latents": 5,
    "latent_channels": 8,
    "num_layers": 1,
    "num_heads": 2,
    "video_bands": 2,
    "audio_bands": 3,
}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten films of two classes; one of each class has no sound, one no pictures."""
    folder = tmp_path_factory.mktemp("films")
    for name, frequency in (("right", 150), ("down", 350)):
        for index in range(5):
            write_film(
                folder / name / f"{index}.mkv",
                frames=None if index == 3 else moving_square(9, downwards=name == "down"),
                waveform=None if index == 4 else tone(7200, frequency),
            )
    return folder


def columns_of(chosen: AudioVisualClassificationArguments, names: tuple[str, ...] = ("a", "b")) -> Columns:
    kind = SeveralLabels if chosen.answer == "several-labels" else OneClass
    return Columns((Input("", ("file",), VideoKind(chosen)),), {"label": kind("label", names=names)})


def run_of(task: AudioVisualClassification, data: Path, output: Path) -> dict[str, object]:
    arguments = RunArguments(
        output=str(output),
        data=DataArguments(data=str(data), test_fraction=0.4, validation_fraction=0.34),
        training=TrainingArguments(steps=3, batch_size=3, watch_every=2),
        optimization=OptimizationArguments(learning_rate=1e-3, warmup_steps=1),
    )
    return train(task, arguments)


@pytest.fixture(scope="module")
def run(films: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "classes"
    chosen = AudioVisualClassificationArguments(**TINY, mirror=0.5, shift=0.1, scale=0.1, gain=3.0)
    run_of(AudioVisualClassification(chosen), films, folder)
    return folder


def test_a_run_is_measured_and_evaluated_alike(run):
    results = json.loads((run / "results.json").read_text())
    assert results["samples"] == {"train": 4, "validation": 2, "test": 4}
    assert set(results["test"]) >= {"accuracy", "f1", "loss"}
    assert evaluate(run, batch_size=3, device="cpu")["metrics"] == pytest.approx(results["test"], rel=1e-4)
    assert (run / "confusions.png").is_file()


def test_films_of_which_nothing_is_said_go_through_stems_and_stand_beside_a_simple_method(films, tmp_path):
    data = DataArguments(data=str(films), test_fraction=0.4, validation_fraction=0.34)
    small = AudioVisualClassificationArguments(num_latents=3, latent_channels=8, num_layers=1)
    training = TrainingArguments(steps=2)
    run = RunArguments(output=str(tmp_path / "run"), data=data, training=training, beside="auto")
    results = train(AudioVisualClassification(small), run)
    model = read_recipe(tmp_path / "run" / "arguments.yaml")["model"]
    # 0.9 s at 10 Hz, 24 x 32 pixels, which become squares.
    assert (model["num_frames"], model["frame_rate"], model["height"], model["width"]) == (9, 10.0, 32, 32)
    assert (model["video_form"], model["sound_form"], model["video_motion"]) == ("stem", "stem", True)
    assert "linear on pixels and mel bands" in results["beside"]
    short = write_film(tmp_path / "short.mkv", frames=moving_square(3), waveform=tone(2400, 150))
    [answer] = predict(tmp_path / "run", [str(short)], device="cpu")
    assert answer.values["label"] in ("right", "down")


def test_films_with_one_of_both_are_classified(run, films, tmp_path):
    predictions = predict(run, [films / "right"], tmp_path, device="cpu")
    assert len(predictions) == 5
    for prediction in predictions:
        assert sum(prediction.values["probabilities"].values()) == pytest.approx(1.0)
    assert predictions[3].shown["inputs"][""].picture is None
    assert predictions[4].shown["inputs"][""].sound is None
    assert (tmp_path / "predictions.png").stat().st_size > 10_000


def test_a_film_is_asked_about_by_its_path_its_content_or_a_mapping_as_on_the_hub(run, films):
    path = films / "down" / "1.mkv"
    content = path.read_bytes()
    cells = [str(path), content, {"path": str(path)}, {"bytes": content}, {"bytes": content, "path": None}]
    rows = [{name: cell} for name in ("file", "video") for cell in cells]
    answers = load(run, device="cpu")(cells)
    assert all(isinstance(each, dict) for each in answers), answers
    assert answers == [answers[0]] * len(cells)
    assert (
        load(run, device="cpu")(rows[: len(cells)]) == load(run, device="cpu")(rows[len(cells) :]) == answers
    )


def test_a_prediction_is_the_mean_over_clips_spread_over_the_film(run, films):
    task, parts, _ = load_run(run)
    path = str(films / "down" / "0.mkv")
    (prediction,) = task.predict(parts, [path])
    kind = parts.processor.inputs[0].kind
    film = kind.reader.survey(path)
    each = []
    # Nine frames have room for clips of four from 0 to 5.
    for first in (0, 2, 5):
        given = kind.tensors([FilmClip(film, first)])
        inputs = {name: one.values for name, one in given.items()}
        with torch.no_grad():
            each.append(parts.model.eval()(inputs=inputs).logits["label"].softmax(dim=-1)[0])
    expected = torch.stack(each).mean(dim=0)
    found = [prediction.values["probabilities"][name] for name in ("down", "right")]
    assert found == pytest.approx(expected.tolist(), abs=1e-5)


def test_films_are_answered_one_at_a_time(run, films, tmp_path, monkeypatch):
    counts = []
    tensors = VideoKind.tensors

    def counted(self, values):
        counts.append(len(values))
        return tensors(self, values)

    monkeypatch.setattr(VideoKind, "tensors", counted)
    predict(run, [films / "right"], tmp_path, device="cpu")
    # Three clips of a film to be answered, one to be drawn.
    assert counts == [3, 1] * 5


def test_headers_are_believed_where_rows_are_trusted(films):
    for unreadable, trusts in (("stop", False), ("trust", True)):
        task = AudioVisualClassification(AudioVisualClassificationArguments(**TINY))
        splits = task.load_data(DataArguments(data=str(films), unreadable=unreadable))
        processor = task.build(splits).processor
        assert processor.inputs[0].kind.trusts is trusts
        assert task.load_data(DataArguments(data=str(films), unreadable=unreadable), Parts(None, processor))
        assert task.columns.inputs[0].kind.trusts is trusts


def test_several_labels_come_from_a_table(films, tmp_path):
    rows = [
        f"{films / kind / f'{index}.mkv'},{kind};{'odd' if index % 2 else 'even'}"
        for kind in ("right", "down")
        for index in range(5)
    ]
    table = tmp_path / "films.csv"
    table.write_text("clip,tags\n" + "\n".join(rows) + "\n")
    chosen = AudioVisualClassificationArguments(
        **{**TINY, "num_mel_bins": 64},
        video_column="clip",
        label_column="tags",
        answer="several-labels",
        label_separator=";",
        sound_form="raw",
        samples_per_patch=100,
    )
    task = AudioVisualClassification(chosen)
    results = run_of(task, table, tmp_path / "run")
    assert task.headline == "mean_average_precision"
    assert set(results["test"]) >= {"mean_average_precision", "f1", "loss"}
    _, parts, _ = load_run(tmp_path / "run")
    assert list(parts.model.answers["label"].id2label.values()) == ["down", "even", "odd", "right"]
    (prediction,) = predict(tmp_path / "run", [films / "down" / "1.mkv"], tmp_path / "out", device="cpu")
    assert set(prediction.values["probabilities"]) == {"down", "even", "odd", "right"}


def test_the_video_is_dropped_while_training_only():
    chosen = AudioVisualClassificationArguments(**TINY, video_dropped=0.9)
    model = AudioVisualClassification(chosen).build_model(columns_of(chosen), None)
    inputs = {"audio": torch.randn(64, 41, 5), "image": torch.rand(64, 4, 3, 8, 12)}
    other = {**inputs, "image": torch.rand(64, 4, 3, 8, 12)}
    with torch.no_grad():
        same = (model.train()(inputs).logits["label"] - model(other).logits["label"]).abs().amax(dim=1) < 1e-7
        assert 35 < int(same.sum()) < 64
        same = (model.eval()(inputs).logits["label"] - model(other).logits["label"]).abs().amax(dim=1) < 1e-7
    assert int(same.sum()) == 0


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"height": 10}, "`video_patch_size` must divide"),
        ({"num_frames": 5}, "`video_frames_per_patch` must divide .* received 2 for 5"),
        (
            {"sound_form": "raw", "samples_per_patch": 300},
            "`samples_per_patch` must divide .* received 300 for 1600",
        ),
        ({"frame_rate": 12.55, "audio_samples_per_frame": 33}, "must be a whole number of Hz"),
        ({"answer": "all"}, "`answer` must be one of one-class, several-labels"),
        ({"sound_form": "mp3"}, "`sound_form` must be one of raw, log-mel"),
        ({"label_separator": ""}, "`label_separator` must be one character or more"),
        ({"video_dropped": 1.0}, r"`video_dropped` must be in \[0, 1\)"),
        ({"num_test_clips": 0}, "`num_test_clips` must be at least 1"),
    ],
)
def test_arguments_are_checked(choice, message):
    with pytest.raises(ConfigurationError, match=message):
        AudioVisualClassificationArguments(**{**TINY, **choice})


def test_a_checkpoint_that_sees_otherwise_is_refused():
    task = AudioVisualClassification(AudioVisualClassificationArguments(**TINY))
    with pytest.raises(ConfigurationError, match="must see and hear what the arguments describe"):
        task.build_model(columns_of(task.arguments), PerceiverConfig())


def recipe_task(name: str, **changes) -> AudioVisualClassification:
    recipe = read_recipe(RECIPES / name)
    assert recipe["task"] == "audio-visual-classification"
    run_from_recipe(recipe, output="unused")
    chosen = from_mapping(AudioVisualClassificationArguments, recipe["model"])
    return AudioVisualClassification(replace(chosen, **changes))


def test_the_papers_recipe_builds_at_full_size():
    task = recipe_task("paper/audio-visual-classification.yaml")
    with torch.device("meta"):
        names = tuple(f"label {index}" for index in range(527))
        model = task.build_model(columns_of(task.arguments, names), None)
    assert task.arguments.num_samples == 61_440
    # 12 layers of 4 maps for attention and 2 for the perceptron, 1,024 x 1,024 each, are 75 million.
    assert 75e6 < sum(parameter.numel() for parameter in model.parameters()) < 95e6


def test_the_papers_recipe_takes_a_step_with_smaller_pictures():
    changes = {"num_latents": 5, "latent_channels": 16, "num_layers": 2, "height": 16, "width": 16}
    task = recipe_task("paper/audio-visual-classification.yaml", **changes)
    task.columns = columns_of(task.arguments, ("a", "b", "c"))
    model = task.build_model(task.columns, None).train()
    inputs = {"audio": torch.rand(2, 61_440, 1) - 0.5, "image": torch.rand(2, 32, 3, 16, 16)}
    labels = {"label": torch.tensor([[0.0, 1, 1], [1, 0, 0]])}
    batch = {"inputs": inputs, "attention_mask": {}, "pos": {}, "labels": labels, "views": 1}
    task.step(model, task.augment(batch)).loss.backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_the_small_recipe_builds():
    task = recipe_task("audio_visual_classification.yaml")
    model = task.build_model(columns_of(task.arguments), None)
    assert set(model.config.modalities) == {"audio", "image"}
