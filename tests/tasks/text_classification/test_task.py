"""Text classification end to end at tiny size: classes, labels, numbers, pairs, several tasks; and what is refused."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from perceivers.arguments import DataArguments, OptimizationArguments, RunArguments, TrainingArguments
from perceivers.errors import DataError
from perceivers.predictor import load
from perceivers.tasks.registry import task_class
from perceivers.tasks.text_classification.options import TextClassificationArguments
from perceivers.tasks.text_classification.task import TextClassification
from perceivers.training.evaluation import evaluate
from perceivers.training.prediction import predict
from perceivers.training.run import train

TINY: dict[str, Any] = {
    "size": "usual",
    "num_latents": 3,
    "latent_channels": 8,
    "num_layers": 1,
    "num_heads": 2,
    "embedding_channels": 8,
    "num_cross_heads": 2,
    "max_length": 29,
    "text_reading": "bytes",
}
FRUITS, TOOLS = ("apple", "pear", "plum"), ("saw", "drill", "file")


def write(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def kinds(count: int) -> list[tuple[str, str]]:
    """Texts that hold a fruit or a tool, and which."""
    made = []
    for index in range(count):
        words, label = ((FRUITS, "fruit"), (TOOLS, "tool"))[index % 2]
        made.append((f"{index % 7} {words[index % 3]} of {index}", label))
    return made


def run(
    output: Path, data: Path | str, steps: int = 3, rate: float = 1e-2, **chosen: Any
) -> Mapping[str, Any]:
    return train(
        TextClassification(TextClassificationArguments(**{**TINY, **chosen})),
        RunArguments(
            output=str(output),
            data=DataArguments(data=str(data), test_fraction=0.25, validation_fraction=0.2),
            training=TrainingArguments(steps=steps, batch_size=7, device="cpu", keep_best=False),
            optimization=OptimizationArguments(learning_rate=rate, warmup_steps=5),
            pictures=False,
        ),
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Mapping[str, Any]]:
    folder = tmp_path_factory.mktemp("kinds")
    table = write(folder / "kinds.csv", ("text", "label"), kinds(60))
    chosen = {"ngram_sizes": (2, 3), "ngram_rows": 101, "crop": 0.2, "hide": 0.1, "random_offset": 3}
    return folder / "run", run(folder / "run", table, steps=60, rate=2e-2, **chosen)


def test_the_registry_knows_the_task() -> None:
    assert task_class("text-classification") is TextClassification


def test_classes_are_learned_and_measured_again_alike(
    trained: tuple[Path, Mapping[str, Any]], tmp_path: Path
) -> None:
    folder, results = trained
    assert results["samples"] == {"train": 36, "validation": 8, "test": 16}
    assert results["test"]["accuracy"] == 1.0
    again = evaluate(folder, device="cpu", output=tmp_path)
    assert again["metrics"] == pytest.approx(results["test"], abs=1e-5)
    assert set(again["metrics"]) == {"accuracy", "f1", "matthews", "loss"}
    assert (tmp_path / "confusions.png").is_file()


def test_typed_texts_files_and_tables_are_answered(
    trained: tuple[Path, Mapping[str, Any]], tmp_path: Path
) -> None:
    folder, _ = trained
    (tmp_path / "note.txt").write_text("5 pear of 9")
    table = write(tmp_path / "more.csv", ("text",), [["3 drill of 8"], ["2 plum of 4"]])
    inputs = ["1 saw of 3", str(tmp_path / "note.txt"), str(table)]
    answers = predict(folder, inputs, tmp_path / "answers", device="cpu")
    assert [answer.values["label"] for answer in answers] == ["tool", "fruit", "tool", "fruit"]
    assert [answer.source for answer in answers] == [
        "1 saw of 3",
        str(tmp_path / "note.txt"),
        f"{table}, row 1",
        f"{table}, row 2",
    ]
    for answer in answers:
        assert sum(answer.values["probabilities"].values()) == pytest.approx(1.0)
        shown = answer.shown["inputs"]["text"]
        assert len(shown["looked_at"][0]) == len(shown["texts"][0])
    page = (tmp_path / "answers" / "predictions.html").read_text()
    assert page.count("<article>") == 4
    assert "note.txt" in page


def test_an_empty_input_is_never_the_folder_that_the_user_is_in(
    trained: tuple[Path, Mapping[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = trained
    (tmp_path / "secret.txt").write_text("5 pear of 9")
    monkeypatch.chdir(tmp_path)
    assert [each.source for each in predict(folder, ["."], device="cpu")] == ["secret.txt"]
    predictor = load(folder, device="cpu")
    (only,) = predictor.task.columns.inputs  # type: ignore[attr-defined]
    assert only.kind.options.empty_texts == "absent"
    with pytest.raises(
        DataError, match="`inputs` must name a file, a table or a folder each, received an empty"
    ):
        predictor.predictions([""])
    # A run that learned that a text may be empty takes it for one.
    options = dataclasses.replace(only.kind.options, empty_texts="texts")
    taken = dataclasses.replace(only, kind=dataclasses.replace(only.kind, options=options))
    predictor.task.columns = dataclasses.replace(predictor.task.columns, inputs=(taken,))  # type: ignore[attr-defined]
    assert [table[0] for table in predictor.task.tables_of("")] == [{"text": ""}]  # type: ignore[attr-defined]


def test_several_labels_are_measured_by_mean_average_precision(tmp_path: Path) -> None:
    rows = [(f"{a} {b}", ";".join({a, b})) for a in FRUITS for b in FRUITS for _ in range(3)]
    table = write(tmp_path / "labels.csv", ("text", "label"), rows)
    chosen = {"answer": "several-labels", "label_separator": ";"}
    results = run(tmp_path / "run", table, **chosen)
    assert set(results["test"]) == {"mean_average_precision", "f1", "loss"}
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["problem_type"] == "multi_label_classification"
    assert sorted(config["id2label"].values()) == sorted(FRUITS)
    (answer,) = predict(tmp_path / "run", ["plum pear"], tmp_path / "answers", device="cpu")
    # Each label has a probability of its own.
    assert sum(answer.values["probabilities"].values()) != pytest.approx(1.0, abs=1e-3)


def test_a_number_is_answered_in_the_units_of_the_data(tmp_path: Path) -> None:
    rows = [("x" * (index % 9 + 1), 1_000 + 10 * (index % 9)) for index in range(45)]
    table = write(tmp_path / "sizes.csv", ("text", "label"), rows)
    results = run(tmp_path / "run", table, answer="number")
    assert set(results["test"]) == {"pearson", "spearman", "mean_squared_error", "loss"}
    (answer,) = predict(tmp_path / "run", ["xxx"], tmp_path / "answers", device="cpu")
    # The numbers lie around 1,040 with a deviation of 26, which an untrained answer of about 0 deviations stands for.
    assert 900 < answer.values["number"] < 1_200
    assert "label" not in answer.values


@pytest.mark.parametrize(
    ("labels", "options", "numbers"),
    [
        (("0,5", "12,25"), {}, {0.5, 12.25}),
        (("1,234.5", "7"), {}, {1234.5, 7.0}),
        (("1,234", "2,345"), {"decimal": "grouped"}, {1234.0, 2345.0}),
    ],
)
def test_labels_that_are_numbers_may_be_written_with_commas(
    labels: tuple[str, str], options: dict[str, Any], numbers: set[float], tmp_path: Path
) -> None:
    tasks = ("sizes", "kinds")
    rows = [(f"{index},5.5 words", labels[index % 2], "sizes") for index in range(20)]
    rows += [(f"text {index}", ("a.5", "b,5")[index % 2], "kinds") for index in range(20)]
    many = write(tmp_path / "many.csv", ("text", "label", "task"), rows)
    one = write(tmp_path / "one.csv", ("text", "label"), [row[:2] for row in rows[:20]])
    for data, chosen in (
        (one, {"answer": "number"}),
        (many, {"task_column": "task", "number_tasks": tasks[:1]}),
    ):
        task = TextClassification(TextClassificationArguments(**{**TINY, **chosen}))
        splits = task.load_data(DataArguments(data=str(data), **options))
        assert splits.decimal != "point"
        assert any("--decimal" in note for note in task.notes) is not bool(options)
        answers = [answer for answer in task.columns.answers.values() if answer.name == "number"]
        assert {answers[0].read(label) for label in labels} == numbers


def test_pairs_are_read_as_two_texts(tmp_path: Path) -> None:
    rows = [(FRUITS[i % 3], FRUITS[i % 2], "same" if i % 3 == i % 2 else "other") for i in range(40)]
    table = write(tmp_path / "pairs.csv", ("one", "two", "label"), rows)
    run(tmp_path / "run", table, text_column="one", second_text_column="two")
    (answer,) = predict(tmp_path / "run", ["apple [SEP] pear"], tmp_path / "answers", device="cpu")
    assert answer.shown["inputs"]["text"]["texts"] == (b"apple", b"pear")
    assert answer.values["text"] == "apple [SEP] pear"
    with pytest.raises(
        DataError, match=r"`inputs` must be pairs of texts with \[SEP\] between them.*with 1 text"
    ):
        predict(tmp_path / "run", ["apple"], tmp_path / "answers", device="cpu")


def test_several_tasks_have_a_query_and_a_head_each(tmp_path: Path) -> None:
    rows: list[tuple[Any, ...]] = [(text, "", label, "kind") for text, label in kinds(30)]
    rows += [("x" * (index % 5 + 1), "y", str(index % 5), "size") for index in range(30)]
    table = write(tmp_path / "tasks.csv", ("text", "second", "label", "task"), rows)
    chosen: dict[str, Any] = {
        "second_text_column": "second",
        "task_column": "task",
        "number_tasks": ("size",),
    }
    results = run(tmp_path / "run", table, **chosen, head_layers=2)
    expected = {"kind/accuracy", "kind/f1", "kind/matthews", "size/pearson", "size/spearman"}
    assert set(results["test"]) == {*expected, "size/mean_squared_error", "score", "loss"}
    again = evaluate(tmp_path / "run", device="cpu", output=tmp_path)
    # Ranks of answers that are all but equal hang on the last bit.
    assert again["metrics"] == pytest.approx(results["test"], abs=1e-2)
    assert (tmp_path / "kind-confusions.png").is_file()
    asked = write(
        tmp_path / "asked.csv", ("text", "second", "task"), [("1 saw", "", "kind"), ("xx", "y", "size")]
    )
    answers = predict(tmp_path / "run", [str(asked), "xx [SEP] y"], tmp_path / "answers", device="cpu")
    # A row with a task has one answer, another text one of each task.
    assert [answer.values["task"] for answer in answers] == ["kind", "size", "kind", "size"]
    assert answers[0].shown["inputs"]["text"]["texts"] == (b"1 saw",)
    assert "number" in answers[1].values
    # Each task's own query looked at the text.
    looked = [answer.shown["inputs"]["text"]["looked_at"] for answer in answers[2:]]
    assert looked[0] != looked[1]
    unknown = write(tmp_path / "unknown.csv", ("text", "second", "task"), [("1 saw", "", "colour")])
    with pytest.raises(
        DataError, match=r"row 1` has 'colour' in the column 'task', which is not one of kind, size"
    ):
        predict(tmp_path / "run", [str(unknown)], tmp_path / "more", device="cpu")
    # In Python, a row has one answer, whatever the number of its tasks.
    (one,) = load(tmp_path / "run", device="cpu")([{"text": "1 saw", "second": None}])
    assert isinstance(one, dict)
    assert (one["text"], set(one["answers"])) == ("1 saw", {"kind", "size"})


# The `datasets` library leaves the file open where a pass stops before its end.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stream_is_trained_from_a_table(tmp_path: Path) -> None:
    train_table = write(tmp_path / "train.csv", ("text", "label"), kinds(40))
    test_table = write(tmp_path / "test.csv", ("text", "label"), kinds(11))
    results = train(
        TextClassification(TextClassificationArguments(**TINY)),
        RunArguments(
            output=str(tmp_path / "run"),
            data=DataArguments(data=str(train_table), test_data=str(test_table), streaming=True),
            training=TrainingArguments(steps=8, batch_size=7, device="cpu"),
            pictures=False,
        ),
    )
    assert results["samples"]["test"] == 11
    assert 0.0 <= results["test"]["accuracy"] <= 1.0


@pytest.mark.parametrize(
    ("columns", "rows", "chosen", "message"),
    [
        (("text", "kind"), [("a", "x"), ("b", "y")], {}, "must have a column 'label', received text, kind"),
        (("body", "label"), [("a", "x"), ("b", "y")], {}, "must have a column 'text', received body, label"),
        (
            ("text", "label"),
            [("a", "x"), ("", "x"), ("c", "y")],
            {},
            r"row 2`: has no value in the column 'text'",
        ),
        (
            ("text", "label"),
            [("a", "x"), ("b", "x")],
            {},
            "must hold two classes or more .* received only 'x'",
        ),
        (
            ("text", "label"),
            [("a", "x"), ("b" * 28, "y")],
            {"truncate": False},
            "row 2`:? has a text of 28 bytes, more than the 27",
        ),
        (
            ("text", "label"),
            [("a", "x"), ("", "y")],
            {},
            "row 2`: has no value in the column 'text'",
        ),
        (
            ("text", "label"),
            [("a", "1"), ("b", "many")],
            {"answer": "number"},
            "row 2` must have a number in the column 'label', received 'many'",
        ),
        (
            ("text", "label"),
            [("a", "1"), ("b", "1,234")],
            {"answer": "number"},
            "row 2`: .*received '1,234', whose comma divides thousands or .*: add --decimal grouped or --decimal comma",
        ),
        (
            ("text", "label"),
            [("a", ""), ("b", "")],
            {"answer": "several-labels"},
            "must hold labels in the column 'label', received only empty ones",
        ),
        (
            ("text", "label", "task"),
            [("a", "x", "t"), ("b", "y", "")],
            {"task_column": "task"},
            "row 2` has no task in the column 'task'",
        ),
        (
            ("text", "label", "task"),
            [("a", "x", "t"), ("b", "y", "t")],
            {"task_column": "task", "number_tasks": ("u",)},
            "`number_tasks` must be among the tasks of .*, t, received u",
        ),
    ],
)
def test_mistakes_in_a_table_are_named(
    tmp_path: Path, columns: tuple[str, ...], rows: Any, chosen: dict[str, Any], message: str
) -> None:
    # Enough rows to be divided; the mistake is the second one's.
    filler = [rows[0]] * 8 + ([(*rows[1],)] * 8 if "only 'x'" in message else [])
    table = write(tmp_path / "notes.csv", columns, [*rows, *filler])
    task = TextClassification(TextClassificationArguments(**{**TINY, **chosen}))
    with pytest.raises(DataError, match=message):
        task.load_data(DataArguments(data=str(table)))


def test_a_file_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    for label in ("no", "yes"):
        (tmp_path / label).mkdir()
        for index in range(4):
            (tmp_path / label / f"{index}.txt").write_bytes(b"text")
    (tmp_path / "yes" / "2.txt").write_bytes(b"a\xffb")
    task = TextClassification(TextClassificationArguments(**TINY))
    with pytest.raises(DataError, match=r"2\.txt.*is no UTF-8 text: byte 0xFF in line 1"):
        task.load_data(DataArguments(data=str(tmp_path)))
    splits = task.load_data(DataArguments(data=str(tmp_path), unreadable="skip"))
    assert len(splits.train) + len(splits.validation) + len(splits.test) == 7
    assert splits.class_names == ("no", "yes")
    assert len(splits.unreadable) == 1


def test_long_texts_are_cut_where_that_is_wanted(tmp_path: Path) -> None:
    table = write(tmp_path / "notes.csv", ("text", "label"), [("b" * 50, "x"), ("a", "y")] * 5)
    task = TextClassification(TextClassificationArguments(**TINY, truncate=True, random_offset=2))
    samples = task.load_data(DataArguments(data=str(table))).train
    # [CLS], [SEP] and the offset leave 25 of 29.
    assert {len(samples[index].values[0].texts[0]) for index in range(len(samples))} == {25, 1}


def test_a_model_that_learned_from_files_answers_for_texts_and_tables(tmp_path: Path) -> None:
    for index, (text, label) in enumerate(kinds(20)):
        (tmp_path / "files" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "files" / label / f"{index}.txt").write_text(text)
    results = run(tmp_path / "run", tmp_path / "files", steps=2)
    assert results["samples"] == {"train": 12, "validation": 4, "test": 4}
    table = write(tmp_path / "more.csv", ("text", "label"), kinds(4))
    assert evaluate(tmp_path / "run", data=str(table), split="all", device="cpu")["samples"] == 4
    inputs = ["a saw", str(table), str(tmp_path / "files")]
    answers = predict(tmp_path / "run", inputs, tmp_path / "answers", device="cpu")
    assert [answer.values["text"] for answer in answers[:2]] == ["a saw", kinds(1)[0][0]]
    assert len(answers) == 1 + 4 + 20
    (said,) = load(tmp_path / "run", device="cpu")(["a saw"])
    assert isinstance(said, dict)
    assert said["label"] == answers[0].values["label"]


def test_texts_are_learned_as_words_and_runs_of_letters(tmp_path: Path) -> None:
    table = write(tmp_path / "kinds.csv", ("text", "label"), kinds(60))
    ngrams = {"text_reading": "ngrams", "ngram_rows": 997, "max_length": 256}
    results = run(tmp_path / "run", table, steps=40, rate=1e-3, **ngrams)
    assert results["test"]["accuracy"] == 1.0
    again = evaluate(tmp_path / "run", device="cpu", output=tmp_path)
    assert again["metrics"] == pytest.approx(results["test"], abs=1e-5)
    answers = predict(
        tmp_path / "run", ["one pear more than the others had"], tmp_path / "answers", device="cpu"
    )
    assert answers[0].values["label"] == "fruit"


def test_texts_are_read_as_ngrams_where_nothing_is_chosen(tmp_path: Path) -> None:
    table = write(
        tmp_path / "kinds.csv", ("text", "label"), [*kinds(60), ("", "fruit"), ("pear " * 400, "fruit")]
    )
    results = train(
        TextClassification(TextClassificationArguments()),
        RunArguments(
            output=str(tmp_path / "run"),
            data=DataArguments(data=str(table), test_fraction=0.25),
            training=TrainingArguments(epochs=8, device="cpu"),
            pictures=False,
        ),
    )
    assert results["test"]["accuracy"] == 1.0
    columns = json.loads((tmp_path / "run" / "columns.json").read_text())
    assert columns["inputs"][0]["options"]["text_reading"] == "ngrams"
    answer = columns["answers"]["answer"]
    assert (answer["num_queries"], answer["token_rate"], answer["loss"]) == (8, 0.5, "margin")
    # So few validation samples, all answered right, say little of it.
    assert 0.4 < answer["temperature"] < 0.5


def test_a_stream_of_texts_starts_as_what_its_rows_say(tmp_path: Path) -> None:
    parts = [write(tmp_path / f"{part}.csv", ("text", "label"), kinds(40)) for part in ("train", "test")]
    results = train(
        TextClassification(TextClassificationArguments()),
        RunArguments(
            output=str(tmp_path / "run"),
            data=DataArguments(data=str(parts[0]), test_data=str(parts[1]), streaming=True),
            training=TrainingArguments(steps=2, device="cpu"),
            pictures=False,
        ),
    )
    assert results["test"]["accuracy"] == 1.0
