"""What guesses of hidden points stand beside: the nearest of what is visible and its mean, of the same points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from perceivers.arguments import DataArguments, RunArguments, TrainingArguments
from perceivers.metrics.running import Metrics
from perceivers.metrics.signal_to_noise import peak_signal_to_noise, signal_to_noise
from perceivers.tasks.masked_autoencoding.beside import beside_visible
from perceivers.tasks.masked_autoencoding.options import MaskedAutoencodingArguments
from perceivers.tasks.masked_autoencoding.task import MaskedAutoencoding
from perceivers.training.evaluation import evaluate
from perceivers.training.run import train
from tiny_films import moving_square, tone, write_film

CLIP: dict[str, Any] = {"num_frames": 2, "height": 6, "width": 8, "audio_samples_per_frame": 48}


def metrics() -> Metrics:
    return Metrics(
        {
            "video_psnr": peak_signal_to_noise("video_error"),
            "audio_psnr": peak_signal_to_noise("audio_error"),
            "audio_snr": signal_to_noise("audio_energy", "audio_error"),
        }
    )


def test_both_guesses_have_the_measures_of_the_task() -> None:
    errors = {
        "video_error": 0.1, "audio_error": 0.01, "video_error_of_nearest": 0.001, "audio_error_of_nearest": 1.0,
        "audio_energy": 0.1,
    }  # fmt: skip
    found = beside_visible([{name: torch.tensor([value]) for name, value in errors.items()}], metrics)
    assert found is not None
    assert (found["method"], found["trivial"], found["samples"]) == ("nearest visible", "mean of visible", 1)
    # 10 log10 of 1 over the error, and of the energy over the error.
    assert found["mean of visible"] == pytest.approx(
        {"video_psnr": 10.0, "audio_psnr": 20.0, "audio_snr": 10.0}
    )
    assert found["nearest visible"] == pytest.approx(
        {"video_psnr": 30.0, "audio_psnr": 0.0, "audio_snr": -10.0}
    )


def test_of_no_clips_there_is_nothing() -> None:
    assert beside_visible([], metrics) is None


def test_a_run_stands_beside_guesses_of_the_very_points_that_were_hidden_from_it(tmp_path: Path) -> None:
    for index in range(5):
        frames = moving_square(5, downwards=index % 2 == 0)
        write_film(tmp_path / "films" / f"{index}.mkv", frames=frames, waveform=tone(150 + 50 * index, 0.5))
    results = train(
        MaskedAutoencoding(MaskedAutoencodingArguments(**CLIP)),
        RunArguments(
            output=str(tmp_path / "run"),
            data=DataArguments(data=str(tmp_path / "films"), test_fraction=0.4),
            training=TrainingArguments(steps=1, batch_size=2, workers=0, device="cpu"),
            beside="auto",
            pictures=False,
            quiet=True,
        ),
    )
    test, beside = results["test"], results["beside"]
    near, mean = beside["nearest visible"], beside["mean of visible"]
    assert near["video_psnr"] == pytest.approx(test["video_psnr_of_nearest_visible"])
    assert near["audio_snr"] == pytest.approx(test["audio_snr_of_nearest_visible"])
    assert mean["video_psnr"] == pytest.approx(test["video_psnr_of_visible_mean"])
    assert near["audio_psnr"] != mean["audio_psnr"]
    assert beside["samples"] == beside["asked_samples"] == results["samples"]["test"]
    again = evaluate(tmp_path / "run", device="cpu", beside="auto")["beside"]
    assert (again["nearest visible"], again["mean of visible"]) == (pytest.approx(near), pytest.approx(mean))
