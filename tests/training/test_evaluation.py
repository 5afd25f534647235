"""Measuring again: the data of the run, others, and a run beside trees and the majority."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.ensemble import HistGradientBoostingRegressor

from full_disk import full_disk
from perceivers.cli import main
from perceivers.errors import ConfigurationError, DataError, MissingExtraError, PerceiversError
from perceivers.rivals import trees
from perceivers.tasks.base import Unreadable, located
from perceivers.tasks.registry import load_run
from perceivers.tasks.table.task import TableTask
from perceivers.training import beside, evaluation
from perceivers.training.evaluation import evaluate
from tiny_tables import fit_tiny, fruit, without, write_table


@pytest.fixture(autouse=True)
def few_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "ITERATIONS", 30)


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that answers prices, from a file."""
    folder = tmp_path_factory.mktemp("prices")
    data = write_table(folder / "fruit.csv", without(fruit(), "kind", "tags"))
    fit_tiny(data, "price", output=folder / "run", epochs=2)
    return folder


def test_a_run_is_measured_beside_trees_and_the_mean_on_the_same_rows(prices: Path) -> None:
    plain = evaluate(prices / "run", device="cpu")
    assert "beside" not in plain
    results = evaluate(prices / "run", device="cpu", beside="trees")
    assert json.loads((prices / "run" / "evaluation.json").read_text()) == results
    assert results["metrics"] == plain["metrics"]
    beside = results["beside"]
    assert set(beside["trees"]) <= set(results["metrics"])
    task, parts, run = load_run(prices / "run")
    splits = task.load_data(run.data, parts)
    truth = np.array([splits.test.table.column("price")[index] for index in splits.test.indices], dtype=float)
    known = np.array(
        [splits.train.table.column("price")[index] for index in splits.train.indices], dtype=float
    )
    assert beside["training_samples"] == len(known)
    # The mean of the training rows, the validation rows not among them.
    assert beside["majority"]["mae"] == pytest.approx(np.abs(truth - known.mean()).mean())
    names = {"red": 2.0, "green": 1.0, "blue": 0.0}
    features = [
        [
            [float(part.table.column("size")[index]), names[part.table.column("colour")[index]],
             float(part.table.column("noise")[index])]
            for index in part.indices
        ]
        for part in (splits.train, splits.test)
    ]  # fmt: skip
    # The columns stand in the order of the run's inputs; trees do not mind which comes first but for ties.
    own = HistGradientBoostingRegressor(
        max_iter=30, learning_rate=0.05, early_stopping=False, random_state=0, categorical_features=[1]
    ).fit(np.array(features[0]), known)
    error = np.abs(own.predict(np.array(features[1])) - truth).mean()
    assert beside["trees"]["mae"] == pytest.approx(error, rel=0.1)
    assert (sorted(beside["read"]), beside["ignored"]) == (["colour", "noise", "size"], [])


def test_trees_are_given_the_same_rows_in_the_same_order_however_they_are_asked_for(
    prices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    fitted = beside.beside_trees
    monkeypatch.setattr(
        beside, "beside_trees", lambda cells, *others: (given.append(cells), fitted(cells, *others))[1]
    )
    for name in ("trees", "auto"):
        evaluate(prices / "run", device="cpu", beside=name, output=prices / name)
    assert given[0] == given[1]


def test_other_data_are_asked_and_the_rows_of_the_run_are_learned_from(prices: Path, tmp_path: Path) -> None:
    other = without(fruit(31, seed=1), "kind", "tags", "noise")
    other["price"][3] = None
    data = write_table(tmp_path / "other.csv", other)
    results = evaluate(prices / "run", data=str(data), split="all", device="cpu", beside="trees",
                       output=tmp_path / "out")  # fmt: skip
    assert results["samples"] == 30, "a row without the target is left out"
    train = evaluate(prices / "run", device="cpu", beside="trees")["beside"]["training_samples"]
    assert results["beside"]["training_samples"] == train
    assert results["beside"]["trees"]["r2"] > 0.8
    assert results["beside"]["majority"]["r2"] < 0.1
    assert (tmp_path / "out" / "evaluation.json").is_file()


def test_the_data_of_a_run_are_found_from_any_folder_or_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    write_table(tmp_path / "here" / "fruit.csv", without(fruit(), "kind", "tags"))
    fit_tiny("fruit.csv", "price", output=Path("run"), epochs=1)
    expected = evaluate("run", device="cpu")["metrics"]
    monkeypatch.chdir(tmp_path / "there")
    (tmp_path / "here" / "run").rename(tmp_path / "there" / "moved")
    # Another file of the same name, beside which nobody has trained.
    write_table(Path("fruit.csv"), without(fruit(23, seed=9), "kind", "tags"))
    assert evaluate("moved", device="cpu")["metrics"] == expected
    Path("fruit.csv").unlink()
    (tmp_path / "here" / "fruit.csv").rename(tmp_path / "there" / "renamed.csv")
    with pytest.raises(
        DataError, match=r"the data of the run 'moved' are not where they were, .*say with --data"
    ):
        evaluate("moved", device="cpu")
    assert evaluate("moved", data="renamed.csv", device="cpu")["metrics"] == expected


def test_what_cannot_be_read_is_left_out_and_listed_where_that_is_chosen(
    prices: Path, tmp_path: Path
) -> None:
    other = without(fruit(31, seed=1), "kind", "tags")
    other["size"][3] = "long"
    data = str(write_table(tmp_path / "other.csv", other))
    with pytest.raises(DataError, match="or leave it out with --unreadable skip"):
        evaluate(prices / "run", data=data, split="all", device="cpu", output=tmp_path / "out")
    results = evaluate(
        prices / "run", data=data, split="all", device="cpu", output=tmp_path / "out", unreadable="skip"
    )
    assert results["samples"] == 30
    with (tmp_path / "out" / "errors.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["file"], row["row"]) == (data, "4")
    assert "expected a number, received 'long'" in row["reason"]


def test_rows_without_a_target_are_left_out_of_the_part_that_is_measured_and_counted(
    prices: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = without(fruit(31, seed=1), "kind", "tags")
    for row in (2, 3, 5):
        other["price"][row] = None
    data = str(write_table(tmp_path / "other.csv", other))
    output = tmp_path / "out"
    with pytest.raises(SystemExit):
        main(
            [
                "evaluate", str(prices / "run"), "--data", data, "--split", "all", "--device", "cpu",
                "--output", str(output),
            ]
        )  # fmt: skip
    shown = capsys.readouterr().out
    assert "3 rows without any target are left out" in shown
    assert "28 samples" in shown
    assert json.loads((output / "evaluation.json").read_text())["without_target"] == 3
    held = evaluate(prices / "run", data=data, device="cpu", output=output)
    learned = evaluate(prices / "run", data=data, split="train", device="cpu", output=output)
    watched = evaluate(prices / "run", data=data, split="validation", device="cpu", output=output)
    assert held["without_target"] + learned["without_target"] + watched["without_target"] == 3
    assert json.loads((prices / "run" / "results.json").read_text())["without_target"] == 0


def test_a_full_disk_is_said_and_no_picture_is_half_written(
    prices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        full_disk(room=200),
        pytest.raises(PerceiversError, match=r"could not be written: .*; name another folder with --output"),
    ):
        evaluate(prices / "run", device="cpu", output=tmp_path)
    assert list(tmp_path.iterdir()) == []

    def copy(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError("No space left on device")

    def show(self: object, parts: object, shown: object, to: Path) -> list[Path]:
        return [to / "picture.png"]

    monkeypatch.setattr(evaluation.shutil, "copyfile", copy)
    monkeypatch.setattr(TableTask, "show_evaluation", show)
    evaluate(prices / "run", device="cpu", output=tmp_path)
    assert (
        "the pictures of the evaluation could not be drawn: No space left on device"
        in capsys.readouterr().err
    )
    assert [path.name for path in tmp_path.iterdir()] == [evaluation.EVALUATION_FILE]


def test_a_line_without_a_name_is_a_reason_alone() -> None:
    assert located("row 3 is torn") == Unreadable("", None, "row 3 is torn")
    assert located("`a.csv`, row 7 (line 9): torn") == Unreadable("a.csv", 7, "`a.csv`, row 7 (line 9): torn")
    assert located("`a, row b.png` is torn") == Unreadable("a, row b.png", None, "`a, row b.png` is torn")


def test_several_targets_are_named_and_their_score_is_the_mean(tmp_path: Path) -> None:
    columns = fruit()
    columns["kind"][5] = columns["price"][7] = None
    data = write_table(tmp_path / "fruit.csv", columns)
    fit_tiny(data, ["price", "kind", "tags:labels"], output=tmp_path / "run", epochs=1)
    beside = evaluate(tmp_path / "run", device="cpu", beside="trees")["beside"]
    found = beside["trees"]
    assert found["kind/accuracy"] > 0.9
    assert found["price/r2"] > 0.8
    scores = [found["kind/accuracy"], found["price/r2"], found["tags/mean_average_precision"]]
    assert found["score"] == pytest.approx(sum(scores) / 3)
    assert beside["majority"]["kind/balanced_accuracy"] == 0.5


def test_columns_that_trees_cannot_read_are_named(tmp_path: Path) -> None:
    columns = {"photo": [], **fruit(41)}
    for index in range(41):
        Image.new("L", (3, 4), index).save(tmp_path / f"{index}.png")
        columns["photo"].append(f"{index}.png")
    data = write_table(tmp_path / "fruit.csv", without(columns, "price", "tags"))
    fit_tiny(data, "kind", output=tmp_path / "run", epochs=1)
    assert evaluate(tmp_path / "run", device="cpu", beside="trees")["beside"]["ignored"] == ["photo"]
    fit_tiny(data, "kind", output=tmp_path / "seen", epochs=1, ignore=["size", "colour", "noise"])
    with pytest.raises(
        ConfigurationError,
        match=r"`beside` trees needs a column that trees can read \(number, category, text, date\), received only "
        r"photo \(image\)",
    ):
        evaluate(tmp_path / "seen", device="cpu", beside="trees")


def test_what_cannot_be_beside_says_why(
    prices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="`beside` must be trees, auto, received 'forest'"):
        evaluate(prices / "run", device="cpu", beside="forest")
    fit_tiny(without(fruit(), "kind", "tags"), "price", output=tmp_path / "run", epochs=1)
    with pytest.raises(DataError, match=r"`data` must be given: the run .* was trained on rows in memory"):
        evaluate(tmp_path / "run", device="cpu")
    data = str(prices / "fruit.csv")
    with pytest.raises(
        ConfigurationError, match=r"`beside` must be left out with `data`, received 'trees': .* in memory"
    ):
        evaluate(tmp_path / "run", data=data, device="cpu", beside="trees")
    assert evaluate(tmp_path / "run", data=data, device="cpu")["samples"] == 30
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match=r'`scikit-learn`.*pip install "perceivers\[samples\]"'):
        evaluate(prices / "run", device="cpu", beside="trees")


def test_a_run_without_columns_has_nothing_beside_it(tmp_path: Path) -> None:
    from line_task import LineTask
    from perceivers.tasks.base import Parts
    from perceivers.training.beside import measure_rivals

    with pytest.raises(
        ConfigurationError, match="needs a run whose answers come from columns, received one of line"
    ):
        measure_rivals(LineTask(), Parts(None, None), [], [], beside="trees")  # type: ignore[arg-type]


def test_a_part_without_samples_is_named(prices: Path, tmp_path: Path) -> None:
    data = write_table(tmp_path / "one.csv", {name: cells[:1] for name, cells in fruit().items()})
    with pytest.raises(DataError, match=r"`split` 'test' of `data` .*one\.csv' holds no samples"):
        evaluate(prices / "run", data=str(data), device="cpu")
