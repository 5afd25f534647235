"""Audio classification end to end at tiny size: class folders, tables, several labels, raw samples, clips."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from perceivers.arguments import DataArguments, OptimizationArguments, RunArguments, TrainingArguments
from perceivers.arguments.open import usual_values
from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError, DataError
from perceivers.predictor import load
from perceivers.tasks.answering import LABELS
from perceivers.tasks.audio_classification.options import AudioClassificationArguments
from perceivers.tasks.audio_classification.task import AudioClassification
from perceivers.tasks.one_column_task import ANSWER
from perceivers.tasks.registry import load_run, task_class
from perceivers.training.evaluation import evaluate
from perceivers.training.prediction import predict
from perceivers.training.run import train

soundfile = pytest.importorskip("soundfile")

RATE = 2_000
TINY: dict[str, Any] = {
    "size": "usual",
    "num_latents": 3,
    "latent_channels": 8,
    "num_layers": 1,
    "num_heads": 2,
    "sampling_rate": RATE,
    "clip_seconds": None,
    "num_mel_bins": 6,
    "window_milliseconds": 64.0,
    "hop_milliseconds": 20.0,
    "patch_channels": 7,
    "num_fourier_bands": 2,
    "shift": 0.0,
    "speed": 0.02,
}
PITCHES = {"high": 700.0, "low": 200.0}


def tone(seed: int, *pitches: float, rate: int = RATE) -> np.ndarray:
    generator = np.random.default_rng(seed)
    times = np.arange(int(generator.uniform(0.2, 0.4) * rate)) / rate
    waves = [np.sin(2 * np.pi * pitch * times + generator.uniform(0, 6)) for pitch in pitches]
    return 0.3 * sum(waves, np.zeros_like(times)) + 0.01 * generator.standard_normal(len(times))


def write_folders(root: Path, count: int = 16) -> Path:
    """Tones of two pitches, mono and stereo, of two rates and formats."""
    for name, pitch in PITCHES.items():
        (root / name).mkdir(parents=True)
        for index in range(count):
            rate = (RATE, 8_000)[index % 2]
            sound = tone(index, pitch, rate=rate)
            if index % 3 == 0:
                sound = np.stack([sound, sound], axis=1)
            soundfile.write(root / name / f"{index:02d}.{('wav', 'flac')[index % 2]}", sound, rate)
    return root


def run(output: Path, data: Path, epochs: int, pictures: bool = False, **chosen: Any) -> dict[str, Any]:
    return train(
        AudioClassification(AudioClassificationArguments(**{**TINY, **chosen})),
        RunArguments(
            output=str(output),
            data=DataArguments(data=str(data), test_fraction=0.25, validation_fraction=0.2),
            training=TrainingArguments(epochs=epochs, batch_size=7, device="cpu", watch_every=1_000),
            optimization=OptimizationArguments(learning_rate=2e-2, warmup_steps=5),
            pictures=pictures,
        ),
    )


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folders(tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, sounds: Path) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("runs") / "pitches"
    return folder, run(folder, sounds, epochs=12, pictures=True, time_masks=1, frequency_masks=1)


def test_the_registry_knows_the_task() -> None:
    assert task_class("audio-classification") is AudioClassification


def test_a_run_learns_pitches_and_evaluates_alike(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, results = trained
    assert results["samples"] == {"train": 20, "validation": 4, "test": 8}
    assert results["test"]["accuracy"] == 1.0
    again = evaluate(folder, device="cpu")
    assert again["metrics"]["accuracy"] == 1.0
    assert again["metrics"]["loss"] == pytest.approx(results["test"]["loss"], abs=1e-5)
    assert (folder / "confusions.png").is_file()
    _, parts, _ = load_run(folder)
    assert parts.processor.inputs[0].kind.std != 1.0


def test_files_folders_and_tables_are_answered_and_drawn(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "new.ogg", tone(99, 700.0, rate=8_000), 8_000)
    (tmp_path / "more").mkdir()
    soundfile.write(tmp_path / "more" / "x.wav", tone(98, 200.0), RATE)
    (tmp_path / "list.csv").write_text("file\nmore/x.wav\nnew.ogg\n")
    inputs = [tmp_path / "new.ogg", tmp_path / "more", tmp_path / "list.csv"]
    predictions = predict(trained[0], inputs, tmp_path / "out", device="cpu")
    assert [p.values["label"] for p in predictions] == ["high", "low", "low", "high"]
    assert predictions[1].source == str(tmp_path / "more" / "x.wav")
    assert predictions[3].source == f"{tmp_path / 'list.csv'}, row 2"
    assert sum(predictions[0].values["probabilities"].values()) == pytest.approx(1.0)
    assert (tmp_path / "out" / "predictions.png").stat().st_size > 10_000
    rows = list(csv.DictReader((tmp_path / "out" / "predictions.csv").read_text().splitlines()))
    assert [row["label"] for row in rows] == ["high", "low", "low", "high"]


def test_samples_are_asked_about_with_their_rate(trained: tuple[Path, dict[str, Any]]) -> None:
    asked, rate = load(trained[0], device="cpu"), 8_000
    sounds = [tone(seed, pitch, rate=rate) for seed, pitch in ((99, 700.0), (98, 200.0))]
    cells = [{"array": sound, "sampling_rate": rate} for sound in sounds]
    answers = asked(cells)
    assert [answer["label"] for answer in answers] == ["high", "low"]  # type: ignore[index]
    assert asked([{"file": sound, "sampling_rate": rate} for sound in sounds]) == answers
    assert asked([{"file": cell} for cell in cells]) == answers
    (alone,) = asked([sounds[0]])
    assert isinstance(alone, DataError)
    assert (
        "samples need their rate in Hz, received none: give them as {'array': SAMPLES, 'sampling_rate': RATE}"
        in str(alone)
    )
    assert [each.values["label"] for each in predict(trained[0], cells, device="cpu")] == ["high", "low"]


def test_clips_of_a_table_with_several_labels(tmp_path: Path) -> None:
    combinations = [(), ("high",), ("low",), ("high", "low")] * 7
    lines = ["sound,heard"]
    for index, names in enumerate(combinations):
        soundfile.write(tmp_path / f"{index}.wav", tone(index, *(PITCHES[name] for name in names)), RATE)
        lines.append(f"{index}.wav,{';'.join(names)}")
    (tmp_path / "list.csv").write_text("\n".join(lines) + "\n")
    chosen = {
        "audio_column": "sound",
        "label_column": "heard",
        "answer": "several-labels",
        "label_separator": ";",
        "clip_seconds": 0.15,
        "evaluation_clips": 3,
    }
    results = run(tmp_path / "run", tmp_path / "list.csv", epochs=20, **chosen)
    # A quarter of 28; a fifth of the rest, rounded.
    assert results["samples"] == {"train": 17, "validation": 4, "test": 7}
    assert set(results["test"]) >= {"mean_average_precision", "f1", "loss"}
    assert results["test"]["mean_average_precision"] > 0.8
    again = evaluate(tmp_path / "run", device="cpu", batch_size=1)
    assert again["metrics"]["loss"] == pytest.approx(results["test"]["loss"], abs=1e-5), (
        "however batches are cut"
    )
    predictions = predict(tmp_path / "run", [tmp_path / "3.wav"], tmp_path / "out", device="cpu")
    assert set(predictions[0].values["probabilities"]) == {"high", "low"}


def test_raw_samples_tell_loud_from_soft(tmp_path: Path) -> None:
    usual = usual_values(AudioClassificationArguments)
    for name, loudness in (("loud", 1.0), ("soft", 0.1)):
        (tmp_path / "sounds" / name).mkdir(parents=True)
        for index in range(10):
            path = tmp_path / "sounds" / name / f"{index}.wav"
            soundfile.write(path, loudness * tone(index, 200.0), RATE)
    raw = {"input_form": "raw", "samples_per_patch": 20, "gain": 0.0, "patch_channels": None}
    raw |= {name: usual[name] for name in ("num_mel_bins", "window_milliseconds", "hop_milliseconds")}
    results = run(tmp_path / "run", tmp_path / "sounds", epochs=60, **raw)
    assert results["test"]["accuracy"] == 1.0
    assert evaluate(tmp_path / "run", device="cpu", split="all")["metrics"]["accuracy"] == 1.0


def test_a_batch_of_whole_sounds_gives_each_what_it_gets_alone(trained: tuple[Path, dict[str, Any]]) -> None:
    task, parts, run_arguments = load_run(trained[0])
    splits = task.load_data(run_arguments.data, parts)
    samples = [splits.test[index] for index in range(3)]
    batch = task.collate(parts.processor, samples)
    assert batch["attention_mask"]["audio"].any(dim=1).all()
    alone = task.collate(parts.processor, samples[:1])
    parts.model.eval()
    with torch.no_grad():
        together, single = (task.step(parts.model, b).measured["label/preds"] for b in (batch, alone))
    assert torch.allclose(together[:1], single, atol=1e-5)


def test_the_headline_is_what_the_metrics_have(sounds: Path) -> None:
    for answer, headline in (("one-class", "accuracy"), ("several-labels", "mean_average_precision")):
        task = AudioClassification(AudioClassificationArguments(**TINY, answer=answer))  # type: ignore[arg-type]
        parts = task.build(task.load_data(DataArguments(data=str(sounds))))
        assert task.headline == headline
        assert headline in task.metrics(parts)


def test_mistakes_are_named_with_file_and_row(tmp_path: Path, sounds: Path) -> None:
    task = AudioClassification(AudioClassificationArguments(**TINY))
    table = tmp_path / "list.csv"
    good = sounds / "low" / "00.wav"
    table.write_text(f"sound,label\n{good},a\n")
    with pytest.raises(DataError, match=r"list.csv` must have a column 'file', received sound, label"):
        task.load_data(DataArguments(data=str(table)))
    table.write_text(f"file,kind\n{good},a\n")
    with pytest.raises(DataError, match=r"list.csv` must have a column 'label', received file, kind"):
        task.load_data(DataArguments(data=str(table)))
    (tmp_path / "bad.wav").write_bytes(b"RIFF and nothing more")
    table.write_text(f"file,label\n{good},a\nbad.wav,b\nabsent.wav,a\n")
    with pytest.raises(
        DataError, match=r"list.csv, row 2`: .*bad.wav` cannot be read as sound.* \(and 1 more\)"
    ):
        task.load_data(DataArguments(data=str(table)))
    splits = task.load_data(DataArguments(data=str(table), unreadable="skip"))
    assert len(splits.unreadable) == 2
    (tmp_path / "classes" / "a").mkdir(parents=True)
    with pytest.raises(DataError, match=r"a` is a class without files \(.wav, .flac"):
        task.load_data(DataArguments(data=str(tmp_path / "classes")))


def test_a_start_that_hears_something_else_is_refused(sounds: Path) -> None:
    task = AudioClassification(AudioClassificationArguments(**TINY))
    task.load_data(DataArguments(data=str(sounds)))
    own = task.build_model(task.columns, None).config
    own.modalities["audio"]["max_resolution"] = 77
    started = AudioClassification(AudioClassificationArguments(**{**TINY, "num_latents": 5}))
    config = started.build_model(task.columns, own).config
    assert (config.num_latents, config.answers["label"]["id2label"]) == (3, {0: "high", 1: "low"})
    assert config.modalities["audio"]["max_resolution"] == 77, "positions are the checkpoint's"
    other = PerceiverConfig(modalities={"audio": {**own.modalities["audio"], "mel_bins": 12}})
    with pytest.raises(ConfigurationError, match=r"`start` must hear the same .* mel_bins 6, received 12"):
        started.build_model(task.columns, other)


def test_a_table_whose_sounds_stand_in_another_column_is_measured_and_answered(
    trained: tuple[Path, dict[str, Any]], sounds: Path, tmp_path: Path
) -> None:
    table = tmp_path / "list.csv"
    rows = [f"{sounds / name / '00.wav'},{name}" for name in ("high", "low")]
    table.write_text("audio,label\n" + "\n".join(rows) + "\n")
    assert evaluate(trained[0], data=str(table), split="all", device="cpu")["metrics"]["accuracy"] == 1.0
    found = predict(trained[0], [table], tmp_path / "out", device="cpu")
    assert [each.values["label"] for each in found] == ["high", "low"]
    table.write_text("audio,label\n" + "\n".join([*rows, ",low"]) + "\n")
    with pytest.raises(DataError, match=r"list.csv, row 3`: has no value in the column 'audio'"):
        predict(trained[0], [table], tmp_path / "out", device="cpu")


def test_spectrograms_are_averaged_in_pairs_with_their_targets() -> None:
    task = AudioClassification(AudioClassificationArguments(**{**TINY, "clip_seconds": 0.2, "mixup": 1.0}))
    columns: Any = SimpleNamespace(
        augment=dict, answers={ANSWER: SimpleNamespace(description=SimpleNamespace(num_outputs=3))}
    )
    task.columns = columns
    heard = torch.eye(5).view(5, 5, 1)
    torch.manual_seed(0)
    batch = task.augment({"inputs": {"audio": heard}, LABELS: {ANSWER: torch.tensor([0, 1, 2, 0, 1])}})
    shares = batch["inputs"]["audio"][..., 0]
    torch.testing.assert_close(batch[LABELS][ANSWER], shares @ torch.eye(3)[[0, 1, 2, 0, 1]])
    assert ((shares > 0).sum(dim=1) > 1).any()
