"""A trained run asked from Python: frames, rows, bare lists; what is absent, unknown or cannot be read; several threads."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import perceivers
from perceivers.arguments import DataArguments, RunArguments, TrainingArguments
from perceivers.data.frames import table_of
from perceivers.errors import ConfigurationError, DataError
from perceivers.predictor import Predictor, choose_device, load
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.image_classification.task import ImageClassification
from perceivers.training.run import train
from tiny_tables import fit_tiny, fruit, rows_of, without, write_table

ASKED = without(fruit(7, seed=2), "price", "kind", "tags")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    fit_tiny(fruit(), ["kind", "price", "tags:labels"], output=folder, overwrite=True)
    return folder


@pytest.fixture(scope="module")
def predictor(run: Path) -> Predictor:
    return load(run, device="cpu")


def test_frames_mappings_and_rows_are_answered_alike_in_their_order(predictor: Predictor) -> None:
    expected = predictor(ASKED)
    assert [row["size"] for row in expected] == ASKED["size"]  # type: ignore[index]
    assert (
        predictor(pd.DataFrame(ASKED)) == predictor(rows_of(ASKED)) == predictor(table_of(ASKED)) == expected
    )
    first = expected[0]
    assert isinstance(first, dict)
    assert list(first) == [
        "size", "colour", "noise", "price", "kind", "kind_probability", "kind_probabilities", "tags",
        "tags_probability", "tags_probabilities",
    ]  # fmt: skip
    assert sum(first["kind_probabilities"].values()) == pytest.approx(1.0)
    learned = [row["kind"] == ("big" if row["size"] > 5 else "small") for row in expected]  # type: ignore[index]
    assert sum(learned) >= 6


def test_a_row_alone_is_answered_as_in_a_list(predictor: Predictor) -> None:
    (expected,) = predictor(rows_of(ASKED)[:1])
    assert predictor(rows_of(ASKED)[0]) == predictor(pd.DataFrame(ASKED).iloc[0]) == [expected]


def test_columns_may_come_in_any_order_and_unknown_ones_are_ignored(predictor: Predictor) -> None:
    expected = predictor(ASKED)
    others = predictor({"unknown": [1] * 7, **{name: ASKED[name] for name in ("noise", "colour", "size")}})
    for row, other in zip(expected, others, strict=True):
        assert isinstance(row, dict)
        assert isinstance(other, dict)
        assert {**row, "unknown": 1} == other


def test_what_is_absent_is_masked(predictor: Predictor) -> None:
    empty = {**ASKED, "noise": [None] * 7}
    for without_it, with_nothing in zip(predictor(without(ASKED, "noise")), predictor(empty), strict=True):
        assert isinstance(without_it, dict)
        assert isinstance(with_nothing, dict)
        assert without_it["price"] == with_nothing["price"]
    with pytest.raises(
        DataError,
        match=r"`values` must have one of the columns size, noise, colour to be answered from, received other",
    ):
        predictor({"other": [1]})


def test_a_target_that_is_there_stays_and_is_told_and_the_answer_stands_beside_it(
    run: Path, predictor: Predictor
) -> None:
    asked = [{"size": 1.0, "kind": "big", "colour": "red"}]
    told = (
        "^`values` holds the column 'kind', which is answered: of each row 'kind' is what was given, and 'kind_answer' the "
        "answer$"
    )
    with pytest.warns(UserWarning, match=told) as warned:
        (row,) = predictor(asked)
    assert warned[0].filename == __file__
    with pytest.warns(UserWarning, match=told) as warned:
        (prediction,) = perceivers.predict(run, asked, device="cpu")
    assert warned[0].filename == __file__
    with pytest.warns(UserWarning, match=told) as warned:
        predictor.predictions_of_values(asked)
    assert warned[0].filename == __file__, "whoever asks"
    with pytest.warns(UserWarning, match=told):
        exec("predictor(asked)", {"predictor": predictor, "asked": asked})  # code whose globals have no name
    assert prediction.values == row
    # Nobody could take for an answer what is not there.
    predictor([{"size": 1.0, "kind": None, "colour": "red"}])
    predictor.values(asked)
    assert isinstance(row, dict)
    assert row["kind"] == "big"
    assert row["kind_answer"] in ("big", "small")


def test_a_row_that_cannot_be_read_is_an_error_beside_the_others(predictor: Predictor) -> None:
    first, second, third = predictor([{"size": 1.0}, {"size": "long"}, {"size": 9.0}])
    assert isinstance(first, dict)
    assert isinstance(third, dict)
    assert isinstance(second, DataError)
    assert str(second).startswith("`values, row 2`: in the column 'size': expected a number, received 'long'")
    with pytest.raises(DataError, match=r"`values, row 2`: in the column 'size'"):
        predictor.values([{"size": 1.0}, {"size": "long"}])


def test_answers_are_given_as_arrays(predictor: Predictor) -> None:
    said, found = predictor(ASKED), predictor.values(ASKED)
    assert {name: values.shape for name, values in found.items()} == {
        "kind": (7, 2), "price": (7,), "tags": (7, 2)
    }  # fmt: skip
    assert predictor.names("kind") == ("big", "small")
    assert predictor.names("price") == ()
    for row, kind, price, tags in zip(said, found["kind"], found["price"], found["tags"], strict=True):
        assert isinstance(row, dict)
        assert row["kind_probabilities"] == pytest.approx(
            dict(zip(predictor.names("kind"), kind, strict=True))
        )
        assert row["tags_probabilities"] == pytest.approx(
            dict(zip(predictor.names("tags"), tags, strict=True))
        )
        assert row["price"] == pytest.approx(price)
    with pytest.raises(
        ConfigurationError, match="`target` must be one of price, kind, tags, received 'size'"
    ):
        predictor.names("size")


def test_several_threads_share_one(predictor: Predictor) -> None:
    asked = [without(fruit(67, seed=seed), "price", "kind", "tags") for seed in range(6)]
    expected = [predictor(each) for each in asked]
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(predictor, asked)) == expected


def test_it_survives_pickle(predictor: Predictor) -> None:
    again = pickle.loads(pickle.dumps(predictor))
    assert again(ASKED) == predictor(ASKED)
    assert again.results == predictor.results


def test_what_is_no_table_is_named(predictor: Predictor) -> None:
    with pytest.raises(DataError, match="`values` must have the columns size, noise, colour: a DataFrame, or a list of "
                       "rows, received a list of float"):  # fmt: skip
        predictor([1.0, 2.0])
    with pytest.raises(DataError, match=r"`values` must be a DataFrame, a row or a list, received str: put"):
        predictor("fruit.csv")
    with pytest.raises(DataError, match="`values` must be a DataFrame, a row or a list, received int"):
        predictor(3)


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"`folder` must be a training run with a file arguments\.yaml"):
        perceivers.load(tmp_path)


def test_the_devices_are_the_accelerator_or_the_processor() -> None:
    assert choose_device("cpu") == "cpu"
    assert torch.device(choose_device("auto")).type in ("cpu", "cuda", "mps", "xpu")
    with pytest.raises(ConfigurationError, match=r"`device` must be one of auto, cpu.*, received 'gpu'"):
        choose_device("gpu")


def test_a_task_of_one_column_takes_a_bare_list(tmp_path: Path) -> None:
    pictures: list[Any] = []
    for index in range(40):
        folder = tmp_path / "data" / ("bright" if index % 2 else "dark")
        folder.mkdir(parents=True, exist_ok=True)
        pictures.append(Image.fromarray(np.full((5, 7), 250 if index % 2 else 5, dtype=np.uint8)))
        pictures[-1].save(folder / f"{index}.png")
    train(
        ImageClassification(
            ImageClassificationArguments(size="usual", num_latents=3, latent_channels=16, num_layers=1)
        ),
        RunArguments(
            output=str(tmp_path / "run"),
            data=DataArguments(data=str(tmp_path / "data")),
            training=TrainingArguments(epochs=1, device="cpu"),
            pictures=False,
        ),
    )
    asked = load(tmp_path / "run", device="cpu")
    paths = [str(tmp_path / "data" / "dark" / "0.png"), str(tmp_path / "data" / "bright" / "1.png")]
    from_paths, from_pictures = asked(paths), asked(pictures[:2])
    assert [row["label"] for row in from_paths] == [row["label"] for row in from_pictures]  # type: ignore[index]
    assert [row["label"] for row in asked([Path(path) for path in paths])] == [
        row["label"] for row in from_paths
    ]  # type: ignore[index]
    contents = [{"bytes": Path(path).read_bytes()} for path in paths]
    assert asked(contents) == asked([{"path": path} for path in paths]) == from_paths
    with pytest.raises(DataError, match="must have a column 'image'"):
        asked([{"picture": pictures[0]}])
    with pytest.raises(DataError, match="received the name of a table"):
        asked([write_table(tmp_path / "pictures.csv", {"image": paths})])
    with pytest.raises(DataError, match="received Image: put a single value in a list"):
        asked(pictures[0])
    broken = asked([paths[0], "absent.png"])
    assert isinstance(broken[0], dict)
    assert isinstance(broken[1], DataError)
    assert asked.values(paths)["label"].shape == (2, 2)


def test_files_are_answered_by_the_fast_form_that_loading_made(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = write_table(tmp_path / "asked.csv", ASKED)
    expected = predictor(ASKED)

    def made_again(_model: object, **_options: object) -> None:
        raise AssertionError("folding takes longer than answering")

    monkeypatch.setattr(type(predictor.parts.model), "prepare", made_again)
    found = [dict(each.values) for each in predictor.predictions([str(table)])]
    assert [row["kind"] for row in found] == [row["kind"] for row in expected]  # type: ignore[index]
