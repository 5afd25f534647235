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
pytest.importorskip("av")

from tiny_films import moving_square, tone, write_film
from without_torch import printed_without_torch

CLIPS = {"num_frames": 4, "frame_rate": 10.0, "height": 8, "width": 12, "audio_samples_per_frame": 400}
SMALL = {"num_latents": 3, "latent_channels": 8, "num_layers": 1}


@dataclass(frozen=True)
class Case:
    """A task, and what its run is trained on and asked.

    Args:
        task: its name.
        arguments: of the task.
        data: writes the training data into a folder, and gives what `data` names.
        asked: writes what is asked about into a folder.
        files: that answers have beside the tables.
    """

    task: str
    arguments: dict[str, Any]
    data: Callable[[Path], Path]
    asked: Callable[[Path], list[str]]
    files: tuple[str, ...] = ()


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


def films(folder: Path, count: int = 4) -> Path:
    """Films that move right with a low tone, and films that move down with a high one."""
    for name, hertz in (("right", 150), ("down", 900)):
        for index in range(count):
            frames = moving_square(12 + 2 * index, downwards=name == "down")
            sound = tone(800 * len(frames), hertz, loudness=0.2 + 0.1 * index)
            write_film(folder / name / f"{index}.mp4", frames=frames, waveform=sound)
    return folder


def half_films(folder: Path) -> list[str]:
    """A film of another rate and size, one without sound, and one without pictures."""
    frames, sound = moving_square(17, 34, 46), tone(11_025, 700, 11_025)
    return [
        str(write_film(folder / "whole.mkv", frames=frames, waveform=sound, sampling_rate=11_025)),
        str(write_film(folder / "silent.mkv", frames=frames)),
        str(write_film(folder / "dark.mkv", waveform=tone(8_000, 700))),
    ]


def whole_film(folder: Path) -> list[str]:
    return half_films(folder)[:1]


def rows_with_films(folder: Path) -> Path:
    """A table with a column of films beside numbers, some of them absent."""
    films(folder, 6)
    names = [f"{name}/{index}.mp4" for index in range(6) for name in ("right", "down")]
    lines = [
        f"{'' if row % 5 == 4 else name},{row * 1.5},{name.partition('/')[0]}"
        for row, name in enumerate(names)
    ]
    path = folder / "rows.csv"
    path.write_text("\n".join(["clip,size,way", *lines]) + "\n", encoding="utf-8")
    return path


def asked_rows(folder: Path) -> list[str]:
    half_films(folder)
    path = folder / "asked.csv"
    path.write_text("clip,size\nwhole.mkv,2.5\nsilent.mkv,1\ndark.mkv,\n,7\n", encoding="utf-8")
    return [str(path)]


CASES = (
    Case(
        "optical-flow",
        {**SMALL, "train_height": 16, "train_width": 24, "contrast_window": 5, "pyramid_levels": 2},
        lambda folder: pairs(folder / "pairs"),
        two_frames,
    ),
    Case(
        "audio-classification",
        {**SMALL, "sampling_rate": 4_000, "clip_seconds": 0.25, "num_mel_bins": 7, "evaluation_clips": 2},
        lambda folder: sounds(folder / "sounds"),
        lambda folder: [str(sounds(folder / "asked"))],
    ),
    Case(
        "audio-visual-classification",
        {**SMALL, **CLIPS, "video_patch_size": 4, "num_mel_bins": 7, "num_test_clips": 2},
        lambda folder: films(folder / "films"),
        half_films,
    ),
    Case(
        "table",
        {**SMALL, "target": ("way",), "token_channels": 8},
        lambda folder: rows_with_films(folder / "films"),
        asked_rows,
    ),
    Case(
        "video-autoencoding",
        {
            **SMALL,
            **CLIPS,
            "label_column": "label",
            "video_bands": 2,
            "audio_bands": 3,
            "decoder_channels": 11,
        },
        lambda folder: films(folder / "films"),
        whole_film,
        ("whole.mp4",),
    ),
    Case(
        "masked-autoencoding",
        {**CLIPS, "audio_samples_per_frame": 80},
        lambda folder: films(folder / "films"),
        whole_film,
    ),
    Case(
        "text-generation",
        {
            **SMALL,
            "embedding_channels": 8,
            "context": 17,
            "num_latents": 7,
            "max_new_tokens": 40,
            "temperature": 0.9,
            # Of a model that has hardly learned, many tokens are as likely as the last that this would keep.
            "top_p": 1.0,
        },
        a_text,
        lambda folder: ["", "the quick", "a prompt that is longer than the context of the model"],
    ),
    Case(
        "fill-mask",
        {**SMALL, "embedding_channels": 8, "max_length": 37},
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
    arguments = arguments_class(case.task)(**case.arguments)
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
    for name in case.files:
        assert (tmp_path / "answers" / name).stat().st_size > 0
    written = json.loads((tmp_path / "answers" / "predictions.json").read_text(encoding="utf-8"))
    assert same(
        [{key: row[key] for key in said} for row, said in zip(written, received, strict=True)], received
    )
