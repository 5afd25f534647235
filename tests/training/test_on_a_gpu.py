"""Runs that find the GPU by themselves: trained, evaluated, asked; what they answer is what the processor answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import perceivers
from perceivers.cli import main
from perceivers.records import read_json

DIGITS = [
    "image-classification", "--data", "digits", "--size", "usual", "--num-latents", "7", "--latent-channels", "16",
    "--num-layers", "1", "--batch-size", "64", "--seed", "3",
]  # fmt: skip


def done(*words: Any) -> None:
    """Run a command that has to succeed."""
    try:
        main([*map(str, words)])
    except SystemExit as stopped:
        if stopped.code:
            pytest.fail(f"{words} ended with {stopped.code}")


@pytest.fixture(scope="module")
def run(gpu: torch.device, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the bundled digits for which nobody named a device."""
    folder = tmp_path_factory.mktemp("run")
    done("train", *DIGITS, "--epochs", "4", "--output", folder, "--overwrite")
    return folder


def test_training_finds_the_gpu_and_learns(run: Path, gpu: torch.device) -> None:
    results = read_json(run / "results.json")
    assert results["test"]["accuracy"] > 0.3, "ten classes: 0.1 is chance"
    assert perceivers.load(run).parts.model.device.type == gpu.type


def test_answers_are_those_of_the_processor(run: Path, gpu: torch.device, tmp_path: Path) -> None:
    done("samples", "digits", "--split", "test", "--count", "9", "--output", tmp_path / "held_out")
    pictures = sorted(str(path) for path in (tmp_path / "held_out").rglob("*.png"))
    assert len(pictures) == 9
    there = perceivers.load(run, device=gpu.type)
    here = perceivers.load(run, device="cpu")
    assert there.prepared.device.type == gpu.type
    for _ in range(3):
        (ours,) = there.values(pictures).values()
        (expected,) = here.values(pictures).values()
        assert abs(ours - expected).max() < 1e-4
    done("predict", run, tmp_path / "held_out", "--output", tmp_path / "answers")
    assert len(read_json(tmp_path / "answers" / "predictions.json")) == 9


def test_evaluation_measures_what_training_measured(run: Path, gpu: torch.device, tmp_path: Path) -> None:
    done("evaluate", run, "--output", tmp_path)
    measured = read_json(tmp_path / "evaluation.json")["metrics"]["accuracy"]
    assert measured == pytest.approx(read_json(run / "results.json")["test"]["accuracy"], abs=5e-3)


@pytest.mark.parametrize("mixed_precision", ["bf16", "fp16"])
def test_digits_are_learned_in_mixed_precision(
    mixed_precision: str, gpu: torch.device, tmp_path: Path
) -> None:
    if gpu.type == "cpu" and mixed_precision == "fp16":
        pytest.skip("needs a GPU: processors train in bfloat16 only")
    done(
        "train", *DIGITS, "--epochs", "4", "--mixed-precision", mixed_precision, "--output", tmp_path / "run"
    )
    assert read_json(tmp_path / "run" / "results.json")["test"]["accuracy"] > 0.3


def test_a_table_of_pictures_sounds_sentences_and_numbers_trains(gpu: torch.device, tmp_path: Path) -> None:
    pytest.importorskip("captcha", reason="its voices are in the table")
    pytest.importorskip("soundfile", reason="reads the voices")
    done(
        "train", "table", "--data", "arithmetic", "--target", "result", "parity", "--size", "usual", "--num-latents", "7",
        "--latent-channels", "16", "--num-layers", "1", "--steps", "5", "--batch-size", "16", "--output", tmp_path / "run",
    )  # fmt: skip
    assert perceivers.load(tmp_path / "run").parts.model.device.type == gpu.type


def test_bytes_are_filled_in(gpu: torch.device, tmp_path: Path) -> None:
    done(
        "train", "fill-mask", "--data", "python-docs", "--size", "usual", "--num-latents", "7", "--latent-channels", "16",
        "--num-layers", "1", "--steps", "5", "--batch-size", "16", "--output", tmp_path / "run",
    )  # fmt: skip
    (tmp_path / "text.txt").write_text("The name of the [MASK] is given.\n")
    done("predict", tmp_path / "run", tmp_path / "text.txt", "--output", tmp_path / "answers")
