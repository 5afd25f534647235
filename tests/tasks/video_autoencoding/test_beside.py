"""What a reconstruction stands beside: the nearest training frame, the mean frame, silence, the most frequent class."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from perceivers.arguments import DataArguments, RunArguments, TrainingArguments
from perceivers.data.splits import Splits
from perceivers.errors import ConfigurationError, DataError
from perceivers.tasks.video_autoencoding import beside as besides
from perceivers.tasks.video_autoencoding.beside import beside_clips
from perceivers.tasks.video_autoencoding.options import VideoAutoencodingArguments
from perceivers.tasks.video_autoencoding.task import VideoAutoencoding
from perceivers.training.evaluation import evaluate
from perceivers.training.run import train
from tiny_films import moving_square, tone, write_film

TINY: dict[str, Any] = {
    "size": "usual",
    "num_frames": 4, "frame_rate": 10.0, "height": 8, "width": 12, "audio_samples_per_frame": 80, "num_latents": 5,
    "latent_channels": 8, "num_layers": 1, "num_heads": 2, "video_bands": 2, "audio_bands": 3, "decoder_channels": 11,
    "label_query_channels": 7, "training_points": 13,
}  # fmt: skip
LABELLED = VideoAutoencodingArguments(**TINY, label_column="label")


def grey(level: float, loudness: float, label: int | None = None) -> dict[str, torch.Tensor]:
    """A clip of two frames of one grey, with a constant sound."""
    clip = {"image": torch.full((1, 2, 3, 5, 7), level), "audio": torch.full((1, 11, 1), loudness)}
    return clip if label is None else {**clip, "label": torch.tensor([label])}


def measure(train: Any, asked: Any, labelled: bool = False) -> dict[str, Any] | None:
    task = VideoAutoencoding(LABELLED if labelled else VideoAutoencodingArguments(**TINY))
    parts = task.build(Splits([], [], [], ("down", "right") if labelled else ()))
    return beside_clips(lambda clip: clip, lambda: task.metrics(parts), train, asked, values=105)


def test_still_frames_and_silence_have_the_measures_of_the_task() -> None:
    found = measure([grey(0.2, 0.3), grey(0.6, 0.3)], [grey(0.5, 0.1)])
    assert found is not None
    assert (found["method"], found["trivial"]) == ("nearest frame", "training mean")
    # The frame of 0.6 and the mean frame of 0.4 are off by 0.1 each, silence by 0.1: 20 dB.
    assert found["nearest frame"] == {"video_psnr": pytest.approx(20.0, abs=1e-4)}
    assert found["training mean"] == {
        "video_psnr": pytest.approx(20.0, abs=1e-4), "audio_psnr": pytest.approx(20.0, abs=1e-4), "audio_snr": 0.0
    }  # fmt: skip
    assert (found["training_samples"], found["samples"]) == (2, 1)


def test_psnr_is_the_mean_over_clips_and_each_has_its_own_nearest_frame() -> None:
    found = measure([grey(0.2, 0.3), grey(0.6, 0.3)], [grey(0.61, 0.1), grey(0.3, 0.1)])
    assert found is not None
    # Off by 0.01, which is 40 dB, and by 0.1, which is 20 dB; the mean frame by 0.21 and 0.1.
    assert found["nearest frame"]["video_psnr"] == pytest.approx(30.0, abs=1e-2)
    assert found["training mean"]["video_psnr"] == pytest.approx(10.0 - 10.0 * math.log10(0.21), abs=1e-3)


def test_silent_clips_have_no_signal_to_noise_ratio() -> None:
    found = measure([grey(0.2, 0.0)], [grey(0.5, 0.0)])
    assert found is not None
    assert set(found["training mean"]) == {"video_psnr", "audio_psnr"}


def test_the_class_that_most_training_clips_have_is_an_answer_too() -> None:
    trained = [grey(0.2, 0.3, 1), grey(0.2, 0.3, 1), grey(0.2, 0.3, 0)]
    asked = [grey(0.2, 0.1, label) for label in (0, 1, 0, 0)]
    found = measure(trained, asked, labelled=True)
    assert found is not None
    assert found["training mean"]["accuracy"] == 0.25
    assert "accuracy" not in found["nearest frame"]


def test_of_large_frames_fewer_clips_are_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(besides, "MOST_VALUES", 3 * 105 + 2)
    found = measure([grey(0.2, 0.3)], [grey(0.5, 0.1)] * 7)
    assert found is not None
    assert found["samples"] == 3


def test_without_training_clips_or_clips_to_measure_there_is_nothing() -> None:
    assert measure([], [grey(0.5, 0.1)]) is None
    assert measure([grey(0.5, 0.1)], []) is None
    assert measure(iter([grey(0.5, 0.1)]), [grey(0.5, 0.1)]) is None


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three films a class, of two clips each."""
    folder = tmp_path_factory.mktemp("films")
    for name in ("right", "down"):
        for index in range(3):
            frames = moving_square(8, downwards=name == "down")
            write_film(
                folder / name / f"{index}.mkv", frames=frames, waveform=tone(8 * 800, 200 + 50 * index)
            )
    rows = [f"{name}/{index}.mkv,{name}" for name in ("right", "down") for index in range(3)]
    (folder / "films.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    return folder


def run(output: Path, data: Path, **choices: Any) -> dict[str, Any]:
    return train(
        VideoAutoencoding(LABELLED),
        RunArguments(
            output=str(output),
            data=DataArguments(data=str(data), **choices),
            training=TrainingArguments(steps=1, batch_size=3, device="cpu"),
            beside="auto",
            pictures=False,
            quiet=True,
        ),
    )


def test_a_run_stands_beside_them_and_so_does_its_evaluation(films: Path, tmp_path: Path) -> None:
    results = run(tmp_path / "run", films)
    beside = results["beside"]
    assert set(beside["training mean"]) == {"video_psnr", "audio_psnr", "audio_snr", "accuracy"}
    assert beside["training mean"]["audio_psnr"] == pytest.approx(results["test"]["audio_psnr_of_silence"])
    # All films of a class show the same.
    assert beside["nearest frame"]["video_psnr"] > beside["training mean"]["video_psnr"]
    sizes = results["samples"]
    assert (beside["training_samples"], beside["samples"], beside["asked_samples"]) == (
        sizes["train"], sizes["test"], sizes["test"]
    )  # fmt: skip
    again = evaluate(tmp_path / "run", device="cpu", beside="auto")["beside"]
    assert again["training mean"] == pytest.approx(beside["training mean"])
    with pytest.raises(
        ConfigurationError, match="`beside` trees needs a run whose answers come from columns"
    ):
        evaluate(tmp_path / "run", device="cpu", beside="trees")


def test_a_streamed_run_stands_beside_nothing_and_an_evaluation_says_why(films: Path, tmp_path: Path) -> None:
    table = films / "films.csv"
    results = run(tmp_path / "run", table, streaming=True, test_data=str(table))
    assert results["finished"]
    assert "beside" not in results
    with pytest.raises(
        ConfigurationError, match=r"of video-autoencoding that a simple method can read: .* stream"
    ):
        evaluate(tmp_path / "run", device="cpu", beside="auto")


def test_a_film_that_has_gone_is_left_out(films: Path, tmp_path: Path) -> None:
    task = VideoAutoencoding(LABELLED)
    splits = task.load_data(DataArguments(data=str(films)))
    parts = task.build(splits)
    collate, gone = task.collate, splits.test[0].film.name

    def read(processor: Any, samples: Any) -> Any:
        if samples[0].film.name == gone:
            raise DataError(f"`{gone}` cannot be read")
        return collate(processor, samples)

    task.collate = read  # type: ignore[method-assign]
    found = task.stand_beside(parts, splits.train, splits.test)
    assert found is not None
    assert found["samples"] < found["asked_samples"] == len(splits.test)
