"""`perceivers.fit`: everything that Python has for a table, options by name, and what is wrong with them."""

from __future__ import annotations

import dataclasses
import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import perceivers
from perceivers.arguments import RunArguments, load_arguments
from perceivers.errors import ConfigurationError, DataError
from perceivers.predictor import Predictor
from perceivers.training.checkpoints import RunCheckpoints
from perceivers.training.fitting import CONCERNS, ELSEWHERE
from tiny_tables import TINY, fit_tiny, fruit, rows_of, without, write_table

KINDS = without(fruit(61), "price", "tags")


def answers(predictor: Predictor) -> list[Any]:
    return [row["kind"] for row in predictor(without(KINDS, "kind"))]  # type: ignore[index]


def test_frames_mappings_rows_and_files_train_the_same_model(tmp_path: Path) -> None:
    given = (pd.DataFrame(KINDS), KINDS, rows_of(KINDS), write_table(tmp_path / "fruit.csv", KINDS))
    found = [fit_tiny(data, "kind", epochs=1, test_fraction=0.0) for data in given]
    losses = [predictor.results["validation"]["loss"] for predictor in found]
    assert losses == pytest.approx([losses[0]] * 4)
    assert [predictor.results["data"] for predictor in found] == [
        *["rows in memory"] * 3, str(tmp_path / "fruit.csv")
    ]  # fmt: skip


def test_options_reach_the_run_and_a_single_one_of_several_needs_no_list(tmp_path: Path) -> None:
    predictor = fit_tiny(
        KINDS, "kind:class", output=tmp_path / "run", epochs=2, ignore="noise", column="size=category",
        split_seed=3, weight_decay=0.25, quantiles=(),
    )  # fmt: skip
    assert predictor.results["steps"] == json.loads((tmp_path / "run" / "results.json").read_text())["steps"]
    (only,) = predictor.parts.processor.inputs
    assert (only.kind.name, only.columns) == ("category", ("size", "colour"))
    record = (tmp_path / "run" / "arguments.yaml").read_text()
    for line in ("split_seed: 3", "weight_decay: 0.25", "epochs: 2", "- noise"):
        assert line in record


def test_nothing_is_kept_without_an_output_and_the_predictor_still_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    predictor = fit_tiny(KINDS, "kind", epochs=1, quiet=True)
    assert len(answers(predictor)) == 61
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert capsys.readouterr() == ("", "")
    assert predictor.results["test"]["accuracy"] >= 0.0


def test_checkpoints_are_written_only_where_a_run_could_go_on_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []
    save = RunCheckpoints.save
    monkeypatch.setattr(RunCheckpoints, "save", lambda self, step: (saved.append(step), save(self, step))[1])
    fit_tiny(KINDS, "kind", epochs=3, watch_every=None)
    assert len(saved) == 1, "at the end, should saving fail"
    del saved[:]
    fit_tiny(KINDS, "kind", epochs=3, watch_every=None, output=tmp_path / "run")
    assert len(set(saved)) == 3
    del saved[:]
    fit_tiny(KINDS, "kind", epochs=1, checkpoint_every=1, test_fraction=0.5)
    assert len(saved) > 1, "who asks for them has them"


def test_an_output_is_a_run_like_those_of_the_command(tmp_path: Path) -> None:
    fit_tiny(KINDS, "kind", output=tmp_path / "run", epochs=1, pictures=True)
    assert (tmp_path / "run" / "learning_curve.png").is_file()
    again = perceivers.load(tmp_path / "run", device="cpu")
    assert len(answers(again)) == 61
    with pytest.raises(ConfigurationError, match="already holds a training run"):
        fit_tiny(KINDS, "kind", output=tmp_path / "run", epochs=1)
    finished = fit_tiny(KINDS, "kind", output=tmp_path / "run", epochs=1, resume=True)
    assert finished.results == again.results
    fit_tiny(KINDS, "kind", output=tmp_path / "run", epochs=2, overwrite=True)
    assert perceivers.load(tmp_path / "run").results["steps"] == 2 * again.results["steps"]


def test_parts_may_be_given_and_a_run_may_have_no_test_part() -> None:
    other = without(fruit(17, seed=1), "price", "tags")
    parts = fit_tiny(KINDS, "kind", epochs=1, validation=other, test=pd.DataFrame(other))
    assert parts.results["samples"] == {"train": 61, "validation": 17, "test": 17}
    whole = fit_tiny(KINDS, "kind", epochs=1, test_fraction=0.0, validation_fraction=0.0)
    assert whole.results["samples"] == {"train": 61, "validation": 0, "test": 0}
    assert whole.results["test"] == whole.results["validation"] == {}


@pytest.mark.parametrize("options", [{}, {"decimal": "auto"}, {"decimal": "comma"}])
def test_texts_with_decimal_commas_are_numbers(
    options: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = {"size": [f"{size:.2f}".replace(".", ",") for size in KINDS["size"]], "kind": KINDS["kind"]}
    predictor = fit_tiny(columns, "kind", output=tmp_path / "run", epochs=1, **options)
    told = "numbers are read with --decimal comma" in capsys.readouterr().out
    assert told is (options.get("decimal") != "comma")
    assert "decimal: comma\n" in (tmp_path / "run" / "arguments.yaml").read_text()
    (row,) = predictor([{"size": "3,5"}])
    assert isinstance(row, dict)
    with pytest.warns(
        UserWarning, match=r"numbers are read with --decimal point, where .*; --decimal comma over"
    ):
        (otherwise,) = predictor([{"size": "3.5"}])
    assert {**row, "size": "3.5"} == otherwise
    (mistaken,) = perceivers.load(tmp_path / "run", device="cpu", decimal="comma")([{"size": "3.5"}])
    assert isinstance(mistaken, DataError)


def test_texts_with_decimal_commas_are_errors_where_a_point_is_said() -> None:
    columns = {"size": [f"{size:.2f}".replace(".", ",") for size in KINDS["size"]], "kind": KINDS["kind"]}
    with pytest.raises(DataError, match=r"in the column 'size': received .* add --decimal comma"):
        fit_tiny(columns, "kind", epochs=1, decimal="point")


def test_a_run_on_numbers_without_commas_is_recorded_with_a_point(tmp_path: Path) -> None:
    fit_tiny(KINDS, "kind", output=tmp_path / "run", epochs=1)
    assert "decimal: point\n" in (tmp_path / "run" / "arguments.yaml").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epoch": 3}, r"`epoch` is no option of `perceivers\.fit`; is it epochs\?"),
        ({"targets": "kind"}, r"`targets` is no option of `perceivers\.fit`; is it target\?"),
        ({"test_data": "x.csv"}, r"`test_data` is no option of `perceivers\.fit`: give it as `test`$"),
        (
            {"print_config": True},
            r"`print_config` is no option of `perceivers\.fit`: what was chosen stands in arg",
        ),
        (
            {"config": "a.yaml"},
            r"`config` is no option of `perceivers\.fit`: a recipe's fields are its arguments",
        ),
        ({"besides": "auto"}, r"`besides` is no option of `perceivers\.fit`; is it beside\?"),
        ({"beside": "trees"}, "`beside` must be one of auto, none, received 'trees'"),
        ({"track": "paper"}, "`track` must be one of tensorboard, wandb, mlflow, csv, received 'paper'"),
        ({"zzzz": 3}, r"`zzzz` is no option of `perceivers\.fit`$"),
        ({"epochs": 0}, "`epochs` must be at least 1, received 0"),
        ({"steps": "a"}, "`steps` must be a whole number or null, received 'a'"),
        ({"learning_rate": [0.1]}, r"`learning_rate` must be .*a number.*, received \(0\.1,\)"),
        ({"streaming": 3}, "`streaming` must be true or false, received 3"),
        ({"target": 3}, "`target` must be a list of which each is a text, received \\(3,\\)"),
        ({"column": "size"}, "`column` must be NAME=KIND, received 'size'"),
        (
            {"validation": "x.csv"},
            "`data`, `validation` and `test` must all be paths, or all be rows, received data dict, validation str",
        ),
    ],
)
def test_a_wrong_option_is_named_with_what_is_near(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        perceivers.fit(KINDS, **{"target": "kind", **TINY, **options})


def test_a_result_may_stand_beside_a_cheap_method_and_its_history_be_told(tmp_path: Path) -> None:
    alone = fit_tiny(KINDS, "kind", epochs=1)
    assert "beside" not in alone.results
    beside = fit_tiny(KINDS, "kind", epochs=1, output=tmp_path / "run", beside="auto", track="csv")
    assert beside.results["beside"]["part"] == "test"
    assert (tmp_path / "run" / "history.csv").is_file()


def test_every_option_of_the_command_is_one_of_python_or_is_told_what_stands_in_its_place() -> None:
    entries = {entry.name for entry in dataclasses.fields(RunArguments)} - set(CONCERNS)
    # Drawn wherever there is a folder.
    own = set(inspect.signature(perceivers.fit).parameters) | {"pictures"}
    assert entries <= own
    options = {entry.name for kind in CONCERNS.values() for entry in dataclasses.fields(kind)}
    assert set(ELSEWHERE) < options
    assert set(ELSEWHERE.values()) <= own


def test_options_may_be_numbers_of_numpy_and_paths(tmp_path: Path) -> None:
    fit_tiny(KINDS, "kind", output=tmp_path / "run", epochs=np.int64(1), keep_folder=tmp_path / "kept")
    recorded = load_arguments(tmp_path / "run")[2]
    assert (recorded.training.epochs, recorded.data.keep_folder) == (1, str(tmp_path / "kept"))


def test_what_is_no_table_is_named() -> None:
    with pytest.raises(DataError, match="`data` must be a DataFrame, a mapping of columns, a list of rows"):
        perceivers.fit(3, "kind")
    with pytest.raises(DataError, match="`test` holds no rows"):
        perceivers.fit(KINDS, "kind", test=[])
