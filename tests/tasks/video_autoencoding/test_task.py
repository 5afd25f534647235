"""Video autoencoding end to end at tiny size, and its parts against numbers worked out by hand."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from perceivers.arguments import (
    DataArguments,
    OptimizationArguments,
    RunArguments,
    StartArguments,
    TrainingArguments,
)
from perceivers.arguments.open import completed
from perceivers.configuration import PerceiverConfig
from perceivers.data.splits import Splits
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.asked import Sent
from perceivers.metrics.signal_to_noise import mean_squared_errors
from perceivers.models.multimodal_autoencoding import PerceiverForMultimodalAutoencoding
from perceivers.predictor import load
from perceivers.processors.video.files import read_video
from perceivers.tasks.base import Parts, Prediction
from perceivers.tasks.registry import load_run, load_task
from perceivers.tasks.video_autoencoding.measures import measure_clips, reconstructions
from perceivers.tasks.video_autoencoding.options import VideoAutoencodingArguments
from perceivers.tasks.video_autoencoding.prediction import extremes
from perceivers.tasks.video_autoencoding.task import (
    UNLABELLED,
    VideoAutoencoding,
    _constants,
    hidden_labels,
)
from perceivers.training.evaluation import evaluate
from perceivers.training.prediction import predict
from perceivers.training.run import train
from tiny_films import moving_square, tone, write_film

TINY = {
    "size": "usual",
    "num_frames": 4,
    "frame_rate": 10.0,
    "height": 8,
    "width": 12,
    "audio_samples_per_frame": 80,
    "num_latents": 5,
    "latent_channels": 8,
    "num_layers": 1,
    "num_heads": 2,
    "video_bands": 2,
    "audio_bands": 3,
    "decoder_channels": 11,
    "label_query_channels": 7,
    "training_points": 13,
}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four films that move right with a low tone and four that move down with a high one, 14 frames each."""
    folder = tmp_path_factory.mktemp("films")
    for name, frequency in (("right", 150), ("down", 350)):
        for index in range(4):
            frames = moving_square(14, downwards=name == "down")
            sound = tone(14 * 800, frequency, loudness=0.2 + 0.1 * index)
            write_film(folder / name / f"{index}.mp4", frames=frames, waveform=sound)
    return folder


def run_arguments(data: Path, output: Path, **choices) -> RunArguments:
    return RunArguments(
        output=str(output),
        data=DataArguments(data=str(data), test_fraction=0.25, validation_fraction=0.34),
        training=TrainingArguments(steps=4, batch_size=3, watch_every=2),
        optimization=OptimizationArguments(learning_rate=1e-3, warmup_steps=1),
        **choices,
    )


@pytest.fixture(scope="module")
def run(films: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with classes."""
    folder = tmp_path_factory.mktemp("run") / "labelled"
    chosen = VideoAutoencodingArguments(
        **TINY, label_column="label", mirror=0.5, shift=0.1, scale=0.1, colour=0.1, gain=3.0
    )
    train(VideoAutoencoding(chosen), run_arguments(films, folder))
    return folder


def tiny_parts(task: VideoAutoencoding, class_names: tuple[str, ...] = ()) -> Parts:
    return task.build(Splits([], [], [], class_names))


def tiny_batch(labelled: bool = False) -> dict[str, torch.Tensor]:
    batch = {"image": torch.rand(3, 4, 3, 8, 12), "audio": 0.4 * torch.rand(3, 320, 1) - 0.2}
    return {**batch, "label": torch.tensor([0, 1, 1])} if labelled else batch


def test_a_run_leaves_its_measures(run):
    results = json.loads((run / "results.json").read_text())
    assert results["samples"] == {"train": 12, "validation": 6, "test": 6}
    test = results["test"]
    assert set(test) == {
        "video_psnr",
        "audio_psnr",
        "audio_snr",
        "video_psnr_of_one_colour",
        "audio_psnr_of_silence",
        "compression_ratio",
        "compression_ratio_as_in_the_paper",
        "loss",
        "accuracy",
    }
    assert test["compression_ratio"] == pytest.approx((4 * 8 * 12 * 3 + 320) / 40)
    # A tone of loudness a has a mean square of a² / 2: between 0.2 and 0.5 that is 17 to 9 dB below the peak.
    assert 8.5 < test["audio_psnr_of_silence"] < 17.5
    assert 0.0 <= test["accuracy"] <= 1.0
    assert math.isfinite(test["loss"])


def test_evaluation_by_the_prepared_form_measures_as_training_did(run):
    trained = json.loads((run / "results.json").read_text())["test"]
    again = evaluate(run, batch_size=2, device="cpu")["metrics"]
    assert again == pytest.approx(trained, rel=1e-4)
    assert evaluate(run, split="all", device="cpu")["samples"] == 24


def test_a_prediction_is_a_film_beside_its_reconstruction(run, films, tmp_path):
    (tmp_path / "down").mkdir()
    for name in ("0.mp4", "1.mp4"):
        (tmp_path / "down" / name).symlink_to(films / "down" / name)
    given, tmp_path = [films / "right" / "0.mp4", tmp_path / "down"], tmp_path / "answers"
    predictions = predict(run, given, tmp_path, device="cpu")
    assert len(predictions) == 3
    values = predictions[0].values
    assert values["label"] in ("right", "down")
    assert sum(values["probabilities"].values()) == pytest.approx(1.0)
    assert values["seconds"] == pytest.approx(1.4)
    written = {path.name for path in tmp_path.iterdir()}
    # Two files are called 0.mp4.
    assert {"0.mp4", "0_2.mp4", "1.mp4", "0.png", "0_2.png", "predictions.csv"} <= written
    shown = read_video(tmp_path / "0.mp4")
    # Enlarged 32 times, side by side, with a gap of 4.
    assert tuple(shown.frames.shape) == (14, 256, 2 * 12 * 32 + 4, 3)
    assert shown.frame_rate == 10.0
    assert shown.sampling_rate == 48_000
    assert shown.waveform.shape[1] == pytest.approx(1.4 * 48_000, abs=2100)
    original = read_video(films / "right" / "0.mp4").frames[13].float().mean()
    assert float(shown.frames[13, :, :384].float().mean()) == pytest.approx(float(original), abs=12)
    with Image.open(tmp_path / "0.png") as picture:
        assert picture.width > 800


def test_the_whole_film_is_reconstructed_once(run, films):
    task, parts, _ = load_run(run)
    model = parts.model.prepare()
    (prediction,) = task.predict(parts, [str(films / "right" / "1.mp4")])
    film = parts.processor.survey(str(films / "right" / "1.mp4"))
    errors = []
    # Clips begin at 0, 4 and 8; the last one begins at 10, and only its last two frames are new.
    for first, kept in ((0, slice(0, 4)), (4, slice(0, 4)), (8, slice(0, 4)), (10, slice(2, 4))):
        clip = parts.processor.read(film, first)
        image = torch.from_numpy(clip.frames[None]) / 255
        audio = torch.from_numpy(clip.waveform[None, :, None])
        made = model.reconstruct({"image": image, "audio": audio})["image"].clamp(0, 1)
        errors.append(mean_squared_errors(made[0, kept], image[0, kept]))
    expected = -10 * math.log10(float(torch.cat(errors).mean()))
    assert prediction.values["video_psnr"] == pytest.approx(expected, abs=1e-3)
    assert len(prediction.shown["frames"]) == 8


def test_a_film_without_classes_is_divided_by_time(films, tmp_path):
    chosen = VideoAutoencodingArguments(**TINY, split_by="time", normalize_sound=True)
    arguments = run_arguments(films / "right" / "3.mp4", tmp_path / "run")
    arguments = replace(arguments, data=replace(arguments.data, test_fraction=0.3, validation_fraction=0.4))
    results = train(VideoAutoencoding(chosen), arguments)
    assert results["samples"] == {"train": 1, "validation": 1, "test": 1}
    assert "accuracy" not in results["test"]
    # Brought to a loudest sample of 1 a tone has a mean square of a half, 3 dB; its loudest sample is its compressed onset.
    assert 3.0 < results["test"]["audio_psnr_of_silence"] < 5.0
    _, parts, _ = load_run(tmp_path / "run")
    assert parts.model.config.id2label == {0: UNLABELLED}
    assert parts.processor.normalize_sound
    (prediction,) = predict(tmp_path / "run", [films / "down" / "0.mp4"], tmp_path / "out", device="cpu")
    assert "label" not in prediction.values


def test_a_run_may_start_from_another_with_other_classes_and_clips(run, films, tmp_path):
    chosen = VideoAutoencodingArguments(**{**TINY, "num_frames": 6, "height": 12, "num_latents": "auto"})
    arguments = run_arguments(films / "right", tmp_path / "run", start=StartArguments(start=str(run)))
    results = train(VideoAutoencoding(chosen), arguments)
    # Everything fits: sizes and classes are the checkpoint's, clips the run's own.
    assert results["new_weights"] == []
    _, parts, _ = load_run(tmp_path / "run")
    config = parts.model.config
    assert (config.num_latents, config.num_frames, tuple(config.output_shape)) == (5, 6, (1, 6, 12, 12))
    assert set(config.id2label.values()) == {"down", "right"}


def test_clips_that_are_no_whole_patches_of_the_checkpoint_are_an_error():
    start = PerceiverConfig(video_patch_size=5)
    task = VideoAutoencoding(VideoAutoencodingArguments(**TINY))
    with pytest.raises(
        ConfigurationError,
        match="`height` must give whole patches of the checkpoint to start from, 5 each, received 8",
    ):
        task.build(Splits([], [], []), start)


def test_measures_are_those_of_the_whole_reconstruction():
    task = VideoAutoencoding(VideoAutoencodingArguments(**TINY, label_column="label"))
    model = tiny_parts(task, ("a", "b")).model.eval()
    batch = tiny_batch(labelled=True)
    with torch.no_grad():
        loss, measured = measure_clips(model, batch, {"image": 0.03, "audio": 1.0, "label": 1e-4})
        made = model.reconstruct({name: batch[name] for name in ("image", "audio")})
    image, audio = made["image"].clamp(0, 1), made["audio"].clamp(-1, 1)
    cross_entropy = torch.nn.functional.cross_entropy(made["label"], batch["label"])
    expected = (
        0.03 * (image - batch["image"]).abs().mean()
        + (audio - batch["audio"]).abs().mean()
        + 1e-4 * cross_entropy
    )
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
    assert torch.allclose(measured["video_error"], mean_squared_errors(image, batch["image"]))
    assert torch.allclose(measured["audio_energy"].float(), batch["audio"].square().mean(dim=(1, 2)))
    variance = batch["image"].var(dim=(1, 3, 4), correction=0).mean(dim=1)
    assert torch.allclose(measured["video_variance"].float(), variance, atol=1e-6)
    assert torch.equal(measured["preds"], made["label"])


def test_few_clips_are_reconstructed_at_a_time(monkeypatch):
    task = VideoAutoencoding(VideoAutoencodingArguments(**TINY))
    model, batch = tiny_parts(task).model.eval(), tiny_batch()
    with torch.no_grad():
        whole = [found for _, found in reconstructions(model, batch["image"], batch["audio"])]
        monkeypatch.setattr(
            "perceivers.tasks.video_autoencoding.measures.VALUES_AT_A_TIME", 2 * (4 * 3 * 8 * 12 + 320)
        )
        parts = [found for _, found in reconstructions(model, batch["image"], batch["audio"])]
    assert [len(part["image"]) for part in parts] == [2, 1]
    assert torch.allclose(torch.cat([part["image"] for part in parts]), whole[0]["image"], atol=1e-5)


def test_the_class_is_hidden_from_as_many_as_asked_and_from_all_that_are_measured():
    task = VideoAutoencoding(VideoAutoencodingArguments(**TINY, label_column="label", label_masking=0.25))
    model = tiny_parts(task, ("a", "b")).model
    preprocessor = model.perceiver.input_preprocessor
    seen: list[float] = []
    model.perceiver.register_forward_pre_hook(lambda *_: seen.append(preprocessor.mask_probs["label"]))
    task.step(model.train(), tiny_batch(labelled=True))
    assert seen == [0.25]
    assert preprocessor.mask_probs["label"] == 1.0
    with pytest.raises(RuntimeError, match="stopped"), hidden_labels(model, 0.5):
        raise RuntimeError("stopped")
    assert preprocessor.mask_probs["label"] == 1.0
    batch = tiny_batch(labelled=True)
    with torch.no_grad():
        first = task.step(model.eval(), batch).measured["preds"]
        second = task.step(model, {**batch, "label": 1 - batch["label"]}).measured["preds"]
    assert torch.equal(first, second)


def test_training_sees_the_class_where_it_is_not_hidden():
    task = VideoAutoencoding(
        VideoAutoencodingArguments(**TINY, label_column="label", label_masking=0.0, label_weight=1.0)
    )
    model = tiny_parts(task, ("a", "b")).model.train()
    batch = tiny_batch(labelled=True)
    labels = {"label": batch["label"]}
    inputs = {"image": batch["image"], "audio": batch["audio"]}
    with hidden_labels(model, 0.0):
        told = [
            model({**inputs, "label": one_hot}, labels=labels).logits["label"]
            for one_hot in (torch.eye(2)[[0, 1, 1]], torch.eye(2)[[1, 0, 0]])
        ]
    assert not torch.allclose(told[0], told[1])


@pytest.mark.parametrize("labelled", [True, False])
def test_every_weight_gets_a_gradient(labelled):
    task = VideoAutoencoding(VideoAutoencodingArguments(**TINY, label_column="label" if labelled else None))
    model = tiny_parts(task, ("a", "b") if labelled else ()).model.train()
    step = task.step(model, tiny_batch(labelled))
    step.loss.backward()
    assert step.measured == {}
    assert [name for name, parameter in model.named_parameters() if parameter.grad is None] == []


def test_compression_is_that_of_the_released_model():
    config = PerceiverConfig(num_latents=784, d_latents=512, num_labels=700)
    found = _constants(SimpleNamespace(config=config, device="cpu"), 2)
    assert found["compression"].tolist() == pytest.approx([6.0765] * 2, abs=1e-4)
    assert found["compression_of_the_paper"].tolist() == pytest.approx([88.0] * 2)


def test_the_paper_s_compression_counts_the_channels_that_tokens_have():
    task = VideoAutoencoding(VideoAutoencodingArguments(**TINY, video_frames_per_patch=2))
    model = tiny_parts(task).model
    channels = model.perceiver.input_preprocessor.num_channels
    found = _constants(model, 1)["compression_of_the_paper"]
    assert float(found) == pytest.approx((2 * 2 * 3) * channels / (5 * 8))


def test_positions_reach_patches_or_pixels():
    for resolution, expected in (("patches", (2, 3)), ("pixels", (8, 12))):
        chosen = VideoAutoencodingArguments(**TINY, position_resolution=resolution)
        config = tiny_parts(VideoAutoencoding(chosen)).model.config
        assert config.image_height_width == expected


def test_a_training_clip_depends_on_the_generator_alone(films):
    task = VideoAutoencoding(VideoAutoencodingArguments(**TINY))
    splits = task.load_data(DataArguments(data=str(films)))
    starts = [task.vary(splits.train[0], np.random.default_rng(seed)).start for seed in (1, 1, 2, 3)]
    assert starts[0] == starts[1]
    assert len(set(starts)) > 1
    batch = task.collate(task.reader, [splits.train[0], splits.train[1]])
    assert batch["image"].shape == (2, 4, 3, 8, 12)
    assert batch["audio"].shape == (2, 320, 1)
    assert 0.8 < float(batch["image"].max()) <= 1.0


def test_augmentation_changes_what_it_is_asked_to():
    batch = tiny_batch(labelled=True)
    plain = VideoAutoencoding(VideoAutoencodingArguments(**TINY)).augment(batch)
    assert all(torch.equal(plain[name], batch[name]) for name in batch)
    for choice, name in (
        ({"mirror": 1.0}, "image"),
        ({"shift": 0.3}, "image"),
        ({"scale": 0.3}, "image"),
        ({"colour": 0.5}, "image"),
        ({"gain": 6.0}, "audio"),
        ({"louder": 6.0}, "audio"),
        ({"sound_speed": 0.5}, "audio"),
        ({"sound_mixture": 0.5}, "audio"),
    ):
        changed = VideoAutoencoding(VideoAutoencodingArguments(**TINY, **choice)).augment(batch)
        assert [each for each in batch if not torch.equal(changed[each], batch[each])] == [name]


def test_latents_begin_as_far_apart_as_asked():
    for spread in (0.02, 0.3):
        chosen = VideoAutoencodingArguments(
            **{**TINY, "num_latents": 64, "latent_channels": 32}, initializer_range=spread
        )
        model = PerceiverForMultimodalAutoencoding(PerceiverConfig(**completed(chosen).config_values()))
        latents = model.perceiver.embeddings.latents.detach()
        assert latents.shape == (64, 32)
        # Normal values cut at two standard deviations keep 0.88 of it.
        assert float(latents.std()) == pytest.approx(0.88 * spread, rel=0.05)


def test_a_drawn_wave_keeps_lowest_and_highest():
    wave = np.zeros(5000)
    wave[1234], wave[4321] = 0.75, -0.5
    drawn = extremes(wave)
    assert drawn.shape == (1200, 2)
    assert (float(drawn[:, 1].max()), float(drawn[:, 0].min())) == (0.75, -0.5)
    assert extremes(wave[:7]).shape == (7, 2)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"height": 10}, "`video_patch_size` must divide what it is a part of .* received 4 for 10"),
        ({"num_frames": 5, "video_frames_per_patch": 2}, "`video_frames_per_patch` must divide .* 2 for 5"),
        ({"audio_samples_per_patch": 7}, "`audio_samples_per_patch` must divide .* received 7 for 320"),
        (
            {"frame_rate": 12.55, "audio_samples_per_frame": 33},
            "`frame_rate times audio_samples_per_frame` must be a whole number of Hz",
        ),
        ({"frame_rate": 0.0}, "`frame_rate` must be above 0"),
        ({"split_by": "half"}, "`split_by` must be one of films, time, received 'half'"),
        ({"position_resolution": "frames"}, "`position_resolution` must be one of patches, pixels"),
        ({"label_masking": 1.5}, r"`label_masking` must be in \[0, 1\], received 1.5"),
        ({"gain": -1.0}, "`gain` must be at least 0"),
        ({"sound_speed": -0.5}, "`sound_speed` must be at least 0"),
        ({"initializer_range": 0.0}, "`initializer_range` must be above 0"),
        ({"scale": 1.0}, r"`scale` must be in \[0, 1\), received 1.0"),
        ({"training_points": 0}, "`training_points` must be at least 1"),
    ],
)
def test_arguments_are_checked(choice, message):
    with pytest.raises(ConfigurationError, match=message):
        VideoAutoencodingArguments(**{**TINY, **choice})


def test_data_that_do_not_fit_are_named(films, tmp_path):
    task = VideoAutoencoding(VideoAutoencodingArguments(**TINY, label_column="label"))
    with pytest.raises(DataError, match="one sub-folder per class"):
        task.load_data(DataArguments(data=str(films / "right")))
    table = tmp_path / "films.csv"
    table.write_text(f"clip,kind\n{films / 'right' / '0.mp4'},a\n")
    with pytest.raises(DataError, match=r"films\.csv` must have a column 'file', received clip, kind"):
        task.load_data(DataArguments(data=str(table)))
    silent = write_film(tmp_path / "films" / "silent.mp4", frames=moving_square(14))
    with pytest.raises(DataError, match=r"silent\.mp4` must have sound"):
        VideoAutoencoding(VideoAutoencodingArguments(**TINY)).load_data(
            DataArguments(data=str(silent.parent))
        )


def test_a_table_with_labels_is_read(films, tmp_path):
    rows = [f"{films / kind / f'{index}.mp4'},{kind}" for kind in ("right", "down") for index in range(4)]
    table = tmp_path / "films.csv"
    table.write_text("clip,kind\n" + "\n".join(rows) + "\n")
    chosen = VideoAutoencodingArguments(**TINY, video_column="clip", label_column="kind")
    splits = VideoAutoencoding(chosen).load_data(DataArguments(data=str(table), test_fraction=0.25))
    assert splits.class_names == ("down", "right")
    labels = {splits.test[index].label for index in range(len(splits.test))}
    assert labels == {0, 1}


def test_a_prediction_of_a_film_that_does_not_fit_names_it(run, tmp_path):
    silent = write_film(tmp_path / "silent.mp4", frames=moving_square(14))
    with pytest.raises(DataError, match=r"silent\.mp4` must have sound"):
        predict(run, [silent], tmp_path / "out", device="cpu")
    short = write_film(tmp_path / "short.mp4", frames=moving_square(3), waveform=tone(2400, 100))
    with pytest.raises(DataError, match=r"short\.mp4` must last 4 frames"):
        predict(run, [short], tmp_path / "out", device="cpu")


def test_people_ask_with_a_film_and_get_it_again_beside_itself(run: Path, films: Path) -> None:
    predictor = load(run, device="cpu")
    asking = predictor.asking()
    (field,) = asking.fields
    assert (field.form, field.player, field.needed) == ("file", "film", True)
    content = (films / "right" / "0.mp4").read_bytes()
    answer, named, torn, ending = asking.answers(
        [
            {field.column: Sent("mine.mp4", content)},
            {field.column: str(films / "right" / "0.mp4")},
            {field.column: Sent("a.mp4", content[:99])},
            {field.column: Sent("a.txt", content)},
        ]
    )
    assert isinstance(answer, Prediction)
    assert base64.b64decode(answer.values["film"].partition(",")[2])[4:8] == b"ftyp"
    assert asking.html(answer).startswith('<p><video controls loop src="data:video/mp4;base64,')
    titles = [each.title for each in asking.said(answer)]
    assert titles == ["class", "pictures, PSNR", "sound, PSNR", "sound, PSNR of silence"]
    assert str(named).startswith(f"{field.column!r} must be the content of a film, received the text '/")
    assert "the file" in str(torn)
    assert "/tmp" not in str(torn)
    assert str(ending).startswith("must be a file that ends in one of .mp4")
    assert asking.extent(field.column, content, 9.0).seconds == pytest.approx(1.4, abs=0.11)
    task, own = load_task(run)
    example = asking.example(task.load_data(own.data, predictor.parts).validation, 0)
    assert example.truth["class"] in ("right", "down")
    media = asking.media(field.column, example.cells[field.column])
    assert media is not None
    assert media.content[4:8] == b"ftyp"
    (again,) = asking.answers([example.cells])
    assert isinstance(again, Prediction)
