"""`perceivers train`: recipes, options over them, and the resolved form of both. Nothing of this file trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from perceivers.arguments import DataArguments, OptimizationArguments, StartArguments, TrainingArguments
from perceivers.cli import main
from perceivers.tasks.registry import TASKS, arguments_class

RECIPES = sorted((Path(__file__).parents[2] / "recipes").rglob("*.yaml"))


def resolved(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    with pytest.raises(SystemExit) as stopped:
        main(["train", *arguments, "--print-config"])
    assert not stopped.value.code, capsys.readouterr().err
    found: dict[str, Any] = yaml.safe_load(capsys.readouterr().out)
    return found


def mistake(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(["train", *arguments])
    assert stopped.value.code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.out + captured.err
    return " ".join((captured.out + captured.err).split())


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "task: image-classification\n"
        "data: {data: digits, split_seed: 3}\n"
        "model: {num_latents: 7, qk_channels: null}\n"
        "training: {epochs: 5}\n"
        "optimization: {optimizer: lamb}\n"
    )
    return path


def test_a_recipe_gives_the_task_and_its_options(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = resolved(capsys, "--config", str(recipe))
    assert found["task"] == "image-classification"
    assert found["data"]["data"] == "digits"
    assert found["data"]["split_seed"] == 3
    assert found["model"]["num_latents"] == 7
    assert found["model"]["qk_channels"] is None, "a null goes before a default that is not null"
    assert found["training"]["epochs"] == 5
    assert found["training"]["batch_size"] == TrainingArguments().batch_size
    assert found["optimization"]["optimizer"] == "lamb"


@pytest.mark.parametrize("order", [0, 1])
def test_options_on_the_command_line_go_before_the_recipe(
    recipe: Path, order: int, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--epochs", "2", "--qk-channels", "16"]
    config = [f"--config={recipe}"]
    found = resolved(capsys, *(options + config if order else config + options))
    assert (found["training"]["epochs"], found["model"]["qk_channels"]) == (2, 16)


def test_the_resolved_options_are_a_recipe_that_resolves_to_itself(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = resolved(capsys, "--config", str(recipe))
    again = tmp_path / "again.yaml"
    again.write_text(yaml.safe_dump(found))
    assert resolved(capsys, "--config", str(again)) == found


@pytest.mark.parametrize("task", TASKS)
def test_without_a_recipe_every_option_has_the_default_of_its_field(
    task: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found = resolved(capsys, task, "--data", "digits")
    for concern, kind in (
        ("model", arguments_class(task)),
        ("start", StartArguments),
        ("training", TrainingArguments),
        ("optimization", OptimizationArguments),
    ):
        expected = {name: list(v) if isinstance(v, tuple) else v for name, v in vars(kind()).items()}
        assert found[concern] == expected
    assert found["data"]["test_fraction"] == DataArguments(data="digits").test_fraction


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_shipped_recipe_is_read_to_the_last_key(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = resolved(capsys, "--config", str(path))
    assert found["task"] == written.pop("task")
    for concern, values in written.items():
        assert {name: found[concern][name] for name in values} == values


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("digits", f"[{'1, ' * 1_000}1]"),
            "`data` of '{path}' must have 1,000 values or fewer, received 1,001",
        ),
        (("epochs", "epoch"), "`training` of '{path}' has no field 'epoch'; it has epochs, steps,"),
        (("image-classification", "chess"), "`task` of '{path}' must be one of table, image-classification,"),
        (
            ("training:", "trainig:"),
            "must hold only task, output, data, model, start, training, optimization",
        ),
        (("task: ", "true: 1\nodd: 2\ntask: "), "optimization, received True, odd"),
        (("task: ", "tusk: "), "must hold a mapping with the key `task`"),
    ],
)
def test_a_mistake_in_a_recipe_is_named(
    recipe: Path, change: tuple[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe.write_text(recipe.read_text().replace(*change))
    assert message.format(path=recipe) in mistake(capsys, "--config", str(recipe))


def test_an_option_that_the_recipe_has_wrong_is_named_with_the_recipe(
    recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe.write_text("task: image-classification\ndata: {data: digits, test_fraction: 7.0}\n")
    said = f"`test_fraction` must be in [0, 1), received 7.0; it stands in {str(recipe)!r}"
    assert said in mistake(capsys, "--config", str(recipe))
    overridden = mistake(capsys, "--config", str(recipe), "--test-fraction", "8")
    assert overridden.rstrip().endswith("received 8.0")


def test_a_recipe_without_data_is_named(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe.write_text("task: image-classification\n")
    said = f"`data` is given neither by the recipe {str(recipe)!r} nor on the command line: --data FOLDER_OR_FILE"
    assert said in mistake(capsys, "--config", str(recipe))
    assert resolved(capsys, "--config", str(recipe), "--data", "digits")["data"]["data"] == "digits"


def test_a_recipe_of_another_task_is_named(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = mistake(capsys, "fill-mask", "--config", str(recipe))
    assert "is a recipe of 'image-classification', received 'fill-mask'" in shown


def test_a_recipe_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "which does not exist" in mistake(capsys, "--config", str(tmp_path / "gone.yaml"))
    assert "`config` must be followed by a YAML file" in mistake(capsys, "--config")


def test_the_printed_options_hold_the_folder_that_was_given_and_a_given_one_goes_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ("image-classification", "--data", "digits")
    assert "output" not in resolved(capsys, *chosen)
    found = resolved(capsys, *chosen, "--output", "runs/größe: 1")
    assert found["output"] == "runs/größe: 1"
    path = tmp_path / "printed.yaml"
    path.write_text(yaml.safe_dump(found))
    assert resolved(capsys, "--config", str(path)) == found
    assert resolved(capsys, "--config", str(path), "--output", "runs/b") == {**found, "output": "runs/b"}
    assert resolved(capsys, "--config", str(path), "--output=runs/b")["output"] == "runs/b"
    for wrong in ("", None, 3):
        path.write_text(yaml.safe_dump({**found, "output": wrong}))
        said = mistake(capsys, "--config", str(path))
        assert f"`output` of {str(path)!r} must be a folder, received {wrong!r}" in said


def test_a_run_needs_a_folder(capsys: pytest.CaptureFixture[str]) -> None:
    shown = mistake(capsys, "image-classification", "--data", "digits")
    assert "`output` must be a folder for the run, received nothing: --output FOLDER" in shown
