"""Runs of each task, exported, and asked in a process that has no torch: the answers of `perceivers predict`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import perceivers
from perceivers.arguments import DataArguments, RunArguments, TrainingArguments
from perceivers.export.runs import export
from perceivers.processors.optical_flow.files import write_flow
from perceivers.tasks.registry import arguments_class, task_class
from perceivers.training.run import train

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

from without_torch import printed_without_torch

SMALL = {"num_latents": 3, "latent_channels": 8, "num_layers": 1}


@dataclass(frozen=True)
class Case:
    """A task, and what its run is trained on and asked.

    Args:
        task: its name.
        arguments: of the task, beside SMALL.
        data: writes the training data into a folder, and gives what `data` names.
        asked: writes what is asked about into a folder.
    """

    task: str
    arguments: dict[str, Any]
    data: Callable[[Path], Path]
    asked: Callable[[Path], list[str]]


def sounds(folder: Path) -> Path:
    """High and low tones of two rates, one of them of two channels."""
    soundfile = pytest.importorskip("soundfile")
    for name, hertz in (("high", 1_100), ("low", 170)):
        (folder / name).mkdir(parents=True)
        for index, rate in enumerate((8_000, 8_000, 11_025, 8_000, 16_000, 8_000, 8_000)):
            times = np.arange(rate // 3 + 97 * index) / rate
            wave = 0.4 * np.sin(2 * np.pi * (hertz + 13 * index) * times)
            if index == 3:
                wave = np.stack([wave, 0.3 * wave], axis=1)
            soundfile.write(folder / name / f"{index}.wav", wave, rate)
    return folder


def a_text(folder: Path) -> Path:
    path = folder / "text.txt"
    path.write_text("the quick brown fox jumps over the lazy dog\n" * 60, encoding="utf-8")
    return path


def pairs(folder: Path, count: int = 5, size: tuple[int, int] = (29, 37)) -> Path:
    """Pairs of frames that move by a pixel, with their flow."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    for index in range(count):
        picture = generator.integers(0, 256, (*size, 3), dtype=np.uint8)
        Image.fromarray(picture).save(folder / f"{index}_img1.png")
        Image.fromarray(np.roll(picture, 1, axis=1)).save(folder / f"{index}_img2.png")
        write_flow(folder / f"{index}_flow.flo", np.full((*size, 2), (1, 0), np.float32))
    return folder


def two_frames(folder: Path) -> list[str]:
    """Of another size than those that were trained on, so that several tiles of the grid are needed."""
    pairs(folder / "frames", 1, (31, 47))
    return [str(folder / "frames" / f"0_img{number}.png") for number in (1, 2)]


CASES = (
    Case(
        "optical-flow",
        {"train_height": 16, "train_width": 24, "contrast_window": 5, "pyramid_levels": 2},
        lambda folder: pairs(folder / "pairs"),
        two_frames,
    ),
    Case(
        "audio-classification",
        {"sampling_rate": 4_000, "clip_seconds": 0.25, "num_mel_bins": 7, "evaluation_clips": 2},
        lambda folder: sounds(folder / "sounds"),
        lambda folder: [str(sounds(folder / "asked"))],
    ),
    Case(
        "fill-mask",
        {"embedding_channels": 8, "max_length": 37},
        a_text,
        lambda folder: [
            "the [MASK:5] fox",
            "a longer one, that is cut: the lazy d[MASK] jumps [MASK:4] the fox",
        ],
    ),
)


def same(received: Any, expected: Any) -> bool:
    """Whether two answers say the same, numbers to rounding."""
    if isinstance(expected, dict):
        return list(received) == list(expected) and all(
            same(received[key], expected[key]) for key in expected
        )
    if isinstance(expected, list | tuple):
        return len(received) == len(expected) and all(map(same, received, expected))
    if isinstance(expected, float):
        return bool(received == pytest.approx(expected, rel=1e-4, abs=1e-5))
    return bool(received == expected)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=[case.task for case in CASES])
def test_a_process_without_torch_answers_as_the_run_does(case: Case, tmp_path: Path) -> None:
    arguments = arguments_class(case.task)(**SMALL, **case.arguments)
    training = TrainingArguments(steps=3, batch_size=3, device="cpu")
    data = DataArguments(data=str(case.data(tmp_path)))
    train(
        task_class(case.task)(arguments),
        RunArguments(output=str(tmp_path / "run"), data=data, training=training),
    )
    export(tmp_path / "run", tmp_path / "exported")
    asked = case.asked(tmp_path)
    expected = [each.values for each in perceivers.predict(tmp_path / "run", asked, device="cpu")]
    received = json.loads(
        printed_without_torch(
            f"""
import json
import perceivers.runtime
said = perceivers.runtime.load({str(tmp_path / "exported")!r}).predict({asked!r}, {str(tmp_path / "answers")!r})
print(json.dumps(said))
"""
        )
    )
    assert same(received, expected), (received, expected)
    for each in expected:
        # Nothing is told of a file that is not there.
        assert (tmp_path / "answers" / each.get("flow_file", "predictions.csv")).is_file()
    written = json.loads((tmp_path / "answers" / "predictions.json").read_text(encoding="utf-8"))
    assert same(
        [{key: row[key] for key in said} for row, said in zip(written, received, strict=True)], received
    )
