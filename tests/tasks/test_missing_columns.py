"""Errors about a column that a table lacks say how it is named, in every task, and what may be wrong with the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from perceivers.cli import main
from perceivers.data.tables import ListTable, require_columns
from perceivers.errors import MissingColumnError
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.missing_columns import naming_arguments, of_a_trained_run
from perceivers.tasks.registry import TASKS

OTHER = "name,say\na,b\nc,d\ne,f\n"


def told(data: Path, task: str, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    with pytest.raises(SystemExit):
        main(["train", task, "--data", str(data), "--output", str(data.parent / "run"), *options])
    return capsys.readouterr().err


@pytest.mark.parametrize("task", [name for name in TASKS if name != "table"])
def test_every_task_names_the_option_that_takes_another_column(
    task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other.csv").write_text(OTHER)
    said = told(tmp_path / "other.csv", task, capsys)
    assert "received name, say" in said
    assert "-column)" in said
    assert "looks like data" not in said


@pytest.mark.parametrize(
    ("task", "header", "options", "column", "argument"),
    [
        ("text-classification", "say,label", [], "text", "text_column"),
        ("text-classification", "text,say", ["--label-column", "kind"], "kind", "label_column"),
        (
            "text-classification",
            "text,label",
            ["--second-text-column", "other"],
            "other",
            "second_text_column",
        ),
        ("image-classification", "say,label", [], "image", "image_column"),
        ("audio-classification", "say,label", [], "file", "audio_column"),
        ("audio-visual-classification", "say,label", [], "video", "video_column"),
        ("video-autoencoding", "say,label", [], "file", "video_column"),
        ("text-generation", "say,label", ["--event-column", "note"], "note", "event_column"),
        ("fill-mask", "text,label", ["--group-column", "writer"], "writer", "group_column"),
    ],
)
def test_the_option_is_that_of_the_absent_column(
    task: str,
    header: str,
    options: list[str],
    column: str,
    argument: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "t.csv").write_text(f"{header}\na,b\nc,d\ne,f\n")
    said = told(tmp_path / "t.csv", task, capsys, *options)
    option = f"--{argument.replace('_', '-')}"
    assert f"must have a column {column!r}, received {header.replace(',', ', ')}" in said
    assert said.endswith(f"; `{argument}` ({option}) names another column\n")


@pytest.mark.parametrize("task", ["text-classification", "optical-flow", "table"])
def test_a_first_line_like_those_below_is_told_of(
    task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text("a fine film,good\na poor film,bad\nanother,good\n")
    said = told(tmp_path / "t.csv", task, capsys, *(["--target", "label"] if task == "table" else []))
    assert "; the first line looks like data: if it is, write a line of names above it" in said


def test_files_that_a_list_calls_otherwise_are_found_and_the_class_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "meta").mkdir()
    (tmp_path / "audio").mkdir()
    lines = ["filename,fold,category"]
    for index in range(6):
        (tmp_path / "audio" / f"1-{index}.wav").write_bytes(b"")
        lines.append(f"1-{index}.wav,{index % 2},{('dog', 'rain')[index % 2]}")
    (tmp_path / "meta" / "esc.csv").write_text("\n".join(lines) + "\n")
    said = told(tmp_path, "audio-classification", capsys)
    assert (
        "must have a column 'label', received filename, fold, category, file; `label_column` (--label-column)"
        in said
    )


def test_an_open_argument_is_named_by_who_knows_it_and_others_by_their_value() -> None:
    table = ListTable([{"x": 1}], "t")
    chosen = ImageClassificationArguments(image_column="photo")
    with pytest.raises(MissingColumnError) as caught, naming_arguments(chosen):
        require_columns(table, "photo")
    assert str(caught.value) == (
        "`t` must have a column 'photo', received x; `image_column` (--image-column) names another column"
    )
    with pytest.raises(MissingColumnError, match=r"; `film_column` .--film-column"), naming_arguments(chosen):
        require_columns(table, "film", option="film_column")
    with pytest.raises(MissingColumnError, match=r"received x$"), naming_arguments(chosen):
        require_columns(table, "film")


def test_a_run_that_is_asked_has_no_option_for_it_and_says_what_to_do() -> None:
    with pytest.raises(MissingColumnError) as caught, of_a_trained_run():
        require_columns(ListTable([{"x": 1}], "t"), "photo")
    assert str(caught.value) == (
        "`t` must have a column 'photo', received x; the run knows it by this name: rename the column that holds the same"
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that reads a column `text`."""
    folder = tmp_path_factory.mktemp("missing")
    rows = [f"{word} {index},{word}" for index in range(10) for word in ("good", "bad")]
    (folder / "t.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    tiny = "--size usual --num-latents 3 --latent-channels 8 --num-layers 1 --num-heads 2 --max-length 23"
    loop = "--epochs 1 --device cpu --beside none --quiet"
    given = ["--data", str(folder / "t.csv"), "--output", str(folder / "run")]
    with pytest.raises(SystemExit, match="0"):
        main(["train", "text-classification", *given, *tiny.split(), *loop.split()])
    (folder / "other.csv").write_text("say,label\na,good\nb,bad\nc,good\n")
    return folder


@pytest.mark.parametrize("command", ["evaluate", "explain", "export", "predict"])
def test_every_command_that_asks_a_run_says_which_name_it_knows(
    command: str, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = [str(run / "other.csv")] if command == "predict" else ["--data", str(run / "other.csv")]
    with pytest.raises(SystemExit):
        main(
            [
                command,
                str(run / "run"),
                *other,
                *(["--output", str(run / "out")] if command != "evaluate" else []),
            ]
        )
    assert capsys.readouterr().err.endswith(
        "must have a column 'text', received say, label; the run knows it by this name: rename the column that holds the "
        "same\n"
    )
