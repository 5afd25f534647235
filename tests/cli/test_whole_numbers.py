"""A fraction where a whole number is wanted is an error of every command, never a number beside it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from perceivers.cli import app, main
from perceivers.cli.whole_numbers import holds_whole_numbers, whole


@pytest.mark.parametrize(
    ("hint", "expected"),
    [(int, True), (int | None, True), (tuple[int, ...], True), (float | None, False), (str, False)],
)
def test_types_of_whole_numbers_are_known(hint: Any, expected: bool) -> None:
    assert holds_whole_numbers(hint) is expected


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--steps", ["3.5"]),
        ("--num-latents", ["3.5"]),
        ("--seed", ["3.5"]),
        ("--cross-attend-places", ["0", "3.5"]),
    ],
)
def test_a_fraction_is_refused_on_the_command_line(
    option: str, words: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = ["train", "series-classification", "--data", "rows.csv", "--output", str(tmp_path / "run")]
    with pytest.raises(SystemExit) as stopped:
        main([*given, option, *words])
    assert stopped.value.code
    said = " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert option in said
    assert 'must be a whole number, received "3.5"' in said


def test_a_fraction_is_refused_in_a_recipe(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("task: series-classification\ndata: {data: rows.csv}\nmodel: {num_latents: 3.5}\n")
    with pytest.raises(SystemExit) as stopped:
        main(["train", "--config", str(recipe), "--output", str(tmp_path / "run")])
    assert stopped.value.code
    assert 'must be a whole number, received "3.5"' in " ".join(capsys.readouterr().err.split())


def test_every_command_refuses_fractions() -> None:
    for command in app:
        if command.startswith("-") or command == "train":
            continue
        function = app[command].default_command
        assert function is not None
        hints = get_type_hints(function, include_extras=True)
        for name in inspect.signature(function).parameters:
            if holds_whole_numbers(hints[name]):
                (parameter,) = (each for each in get_args(hints[name]) if hasattr(each, "converter"))
                assert parameter.converter is whole, f"{command} --{name}"
