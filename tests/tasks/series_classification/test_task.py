"""Series classification end to end at tiny size, and its parts against numbers worked out by hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from perceivers.arguments import (
    DataArguments,
    OptimizationArguments,
    RunArguments,
    TrainingArguments,
)
from perceivers.configuration import PerceiverConfig
from perceivers.data.tables import ListTable
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.series.tensors import VariedSeries
from perceivers.predictor import load
from perceivers.tasks.inputs import Sample
from perceivers.tasks.registry import load_run, task_class
from perceivers.tasks.series_classification.options import SeriesClassificationArguments
from perceivers.tasks.series_classification.task import SeriesClassification
from perceivers.training.evaluation import evaluate
from perceivers.training.prediction import predict
from perceivers.training.run import train

TINY: dict[str, Any] = {
    "size": "usual",
    "num_latents": 3,
    "latent_channels": 8,
    "num_layers": 1,
    "num_heads": 2,
    "tokens": "steps",
    "patch_channels": 7,
    "num_fourier_bands": 2,
}


def rising_or_falling(count: int) -> list[tuple[str, np.ndarray]]:
    """Series of 3 to 11 steps of two channels, the second of which rises or falls."""
    generator = np.random.default_rng(0)
    made = []
    for index in range(count):
        steps = int(generator.integers(3, 12))
        slope = np.linspace(-1.0, 1.0, steps) * (1.0 if index % 2 else -1.0)
        noise = 0.1 * generator.standard_normal((steps, 2))
        values = 50.0 + 3.0 * (np.stack([np.zeros(steps), slope], axis=1) + noise)
        made.append(("rising" if index % 2 else "falling", values))
    return made


def write_ts(path: Path, count: int) -> Path:
    lines = ["@dimensions 2", "@classLabel true rising falling", "@data"]
    for label, values in rising_or_falling(count):
        lines.append(":".join(",".join(f"{v:.6g}" for v in channel) for channel in values.T) + f":{label}")
    path.write_text("\n".join(lines) + "\n")
    return path


def write_folders(root: Path, count: int) -> Path:
    for index, (label, values) in enumerate(rising_or_falling(count)):
        (root / label).mkdir(parents=True, exist_ok=True)
        if index % 3:
            np.save(root / label / f"{index:02d}.npy", values)
        else:
            np.savetxt(root / label / f"{index:02d}.csv", values, delimiter=",", header="x,y", comments="")
    return root


def write_long(path: Path, count: int, labelled: bool = True) -> Path:
    rows = [
        {"series": f"s{number}", "step": step, "x": x, "y": y, **({"label": label} if labelled else {})}
        for number, (label, values) in enumerate(rising_or_falling(count))
        for step, (x, y) in enumerate(values)
    ]
    np.random.default_rng(1).shuffle(rows)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(output: Path, data: Path, epochs: int = 12, **chosen: Any) -> dict[str, Any]:
    return train(
        SeriesClassification(SeriesClassificationArguments(**{**TINY, **chosen})),
        RunArguments(
            output=str(output),
            data=DataArguments(data=str(data), test_fraction=0.25, validation_fraction=0.2),
            training=TrainingArguments(epochs=epochs, batch_size=7, device="cpu", watch_every=1_000),
            optimization=OptimizationArguments(learning_rate=2e-2, warmup_steps=5),
            pictures=False,
        ),
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("series")
    augmentation = {"jitter": 0.05, "scaling": 0.05, "crop": 0.1, "time_warp": 0.2, "time_stretch": 0.1}
    return folder / "run", run(folder / "run", write_ts(folder / "slopes.ts", 40), epochs=16, **augmentation)


def test_the_registry_knows_the_task() -> None:
    assert task_class("series-classification") is SeriesClassification


def test_a_run_learns_slopes_and_evaluates_alike(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, results = trained
    assert results["samples"] == {"train": 24, "validation": 6, "test": 10}
    assert results["test"]["accuracy"] == 1.0
    again = evaluate(folder, device="cpu")
    assert again["metrics"]["accuracy"] == 1.0
    assert again["metrics"]["loss"] == pytest.approx(results["test"]["loss"], abs=1e-5)
    assert (folder / "confusions.png").is_file()


def test_the_scale_of_the_training_series_is_saved_with_the_run(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = trained
    (saved,) = (each["state"] for each in json.loads((folder / "columns.json").read_text())["inputs"])
    task, parts, run_arguments = load_run(folder)
    splits = task.load_data(run_arguments.data, parts)
    values = np.concatenate([splits.train[index].values[0] for index in range(len(splits.train))])
    assert np.allclose(saved["mean"], values.mean(axis=0), rtol=1e-5)
    assert np.allclose(saved["std"], values.std(axis=0), rtol=1e-4)


def test_files_of_every_kind_are_answered(trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, _ = trained
    write_folders(tmp_path / "folders", 6)
    write_ts(tmp_path / "more.ts", 2)
    write_long(tmp_path / "long.csv", 4, labelled=False)
    inputs = [tmp_path / "folders", tmp_path / "more.ts"]
    predictions = predict(folder, inputs, tmp_path / "out", device="cpu")
    assert [p.values["label"] for p in predictions] == ["falling"] * 3 + ["rising"] * 3 + [
        "falling",
        "rising",
    ]
    assert predictions[0].source == str(tmp_path / "folders" / "falling" / "00.csv")
    assert predictions[6].source == f"{tmp_path / 'more.ts'}, line 4"
    assert sum(predictions[0].values["probabilities"].values()) == pytest.approx(1.0)
    assert (tmp_path / "out" / "predictions.png").stat().st_size > 10_000
    rows = list(csv.DictReader((tmp_path / "out" / "predictions.csv").read_text().splitlines()))
    assert [row["label"] for row in rows] == [p.values["label"] for p in predictions]


def test_a_long_table_trains_and_is_answered_series_by_series(tmp_path: Path) -> None:
    columns = {"time_column": "step", "channel_columns": ("y", "x")}
    results = run(tmp_path / "run", write_long(tmp_path / "long.csv", 40), **columns)
    assert results["test"]["accuracy"] == 1.0
    new = write_long(tmp_path / "new.csv", 5, labelled=False)
    predictions = predict(tmp_path / "run", [new], tmp_path / "out", device="cpu")
    labels = {prediction.source: prediction.values["label"] for prediction in predictions}
    assert labels == {f"{new}, series s{i}": "rising" if i % 2 else "falling" for i in range(5)}


def frame_of(path: Path) -> dict[str, list[Any]]:
    rows = list(csv.DictReader(path.read_text().splitlines()))
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_channels_of_a_long_table_are_found_again_by_their_names(tmp_path: Path) -> None:
    run(tmp_path / "run", write_long(tmp_path / "long.csv", 40), time_column="step")
    (saved,) = json.loads((tmp_path / "run" / "columns.json").read_text())["inputs"]
    assert saved["state"]["channel_names"] == ["x", "y"]
    new = frame_of(write_long(tmp_path / "new.csv", 7, labelled=False))
    predictor = load(tmp_path / "run", device="cpu")
    expected = ["rising" if name[1:] in "135" else "falling" for name in dict.fromkeys(new["series"])]
    for columns in (["series", "step", "x", "y"], ["y", "x", "step", "series"]):
        answers = predictor({name: new[name] for name in columns})
        assert [answer["label"] for answer in answers] == expected  # type: ignore[index]
    kind, row = predictor.parts.processor.inputs[0].kind, {"series": str(tmp_path / "new.csv")}
    with pytest.raises(DataError, match="must be a single series, received 7 by the column 'series'"):
        kind.read(row, ["series"], ListTable([row], "asked"))


def test_a_row_a_series_is_answered_by_the_names_of_its_steps_with_a_class_or_without(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["label", *(f"t{step}" for step in range(11))])
        for number in range(40):
            slope = np.linspace(-1.0, 1.0, 11) * (1.0 if number % 2 else -1.0)
            writer.writerow(["rising" if number % 2 else "falling", *(slope + 0.01 * number).round(3)])
    run(tmp_path / "run", path)
    table = frame_of(path)
    del table["label"]
    predictor = load(tmp_path / "run", device="cpu")
    expected = ["rising" if number % 2 else "falling" for number in range(40)]
    for names in (list(table), list(reversed(table))):
        answers = predictor({name: table[name] for name in names})
        assert [answer["label"] for answer in answers] == expected  # type: ignore[index]
    unlabelled = tmp_path / "new.csv"
    unlabelled.write_text("\n".join(line.partition(",")[2] for line in path.read_text().splitlines()) + "\n")
    predictions = predict(tmp_path / "run", [unlabelled], device="cpu")
    assert [each.values["label"] for each in predictions] == expected
    with pytest.raises(DataError, match="`values` must be cells, received the name of a table"):
        predictor([str(unlabelled)])


def test_a_series_of_missing_values_is_none(trained: tuple[Path, dict[str, Any]]) -> None:
    rising = np.stack([np.zeros(5), np.linspace(47.0, 53.0, 5)], axis=1)
    missing, answer = load(trained[0], device="cpu")([np.full((5, 2), np.nan), rising])
    assert str(missing) == "`values, row 1`: has no value in the column 'series'"
    assert answer["label"] == "rising"  # type: ignore[index]


def test_class_folders_with_gaps_train_when_gaps_are_marked(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "folders", 16)
    gap = root / "falling" / "00.csv"
    lines = gap.read_text().splitlines()
    gap.write_text("\n".join([*lines[:2], f",{lines[2].split(',')[1]}", *lines[3:]]) + "\n")
    with pytest.raises(
        DataError, match=r"falling/00.csv`: the value of step 2, channel 1 is missing; take `--missing"
    ):
        run(tmp_path / "stopped", root, epochs=1, missing="stop")
    for missing in ("mark", "interpolate"):
        results = run(tmp_path / missing, root, epochs=1, missing=missing)
        assert results["unreadable"] == []
    config = json.loads((tmp_path / "mark" / "config.json").read_text())
    assert config["modalities"]["series"]["allow_missing"] is True


def test_a_batch_holds_normalised_series_and_which_steps_count() -> None:
    task = SeriesClassification(SeriesClassificationArguments(**TINY))
    splits = task.load_data(DataArguments(data="japanese-vowels", unreadable="trust"))
    assert [len(splits.part(part)) for part in ("train", "validation", "test")] == [243, 27, 370]
    parts = task.build(splits)
    samples = [splits.train[index] for index in (0, 100)]
    batch = task.collate(parts.processor, samples)
    lengths = [len(sample.values[0]) for sample in samples]
    assert batch["inputs"]["series"].shape == (2, max(lengths), 12)
    assert batch["attention_mask"]["series"].sum(dim=1).tolist() == lengths
    assert batch["labels"]["label"].tolist() == [sample.targets[0] for sample in samples]
    kind = parts.processor.inputs[0].kind
    expected = (samples[0].values[0] - np.array(kind.mean)) / np.array(kind.std)
    assert np.allclose(batch["inputs"]["series"][0, : lengths[0]], expected, atol=1e-5)
    assert parts.model.config.modalities["series"]["max_resolution"] == 29
    logits = parts.model.eval()(**task.given(batch)).logits["label"]
    alone = task.collate(parts.processor, samples[:1])
    again = parts.model(**task.given(alone)).logits["label"]
    assert torch.allclose(logits[:1], again, atol=1e-5), "what others are padded with changes nothing"


def test_the_change_of_a_sample_depends_on_the_generator_alone() -> None:
    data = DataArguments(data="japanese-vowels", unreadable="trust")
    changes = {"jitter": 0.1, "crop": 0.3, "time_warp": 0.3, "channel_dropout": 0.2}
    task = SeriesClassification(SeriesClassificationArguments(**TINY, **changes))
    task.load_data(data)
    sample = Sample((np.arange(26, dtype=np.float32).reshape(13, 2),), (0,))
    first, second, other = (task.vary(sample, np.random.default_rng(seed)).values[0] for seed in (5, 5, 6))
    assert np.array_equal(first.values, second.values)
    assert np.array_equal(first.noise, second.noise)
    assert not np.array_equal(first.noise, other.noise)
    plain = SeriesClassification(SeriesClassificationArguments(**TINY))
    plain.load_data(data)
    untouched = plain.vary(sample, np.random.default_rng(5))
    assert untouched == Sample((VariedSeries(sample.values[0]),), (0,))


def test_absolute_positions_know_the_longest_series_of_all_parts() -> None:
    task = SeriesClassification(SeriesClassificationArguments(**TINY, positions="absolute"))
    splits = task.load_data(DataArguments(data="japanese-vowels", unreadable="trust"))
    parts = task.build(splits)
    assert parts.model.config.modalities["series"]["max_length"] == 29
    (only,) = parts.processor.inputs
    with pytest.raises(DataError, match=r"at most 29 steps long \(`max_length`\), received 30"):
        only.kind.read({"series": np.zeros((30, 12))}, only.columns, None)
    assert only.kind.read({"series": np.zeros((29, 12))}, only.columns, None).shape == (29, 12)


def test_other_channels_than_the_models_are_named(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    path = tmp_path / "three.csv"
    path.write_text("1,2,3\n4,5,6\n")
    with pytest.raises(DataError, match=r"three.csv`: a series must have 2 channels, received 3"):
        predict(trained[0], [path], tmp_path / "out", device="cpu")


def test_a_table_without_series_names_both_columns_that_it_could_have(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("x,y,label\n1,2,a\n3,4,b\n")
    task = SeriesClassification(SeriesClassificationArguments(**TINY))
    with pytest.raises(
        DataError, match=r"must have a column 'series' .* or a column 'file' .* received x, y, label"
    ):
        task.load_data(DataArguments(data=str(path)))
    path.write_text("file,kind\na.csv,up\n")
    with pytest.raises(DataError, match=r"must have a column 'label', received file, kind"):
        task.load_data(DataArguments(data=str(path)))
    path.write_text("file,label\nabsent.csv,up\n,down\n")
    with pytest.raises(
        DataError, match=r"table.csv, row 1`: .*absent.csv` cannot be read as a table.* \(and 1 more\)"
    ):
        task.load_data(DataArguments(data=str(path)))


def test_an_empty_class_and_an_empty_file_are_named(tmp_path: Path) -> None:
    root = write_folders(tmp_path / "folders", 8)
    task = SeriesClassification(SeriesClassificationArguments(**TINY))
    (root / "level").mkdir()
    with pytest.raises(DataError, match=r"level` is a class without files \(.csv, .tsv, .npy\)"):
        task.load_data(DataArguments(data=str(root)))
    (root / "level" / "1.csv").write_text("")
    with pytest.raises(DataError, match=r"level/1.csv` holds no steps: it is empty"):
        task.load_data(DataArguments(data=str(root)))
    splits = task.load_data(DataArguments(data=str(root), unreadable="skip"))
    assert len(splits.unreadable) == 1


def test_a_start_of_other_channels_is_refused_and_one_of_the_same_keeps_its_sizes() -> None:
    task = SeriesClassification(SeriesClassificationArguments(**TINY))
    splits = task.load_data(DataArguments(data="japanese-vowels", unreadable="trust"))
    own = task.build(splits).model.config
    other_task = SeriesClassification(SeriesClassificationArguments(tokens="steps"))
    started = other_task.build(
        other_task.load_data(DataArguments(data="japanese-vowels", unreadable="trust")), own
    )
    assert started.model.config.num_latents == 3
    other = PerceiverConfig(modalities={"series": {"type": "series", "in_channels": 5}})
    with pytest.raises(ConfigurationError, match="`start` must be a model of series with 12 channels"):
        task.build(splits, other)


def test_patterns_are_chosen_for_few_series_and_learn_from_averages_of_them(tmp_path: Path) -> None:
    sizes = {"num_latents": 3, "latent_channels": 8, "num_heads": 2}
    task = SeriesClassification(
        SeriesClassificationArguments(**sizes, pattern_dilations=1, pattern_thresholds=2, pattern_channels=7)
    )
    run_arguments = RunArguments(
        output=str(tmp_path / "run"),
        data=DataArguments(data=str(write_ts(tmp_path / "small.ts", 40))),
        training=TrainingArguments(epochs=20, batch_size=8, device="cpu", watch_every=1_000),
        optimization=OptimizationArguments(learning_rate=0.02, weight_decay=0.1),
        pictures=False,
    )
    results = train(task, run_arguments)
    assert (task.arguments.tokens, task.arguments.mixup) == ("patterns", 0.4)
    assert results["test"]["accuracy"] == 1.0
    again = evaluate(tmp_path / "run", device="cpu")
    assert again["metrics"]["loss"] == pytest.approx(results["test"]["loss"], abs=1e-5)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["modalities"]["series"]["group_sizes"] == [168, 168, 48]


def test_labels_of_averaged_series_are_shares() -> None:
    task = SeriesClassification(SeriesClassificationArguments(tokens="patterns", mixup=1.0))
    splits = task.load_data(DataArguments(data="japanese-vowels", unreadable="trust"))
    task.columns = task.columns.surveyed(splits.train.table)
    torch.manual_seed(0)
    batch = task.augment(
        {"inputs": {"series": torch.eye(5)}, "labels": {"label": torch.tensor([0, 3, 8, 0, 1])}}
    )
    shares = torch.zeros(5, 9)
    for own, label in enumerate([0, 3, 8, 0, 1]):
        shares[:, label] += batch["inputs"]["series"][:, own]
    assert torch.allclose(batch["labels"]["label"], shares)


def test_steps_cannot_be_averaged(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"`mixup` must be 0 where `tokens` are steps, received 0.2"):
        run(tmp_path / "run", write_ts(tmp_path / "small.ts", 20), mixup=0.2)


def test_whoever_chooses_how_steps_are_told_sees_steps_too() -> None:
    task = SeriesClassification(SeriesClassificationArguments(steps_per_patch=2))
    task.load_data(DataArguments(data="japanese-vowels", unreadable="trust"))
    assert task.arguments.tokens == "both"
    task = SeriesClassification(SeriesClassificationArguments(jitter=0.1))
    task.load_data(DataArguments(data="japanese-vowels", unreadable="trust"))
    assert task.arguments.tokens == "patterns"
