"""Answers for tables: the input's columns and order, what was answered beside them."""

from __future__ import annotations

import csv
import errno
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import perceivers
from perceivers.batch.job import predict_in_parts
from perceivers.cli import main
from perceivers.errors import EMPTY_PATH, ConfigurationError, DataError, PerceiversError, UnreadableError
from perceivers.folder_lock import LOCK_FILE, alone_in
from perceivers.tasks.table.task import TableTask
from perceivers.training.evaluation import evaluate
from perceivers.training.explanation import explain
from perceivers.training.prediction import predict
from tiny_tables import fit_tiny, fruit, without, write_table


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    data = without(fruit(), "tags")
    fit_tiny(data, ["kind", "price"], output=folder, overwrite=True, quantiles=[0.1, 0.5, 0.9])
    return folder


def test_the_table_comes_back_with_the_answers_beside_it(run: Path, tmp_path: Path) -> None:
    asked = {"note": ["a,b", 'say "x"', "", "é"], **without(fruit(4, seed=5), "tags", "price")}
    asked["size"][2] = None
    data = write_table(tmp_path / "asked.csv", asked)
    predictions = predict(run, [data], tmp_path / "out", device="cpu")
    with (tmp_path / "out" / "predictions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "source", "note", "size", "colour", "noise", "kind", "price", "price_low", "price_high", "kind_answer",
        "kind_probability",
    ]  # fmt: skip
    for name, cells in asked.items():
        assert [row[name] for row in rows] == ["" if cell is None else str(cell) for cell in cells]
    assert [row["source"] for row in rows] == [f"{data}, row {number}" for number in range(1, 5)]
    for row in rows:
        assert float(row["price_low"]) <= float(row["price"]) <= float(row["price_high"])
        assert row["kind_answer"] in ("big", "small")
    saved = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert [each["kind_probabilities"] for each in saved] == [
        prediction.values["kind_probabilities"] for prediction in predictions
    ]
    assert (tmp_path / "out" / "predictions.html").is_file()


def test_answers_are_written_and_told_before_pictures_are_drawn(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_table(tmp_path / "asked.csv", without(fruit(3, seed=5), "tags"))
    said = []

    def show(task: Any, predictions: Any, target: Path) -> None:
        said.append((capsys.readouterr().out, sorted(path.name for path in (tmp_path / "out").glob("*.*"))))

    monkeypatch.setattr(TableTask, "show", show)
    with pytest.raises(SystemExit, match="0"):
        main(["predict", str(run), str(data), "--output", str(tmp_path / "out"), "--device", "cpu"])
    [(printed, there)] = said
    assert "predictions" in printed
    assert "saved in" in printed
    assert {"predictions.csv", "predictions.json"} <= set(there)


def test_several_tables_may_have_other_columns_and_what_they_lack_is_said_once(
    run: Path, tmp_path: Path
) -> None:
    first = write_table(tmp_path / "first.csv", {"size": [1.0, 9.0], "source": ["north", "south"]})
    second = write_table(tmp_path / "second.csv", {"colour": ["red"], "size": [3.0], "extra": ["x"]})
    predictions = predict(run, [first, second], tmp_path / "out", device="cpu")
    assert [prediction.notes for prediction in predictions] == [
        (f"`{first}` has no column noise, colour: what is missing is masked in every row",),
        (),
        (f"`{second}` has no column noise: what is missing is masked in every row",),
    ]
    with (tmp_path / "out" / "predictions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["source"] for row in rows] == ["north", "south", ""], "the table's own column stays"
    assert rows[2]["source_of_row"] == f"{second}, row 1"
    assert (rows[2]["extra"], rows[0]["extra"]) == ("x", "")


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_good_rows_are_answered_and_the_others_are_listed(run: Path, tmp_path: Path) -> None:
    data = str(write_table(tmp_path / "asked.csv", {"size": [1.0, "long", 9.0, "wide"]}))
    absent, out = str(tmp_path / "absent.csv"), tmp_path / "out"
    with pytest.raises(
        UnreadableError,
        match=r"absent\.csv', which does not exist \(and 2 more\); the other 2 are answered; mend it, or accept this with "
        "--unreadable skip",
    ):
        predict(run, [absent, data], out, device="cpu")
    assert [row["source"] for row in read_csv(out / "predictions.csv")] == [
        f"{data}, row 1",
        f"{data}, row 3",
    ]
    listed = read_csv(out / "errors.csv")
    assert [(row["file"], row["row"]) for row in listed] == [(absent, ""), (data, "2"), (data, "4")]
    assert "row 2`: in the column 'size': expected a number, received 'long'" in listed[1]["reason"]
    assert (out / "predictions.html").is_file()
    skipped = predict(run, [absent, data], tmp_path / "skipped", device="cpu", unreadable="skip")
    assert [each.source for each in skipped] == [f"{data}, row 1", f"{data}, row 3"]
    predict(run, [write_table(tmp_path / "good.csv", {"size": [1.0]})], out, device="cpu")
    assert not (out / "errors.csv").exists(), "no list of a former call stays"
    with pytest.raises(ConfigurationError, match="`unreadable` must be one of stop, skip, received 'no'"):
        predict(run, [data], out, unreadable="no")  # type: ignore[arg-type]


def test_a_torn_row_of_a_table_is_listed_and_the_others_are_answered(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "torn.jsonl"
    path.write_text('{"size": 1.5, "colour": "red"}\n{"size": 2.5\n{"size": 3.5, "colour": "blue"}\n')
    found = predict(run, [str(path)], tmp_path / "out", device="cpu", unreadable="skip")
    assert [prediction.source for prediction in found] == [f"{path}, row 1", f"{path}, row 3"]
    (listed,) = read_csv(tmp_path / "out" / "errors.csv")
    assert (listed["file"], listed["row"]) == (str(path), "2")
    assert "this is no JSON" in listed["reason"]


def test_rows_in_memory_are_answered_and_nothing_is_written_where_no_folder_is_named(
    run: Path, tmp_path: Path
) -> None:
    rows = [{"size": 1.0}, {"size": "long"}, {"size": 9.0}]
    first, third = perceivers.predict(run, rows, device="cpu", unreadable="skip")
    assert (first.source, third.source) == ("values, row 1", "values, row 3")
    (only,) = perceivers.predict(run, {"size": [1.0]}, device="cpu")
    assert only.values["price"] == pytest.approx(first.values["price"], rel=1e-5)
    with pytest.raises(UnreadableError, match="`values, row 2`: in the column 'size'"):
        perceivers.predict(run, rows, tmp_path / "out", device="cpu")
    assert [row["row"] for row in read_csv(tmp_path / "out" / "errors.csv")] == ["2"]
    with pytest.raises(DataError, match="`inputs` must name one file or more, received the text 'asked"):
        perceivers.predict(run, "asked.csv")
    with pytest.raises(DataError, match=r"received float alone: put one input in a list, \[input\]"):
        perceivers.predict(run, 1.5)


@pytest.mark.parametrize(
    "write",
    [
        lambda run, data, out: predict(run, [data], out, device="cpu"),
        lambda run, data, out: evaluate(run, data=data, output=out, device="cpu", split="all"),
        lambda run, data, out: explain(run, data=data, output=out, device="cpu", split="all"),
        lambda run, data, out: predict_in_parts(run, [data], out, device="cpu"),
    ],
    ids=["predict", "evaluate", "explain", "in parts"],
)
def test_a_second_process_into_one_folder_is_refused_and_takes_nothing_from_the_first(
    run: Path, tmp_path: Path, write: Callable[[Path, str, Path], Any]
) -> None:
    out, data = tmp_path / "out", str(write_table(tmp_path / "asked.csv", without(fruit(9), "tags")))
    with alone_in(out):
        (out / ".partial-of-the-first").mkdir()
        before = sorted(out.rglob("*"))
        with pytest.raises(
            ConfigurationError, match=r"out' is in use: process \d+ on .* writes into it; wait"
        ):
            write(run, data, out)
        assert sorted(out.rglob("*")) == before
    write(run, data, out)
    assert not (out / LOCK_FILE).exists()


def test_a_picture_that_cannot_be_drawn_loses_no_answer(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def torn(self: Any, predictions: Any, folder: Path) -> list[Path]:
        (folder / "half.html").write_text("half")
        raise ValueError("$ is no formula")

    monkeypatch.setattr(TableTask, "show", torn)
    data = str(write_table(tmp_path / "asked.csv", {"size": [1.0]}))
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(run), data, "--output", str(tmp_path / "out")])
    assert ended.value.code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "predictions.csv",
        "predictions.json",
    ]
    assert (
        "the pictures could not be drawn: $ is no formula; the answers are saved" in capsys.readouterr().err
    )


def test_a_process_that_is_killed_leaves_no_half_of_a_table(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def cut(self: Any, rows: Any) -> None:
        raise Killed

    data = write_table(tmp_path / "asked.csv", {"size": [1.0]})
    predict(run, [data], tmp_path / "out", device="cpu")
    before = (tmp_path / "out" / "predictions.csv").read_bytes()
    monkeypatch.setattr(csv.DictWriter, "writerows", cut)
    with pytest.raises(Killed):
        predict(run, [data, data], tmp_path / "out", device="cpu")
    monkeypatch.undo()
    assert (tmp_path / "out" / "predictions.csv").read_bytes() == before
    (tmp_path / "out" / ".partial-of-a-killed-process").mkdir()
    predict(run, [data], tmp_path / "out", device="cpu")
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


def test_a_folder_that_cannot_be_written_is_an_error_of_ours(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, *given: Any, **options: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    data = write_table(tmp_path / "asked.csv", {"size": [1.0]})
    with pytest.raises(
        PerceiversError, match=r"out' could not be written: .*No space left.*; give another folder"
    ):
        predict(run, [data], tmp_path / "out", device="cpu")


@pytest.mark.parametrize(("option", "code"), [([], 3), (["--unreadable", "skip"], 0)])
def test_the_exit_code_tells_whether_all_inputs_were_answered(
    option: list[str], code: int, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(write_table(tmp_path / "asked.csv", {"size": [1.0, "long"]}))
    with pytest.raises(SystemExit) as ended:
        main(["predict", str(run), data, "--output", str(tmp_path / "out"), "--device", "cpu", *option])
    assert ended.value.code == code
    said = capsys.readouterr()
    assert "left out: " in said.out
    assert "1 left out, listed in errors.csv" in said.out
    assert ("the other 1 are answered" in said.err) == (code == 3)


def test_an_empty_input_is_listed_and_the_others_are_answered(run: Path, tmp_path: Path) -> None:
    data = write_table(tmp_path / "asked.csv", {"size": [3.0], "colour": ["red"]})
    answered = predict(run, ["", data], tmp_path / "out", unreadable="skip")
    assert [each.source for each in answered] == [f"{data}, row 1"]
    (line,) = read_csv(tmp_path / "out" / "errors.csv")
    assert line["reason"] == f"`inputs` must name a file, a table or a folder each, {EMPTY_PATH}"


def test_where_nothing_can_be_answered_nothing_is_written(run: Path, tmp_path: Path) -> None:
    data = write_table(tmp_path / "asked.csv", {"size": ["long", "wide"], "colour": ["red", "red"]})
    with pytest.raises(
        DataError,
        match=r"asked\.csv, row 1`: in the column 'size': expected a number, received 'long'.* \(and 1 more\)",
    ):
        predict(run, [data], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    other = write_table(tmp_path / "other.csv", {"weight": [1.0]})
    with pytest.raises(
        DataError, match=r"other\.csv` must have one of the columns size, noise, colour to be answered"
    ):
        predict(run, [other], tmp_path / "out")
    with pytest.raises(
        DataError, match=r"`inputs` must be tables \(.*\), received '.*absent\.csv', which does not exist"
    ):
        predict(run, [tmp_path / "absent.csv"], tmp_path / "out")
    with pytest.raises(DataError, match="`inputs` must name one file or more, received none"):
        predict(run, [], tmp_path / "out")
    with pytest.raises(ConfigurationError, match="`output` must be a folder, received the file"):
        predict(run, [data], data)


def with_commas(columns: dict[str, list[Any]], *names: str) -> dict[str, list[Any]]:
    return {
        name: [str(cell).replace(".", ",") for cell in cells] if name in names else cells
        for name, cells in columns.items()
    }


def test_a_table_with_decimal_commas_is_asked_about_and_measured_as_one_with_points(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = without(fruit(23, seed=5), "tags")
    points = str(write_table(tmp_path / "points.csv", columns))
    commas = str(write_table(tmp_path / "commas.csv", with_commas(columns, "size", "noise", "price")))
    numbers = ("price_answer", "price_low", "price_high", "kind_answer", "kind_probability")
    expected, found = (predict(run, [data], device="cpu") for data in (points, commas))
    assert [[each.values[name] for name in numbers] for each in found] == [
        [each.values[name] for name in numbers] for each in expected
    ]
    (note,) = found[0].notes
    assert "numbers are read with --decimal comma" in note
    given = predict(run, [commas], device="cpu", decimal="comma")
    assert [each.values for each in given] == [each.values for each in found]
    assert given[0].notes == ()
    with pytest.raises(DataError, match=r"which looks like a decimal comma: add --decimal comma, or write"):
        predict(run, [commas], device="cpu", decimal="point")
    output = tmp_path / "out"
    with pytest.raises(SystemExit, match="0"):
        main(["predict", str(run), commas, "--output", str(output), "--device", "cpu", "--decimal", "comma"])
    capsys.readouterr()
    scores = [
        evaluate(run, data=data, split="all", output=output, device="cpu", decimal=decimal)  # type: ignore[arg-type]
        for data, decimal in ((points, "auto"), (commas, "auto"), (commas, "comma"))
    ]
    assert scores[0]["metrics"] == scores[1]["metrics"] == scores[2]["metrics"]
    assert any("numbers are read with --decimal comma" in line for line in scores[1]["odd_cells"])
    assert not any("--decimal" in line for line in scores[2]["odd_cells"])
    importances = [
        explain(run, output=tmp_path / f"out{place}", data=data, split="all", repeats=1, device="cpu")
        for place, data in enumerate((points, commas))
    ]
    assert importances[0] == importances[1]
    parts = tmp_path / "parts"
    assert predict_in_parts(run, [commas], parts, device="cpu", decimal="comma").errors == 0
    with pytest.raises(ConfigurationError, match=r"holds answers of another job \(decimal\)"):
        predict_in_parts(run, [commas], parts, device="cpu", decimal="point")


def test_the_notation_of_a_runs_own_data_is_not_said_again(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="`decimal` comma is of other data: name them with `data`"):
        evaluate(run, output=tmp_path, decimal="comma")
    with pytest.raises(ConfigurationError, match="`decimal` comma is of other data: name them with `data`"):
        explain(run, output=tmp_path, decimal="comma")


def test_whoever_asks_is_advised_no_option_that_only_training_has(run: Path, tmp_path: Path) -> None:
    columns = without(fruit(3, seed=5), "tags")
    columns["size"] = ["heavy", "light", "9"]
    data = str(write_table(tmp_path / "asked.csv", columns))
    said = "in the column 'size': expected a number"
    answered = perceivers.load(run, device="cpu")({"size": columns["size"]})[0]
    assert isinstance(answered, DataError)
    assert said in str(answered)
    with pytest.raises(DataError, match=said) as predicted:
        predict(run, [data], device="cpu")
    with pytest.raises(DataError, match=said) as measured:
        evaluate(run, data=data, split="all", output=tmp_path, device="cpu")
    with pytest.raises(DataError, match=said) as explained:
        explain(run, data=data, split="all", output=tmp_path, device="cpu")
    left = evaluate(run, data=data, split="all", output=tmp_path, device="cpu", unreadable="skip")[
        "unreadable"
    ]
    for text in (str(answered), *left, *(str(each.value) for each in (predicted, measured, explained))):
        assert "empty the cell if nobody knows it" in text
        assert "--column" not in text
    assert "--unreadable skip" in str(measured.value)
    assert "--unreadable" not in str(explained.value)
