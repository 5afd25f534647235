"""Point classification end to end at tiny size, and its parts against sets worked out by hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

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
from perceivers.configuration import PerceiverConfig
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.points.mesh import Mesh
from perceivers.kinds.points.reading import PointSet
from perceivers.tasks.point_classification.options import PointClassificationArguments
from perceivers.tasks.point_classification.task import PointClassification
from perceivers.tasks.registry import load_run, task_class
from perceivers.training.evaluation import evaluate
from perceivers.training.prediction import predict
from perceivers.training.run import train

TINY: dict[str, Any] = {
    "size": "usual",
    "num_latents": 3,
    "latent_channels": 8,
    "num_layers": 1,
    "num_heads": 2,
    "qk_channels": 8,
    "num_fourier_bands": 2,
    "max_resolution": 4,
    "num_points": 40,
}


def line_or_ball(count: int) -> list[tuple[str, np.ndarray]]:
    """Sets of 11 to 60 points along an axis, or about a place."""
    generator = np.random.default_rng(0)
    made = []
    for index in range(count):
        points = generator.normal(size=(int(generator.integers(11, 61)), 3))
        if index % 2:
            points[:, :2] *= 0.05
        made.append(("line" if index % 2 else "ball", 7.0 + 3.0 * points))
    return made


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder a class, with files of several kinds."""
    root = tmp_path_factory.mktemp("sets")
    for index, (name, points) in enumerate(line_or_ball(40)):
        folder = root / name
        folder.mkdir(exist_ok=True)
        if index % 3 == 0:
            np.save(folder / f"{index:02d}.npy", points)
        elif index % 3 == 1:
            np.savetxt(folder / f"{index:02d}.csv", points, delimiter=",", header="x,y,z", comments="")
        else:
            np.savetxt(folder / f"{index:02d}.txt", points)
    return root


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, sets: Path) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("runs") / "sets"
    results = train(
        PointClassification(PointClassificationArguments(**TINY, jitter=0.01, drop=0.2)),
        RunArguments(
            output=str(folder),
            data=DataArguments(data=str(sets)),
            training=TrainingArguments(epochs=20, batch_size=7, device="cpu", watch_every=1_000),
            optimization=OptimizationArguments(learning_rate=2e-2, warmup_steps=5),
        ),
    )
    return folder, results


def test_a_folder_of_files_is_learnt_and_measured_again(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, results = trained
    assert results["test"]["accuracy"] == 1.0
    assert results["samples"] == {"train": 28, "validation": 4, "test": 8}
    again = evaluate(folder, output=tmp_path, device="cpu")
    assert again["metrics"] == pytest.approx(results["test"], rel=1e-3, abs=1e-5)
    assert (tmp_path / "confusions.png").exists()
    config = json.loads((folder / "config.json").read_text())
    assert config["modalities"]["points"]["num_coordinates"] == 3
    assert config["modalities"]["points"]["num_features"] == 0


def test_neighbourhoods_are_learnt_saved_and_shown(sets: Path, tmp_path: Path) -> None:
    around = {
        "input_form": "neighbourhoods",
        "neighbourhood_widths": (5, 7),
        "neighbourhood_centres": (17, 9),
        "num_neighbours": 4,
    }
    results = train(
        PointClassification(PointClassificationArguments(**TINY, **around, drop=0.2)),
        RunArguments(
            output=str(tmp_path / "run"),
            data=DataArguments(data=str(sets)),
            training=TrainingArguments(epochs=8, batch_size=7, device="cpu"),
            optimization=OptimizationArguments(learning_rate=2e-2, warmup_steps=5),
            pictures=False,
        ),
    )
    assert results["test"]["accuracy"] == 1.0
    again = evaluate(tmp_path / "run", device="cpu")
    assert again["metrics"] == pytest.approx(results["test"], rel=1e-3, abs=1e-5)
    (prediction,) = predict(tmp_path / "run", [sets / "ball" / "00.npy"], tmp_path / "said", device="cpu")
    shown = prediction.shown["inputs"]["points"]
    # Each point has the weight of the token that it lies nearest to.
    assert len(shown.attention) == len(shown.points) > 9
    assert len(np.unique(shown.attention)) <= 9


def test_predictions_are_a_table_and_a_picture(
    trained: tuple[Path, dict[str, Any]], sets: Path, tmp_path: Path
) -> None:
    inputs = [sets / "line", sets / "ball" / "00.npy", sets / "ball" / "04.csv"]
    predictions = predict(trained[0], inputs, tmp_path, device="cpu")
    assert [prediction.values["label"] for prediction in predictions] == ["line"] * 20 + ["ball"] * 2
    with (tmp_path / "predictions.csv").open(newline="") as file:
        assert [row["source"] for row in csv.DictReader(file)][20:] == [str(path) for path in inputs[1:]]
    shown = predictions[0].shown["inputs"]["points"]
    assert shown.points.shape == (len(shown.attention), 3)
    assert shown.attention.sum() == pytest.approx(1.0, abs=1e-5)
    with Image.open(tmp_path / "predictions.png") as picture:
        assert picture.width > 1500
        assert np.asarray(picture.convert("L")).std() > 5.0


def test_the_order_of_points_and_the_place_and_size_of_the_set_do_not_matter(
    trained: tuple[Path, dict[str, Any]],
) -> None:
    _, parts, _ = load_run(trained[0])
    points = line_or_ball(1)[0][1][:11]
    changed = points[np.random.default_rng(1).permutation(11)] * 5.0 - 100.0
    inputs, mask = given(parts, points, changed)
    assert mask is None
    first, second = parts.model.eval()(inputs=inputs).logits["label"]
    torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-4)


def test_a_set_is_answered_alike_alone_and_beside_larger_ones(
    trained: tuple[Path, dict[str, Any]],
) -> None:
    _, parts, _ = load_run(trained[0])
    small, large = line_or_ball(2)[0][1][:11], line_or_ball(2)[1][1][:31]
    inputs, mask = given(parts, small, large)
    assert mask is not None
    assert inputs.shape == (2, 31, 3)
    assert mask.sum(dim=1).tolist() == [11, 31]
    alone, no_mask = given(parts, small)
    assert no_mask is None
    model = parts.model.eval()
    together = model(inputs=inputs, attention_mask=mask).logits["label"]
    torch.testing.assert_close(together[:1], model(inputs=alone).logits["label"], rtol=1e-4, atol=1e-5)


def test_a_table_of_lists_is_trained_on_and_answered(tmp_path: Path) -> None:
    with (tmp_path / "sets.jsonl").open("w") as file:
        for name, points in line_or_ball(20):
            file.write(
                json.dumps({"cloud": np.c_[points, points[:, 0]].round(3).tolist(), "kind": name}) + "\n"
            )
    columns = {"points_column": "cloud", "label_column": "kind"}
    task = PointClassification(PointClassificationArguments(**TINY, **columns, feature_channels=5))
    run = RunArguments(
        output=str(tmp_path / "run"),
        data=DataArguments(data=str(tmp_path / "sets.jsonl")),
        training=TrainingArguments(epochs=1, batch_size=7, device="cpu"),
        pictures=False,
    )
    train(task, run)
    _, parts, _ = load_run(tmp_path / "run")
    assert counts_of(parts) == (3, 1)
    predictions = predict(tmp_path / "run", [tmp_path / "sets.jsonl"], device="cpu")
    assert len(predictions) == 20
    assert predictions[4].source == f"{tmp_path / 'sets.jsonl'}, row 5"


def test_pictures_are_sets_of_their_inked_pixels(tmp_path: Path) -> None:
    task = PointClassification(PointClassificationArguments(**TINY))
    splits = task.load_data(DataArguments(data="digits"))
    parts = task.build(splits)
    assert counts_of(parts) == (2, 1)
    points = splits.train[0].values[0].shape
    assert points.shape[1] == 3
    assert 0 < points[:, 2].min() < points[:, 2].max() <= 1.0
    # A folder of picture files is read alike.
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for index in range(3):
            Image.new("RGB", (3, 2), (9, 9, 9)).save(tmp_path / name / f"{index}.png")
    files = task.load_data(DataArguments(data=str(tmp_path)))
    assert files.train[0].values[0].shape.shape == (6, 3)


OFF = "OFF\n4 2 0\n0 0 0\n2 0 0\n2 2 0\n0 2 {height}\n3 0 1 2\n3 0 2 3\n"


def test_surfaces_are_sampled_anew_while_training_and_alike_when_measuring(tmp_path: Path) -> None:
    for name in ("flat", "bent"):
        (tmp_path / name).mkdir()
        for index in range(3):
            (tmp_path / name / f"{index}.off").write_text(OFF.format(height=index if name == "bent" else 0))
    task = PointClassification(PointClassificationArguments(**TINY))
    splits = task.load_data(DataArguments(data=str(tmp_path)))
    parts = task.build(splits)
    sample = splits.train[0]
    assert isinstance(sample.values[0].shape, Mesh)
    first, again, other = (
        task.vary(sample, np.random.default_rng(seed)).values[0].shape for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    batches = [task.collate(parts.processor, [sample, splits.test[0]]) for _ in range(2)]
    assert batches[0]["inputs"]["points"].shape == (2, 40, 3)
    assert torch.equal(batches[0]["inputs"]["points"], batches[1]["inputs"]["points"])
    assert batches[0]["attention_mask"] == {}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"normalization": "cube"}, "`normalization` must be one of sphere, box, none, received 'cube'"),
        ({"rotation_axis": "w"}, "`rotation_axis` must be one of x, y, z, received 'w'"),
        ({"rotation_axis": "x", "num_coordinates": 2}, "`rotation_axis` must be 'z' for points in a plane"),
        ({"rotation": 5.0, "num_coordinates": 1}, "`rotation` needs two coordinates or more"),
        ({"rotation": 200.0}, r"`rotation` must be in \[0, 180\], received 200\.0"),
        ({"shift": 0.1}, r"`shift` needs `normalization` none, received 0\.1 with 'sphere'"),
        ({"coordinate_range": 2.0}, "`coordinate_range` needs `normalization` none"),
        ({"coordinate_range": 0.0, "normalization": "none"}, "`coordinate_range` must be above 0"),
        ({"drop": 1.0}, r"`drop` must be in \[0, 1\), received 1\.0"),
        ({"jitter": -0.1}, r"`jitter` must be at least 0, received -0\.1"),
        ({"num_points": 0}, "`num_points` must be at least 1, received 0"),
        ({"input_form": "balls"}, "`input_form` must be one of single, neighbourhoods, received 'balls'"),
        (
            {"input_form": "neighbourhoods", "neighbourhood_widths": (5,)},
            r"must have one number a stage, received \(5,\) and \(128, 32\)",
        ),
        (
            {"input_form": "neighbourhoods", "neighbourhood_centres": (5, 7)},
            r"must not grow from stage to stage, received \(5, 7\)",
        ),
        (
            {"input_form": "neighbourhoods", "neighbourhood_widths": (5, 0)},
            "`neighbourhood_widths` must be one whole number or more, each at least 1",
        ),
    ],
)
def test_choices_that_cannot_be_are_named(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        PointClassificationArguments(**{**TINY, **changed})


def given(parts: Any, *sets: np.ndarray) -> tuple[torch.Tensor, torch.Tensor | None]:
    """What the model is given of some sets: points, and their mask."""
    tensors = parts.processor.tensors([(PointSet(points),) for points in sets])["points"]
    return tensors.values, tensors.mask


def counts_of(parts: Any) -> tuple[int, int]:
    kind = parts.processor.inputs[0].kind
    return kind.num_coordinates, kind.num_features


def load(path: Path, **changed: Any) -> Any:
    task = PointClassification(PointClassificationArguments(**{**TINY, **changed}))
    splits = task.load_data(DataArguments(data=str(path)))
    return task.build(splits)


def test_mistakes_in_the_data_name_file_and_row(tmp_path: Path) -> None:
    table = tmp_path / "t.jsonl"
    rows = [{"points": [[1, 2, 3]], "label": "a"}, {"points": [[1, 2, 3]], "label": "b"}]

    def write(*changed: dict[str, Any]) -> Path:
        table.write_text("".join(json.dumps(row) + "\n" for row in (*rows, *changed)))
        return table

    with pytest.raises(DataError, match=r"t\.jsonl` must have a column 'cloud', received points, label"):
        load(write(), points_column="cloud")
    with pytest.raises(
        DataError, match=r"t\.jsonl, row 3`: points must have 3 numbers each, received points of 2"
    ):
        load(write({"points": [[1, 2]], "label": "a"}))
    with pytest.raises(DataError, match=r"t\.jsonl, row 3`: points must have the shape"):
        load(write({"points": [], "label": "a"}))
    with pytest.raises(DataError, match=r"t\.jsonl, row 3`: has no value in the column 'points'"):
        load(write({"points": None, "label": "a"}))
    with pytest.raises(
        ConfigurationError,
        match=r"`num_coordinates` must be at most the 3 numbers .* column 'points', received 4",
    ):
        load(write(), num_coordinates=4)
    with pytest.raises(
        ConfigurationError, match="`feature_channels` needs points with features, received points of 3"
    ):
        load(write(), feature_channels=5)


def test_a_table_without_a_single_readable_set_is_an_error(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.npy").write_bytes(b"no array")
    with pytest.raises(DataError, match=r"holds no set that can be read: .*b/0\.npy` cannot be read as "):
        load(tmp_path)


def test_inputs_that_the_model_cannot_take_are_named(
    trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"gone\.npy` does not exist"):
        predict(trained[0], [tmp_path / "gone.npy"], tmp_path / "out")
    np.save(tmp_path / "wide.npy", np.ones((5, 4)))
    with pytest.raises(DataError, match=r"wide\.npy`: points must have 3 numbers each, received points of 4"):
        predict(trained[0], [tmp_path / "wide.npy"], tmp_path / "out")


def test_a_run_can_start_from_another_of_the_same_points(
    trained: tuple[Path, dict[str, Any]], sets: Path, tmp_path: Path
) -> None:
    results = train(
        PointClassification(PointClassificationArguments(**{**TINY, "num_latents": "auto"})),
        RunArguments(
            output=str(tmp_path / "run"),
            data=DataArguments(data=str(sets)),
            start=StartArguments(start=str(trained[0])),
            training=TrainingArguments(epochs=1, batch_size=7, device="cpu"),
            pictures=False,
        ),
    )
    assert results["new_weights"] == []
    assert load_run(tmp_path / "run")[1].model.config.num_latents == 3


def test_a_checkpoint_of_other_inputs_is_refused(sets: Path) -> None:
    task = PointClassification(PointClassificationArguments(**TINY))
    splits = task.load_data(DataArguments(data=str(sets)))
    with pytest.raises(
        ConfigurationError, match="3 coordinates and 0 features, as `data` has, received one of other"
    ):
        task.build(splits, PerceiverConfig())
    flat = PerceiverConfig(modalities={"points": {"type": "points", "num_coordinates": 2}})
    with pytest.raises(ConfigurationError, match=r"received one of .*'num_coordinates': 2"):
        task.build(splits, flat)


def test_the_task_is_known_by_its_name() -> None:
    assert task_class("point-classification") is PointClassification
