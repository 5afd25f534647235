"""A table with sounds and films beside numbers, some of them absent, end to end."""

from __future__ import annotations

from pathlib import Path

import pytest

from perceivers.arguments import DataArguments, OptimizationArguments, RunArguments, TrainingArguments
from perceivers.tasks.registry import load_run
from perceivers.tasks.table.options import TableArguments
from perceivers.tasks.table.task import TableTask
from perceivers.training.evaluation import evaluate
from perceivers.training.prediction import predict
from perceivers.training.run import train
from tiny_films import moving_square, tone, write_film

soundfile = pytest.importorskip("soundfile")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve rows; every third has no sound, every fourth no film, one neither."""
    folder = tmp_path_factory.mktemp("table")
    lines = ["take,clip,size,kind"]
    for index in range(12):
        kind, frequency = (("low", 150), ("high", 900))[index % 2]
        sound, film = f"{index}.wav", f"{index}.mkv"
        soundfile.write(folder / sound, tone(9_000, frequency)[0], 8_000)
        write_film(folder / film, frames=moving_square(12), waveform=tone(9_600, frequency))
        lines.append(
            f"{'' if index % 3 == 2 else sound},{'' if index % 4 == 3 else film},{index * 1.5},{kind}"
        )
    path = folder / "rows.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_sounds_and_films_are_two_of_several_inputs(table: Path, tmp_path: Path) -> None:
    arguments = RunArguments(
        output=str(tmp_path / "run"),
        data=DataArguments(data=str(table), test_fraction=0.34, validation_fraction=0.25),
        training=TrainingArguments(steps=2, batch_size=4, device="cpu"),
        optimization=OptimizationArguments(warmup_steps=1),
        pictures=False,
    )
    chosen = TableArguments(
        target=("kind",), num_latents=3, latent_channels=8, num_layers=1, num_heads=2, token_channels=8
    )
    results = train(TableTask(chosen), arguments)
    _, parts, _ = load_run(tmp_path / "run")
    assert {each.kind.name for each in parts.processor.inputs} == {"number", "sound", "video"}
    assert set(parts.model.config.modalities) == {"numbers", "take", "clip_audio", "clip_image"}
    again = evaluate(tmp_path / "run", device="cpu", batch_size=1)
    assert again["metrics"]["loss"] == pytest.approx(results["test"]["loss"], abs=1e-4), "alone as in a batch"
    predict(tmp_path / "run", [table], tmp_path / "out", device="cpu")
    page = (tmp_path / "out" / "predictions.html").read_text()
    # Eight sounds; nine films, whose sound is played too.
    assert (page.count("<audio"), page.count('title="attention over clip"')) == (8 + 9, 9)
