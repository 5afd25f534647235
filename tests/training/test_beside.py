"""The result of a run beside a cheap method: which one, on which rows, within what bounds; and a run loses nothing to it."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from perceivers.arguments import DataArguments, RunArguments, TrainingArguments
from perceivers.rivals import trees
from perceivers.tasks.registry import load_run
from perceivers.tasks.text_classification.options import TextClassificationArguments
from perceivers.tasks.text_classification.task import TextClassification
from perceivers.training import beside as besides
from perceivers.training.beside import cheap_rival
from perceivers.training.run import train
from tiny_tables import fit_tiny, fruit, without, write_table

TINY: dict[str, Any] = {
    "num_latents": 3, "latent_channels": 8, "num_layers": 1, "num_heads": 2, "embedding_channels": 8, "max_length": 29,
}  # fmt: skip


def texts(path: Path, count: int = 60) -> str:
    words = (("apple", "pear", "plum"), ("saw", "drill", "file"))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows(
            (f"{index} {words[index % 2][index % 3]}", ("fruit", "tool")[index % 2]) for index in range(count)
        )
    return str(path)


def run(folder: Path, **data: Any) -> dict[str, Any]:
    return train(
        TextClassification(TextClassificationArguments(**TINY)),
        RunArguments(
            output=str(folder / "run"),
            data=DataArguments(data=texts(folder / "texts.csv"), **data),
            training=TrainingArguments(steps=2, batch_size=7, device="cpu"),
            beside="auto",
            pictures=False,
        ),
    )


def test_a_run_of_texts_stands_beside_words_and_letters_on_the_same_rows(tmp_path: Path) -> None:
    results = run(tmp_path)
    beside = results["beside"]
    assert (beside["part"], beside["method"]) == ("test", "SVM on words and letters")
    assert beside["SVM on words and letters"]["accuracy"] == 1.0
    assert not {"log_loss", "calibration_error"} & set(beside["SVM on words and letters"])
    assert beside["majority"]["accuracy"] == pytest.approx(0.5, abs=0.01)
    assert (beside["training_samples"], beside["samples"]) == (
        results["samples"]["train"], results["samples"]["test"]
    )  # fmt: skip
    assert json.loads((tmp_path / "run" / "results.json").read_text()) == results


def test_without_a_test_part_the_validation_part_is_measured(tmp_path: Path) -> None:
    assert run(tmp_path, test_fraction=0.0)["beside"]["part"] == "validation"


def test_without_scikit_learn_one_line_says_what_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert "beside" not in run(tmp_path)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert line.endswith('`scikit-learn`, which is not installed: pip install "perceivers[samples]"')


def test_a_method_that_fails_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*given: Any, **options: Any) -> None:
        raise ValueError("odd rows")

    monkeypatch.setattr(besides, "beside_simple", fail)
    assert run(tmp_path)["finished"]
    assert "warning: no comparison with a simple method: odd rows" in capsys.readouterr().err


def test_a_fault_of_the_comparison_itself_is_seen_and_the_run_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: Any, **options: Any) -> None:
        raise KeyError("price")

    monkeypatch.setattr(besides, "beside_simple", fail)
    with pytest.raises(KeyError, match="price"):
        run(tmp_path)
    assert json.loads((tmp_path / "run" / "results.json").read_text())["finished"]


def opened(folder: Path) -> tuple[Any, ...]:
    task, parts, recorded = load_run(folder)
    splits = task.load_data(recorded.data, parts)
    return task, parts, splits.train, splits.test


def test_rows_are_bounded_and_evenly_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path)
    monkeypatch.setitem(besides.MOST_ROWS, "text", 17)
    monkeypatch.setattr(besides, "MOST_ASKED", 5)
    found = cheap_rival(*opened(tmp_path / "run"))
    assert found is not None
    assert (found["training_samples"], found["samples"]) == (17, 5)
    monkeypatch.setattr(besides, "MOST_SECONDS", 0.0)
    found = cheap_rival(*opened(tmp_path / "run"))
    assert found is not None
    assert (found["training_samples"], found["samples"]) == (1, 1), "what was read when the time was up"


def test_tables_stand_beside_trees_and_pictures_beside_a_linear_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "ITERATIONS", 10)
    columns = {"photo": [], **without(fruit(61), "price", "tags")}
    for index, kind in enumerate(columns["kind"]):
        shade = 200 if kind == "big" else 50
        Image.fromarray(np.full((5, 7), shade, dtype=np.uint8)).save(tmp_path / f"{index}.png")
        columns["photo"].append(f"{index}.png")
    data = write_table(tmp_path / "fruit.csv", columns)
    fit_tiny(data, "kind", output=tmp_path / "all", epochs=1)
    found = cheap_rival(*opened(tmp_path / "all"))
    assert found is not None
    assert found["method"] == "trees"
    fit_tiny(data, "kind", output=tmp_path / "seen", epochs=1, ignore=["size", "colour", "noise"])
    found = cheap_rival(*opened(tmp_path / "seen"))
    assert found is not None
    assert found["method"] == "linear on pixels"
    assert found["linear on pixels"]["accuracy"] == 1.0


def test_a_task_without_columns_has_no_cheap_rival() -> None:
    from line_task import LineTask

    assert cheap_rival(LineTask(), None, [], []) is None  # type: ignore[arg-type]
