"""The record of a run, which is a recipe."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from perceivers.arguments import (
    DataArguments,
    OptimizationArguments,
    RunArguments,
    StartArguments,
    TrainingArguments,
    from_mapping,
    load_arguments,
    read_recipe,
    run_from_recipe,
    save_arguments,
)
from perceivers.errors import ConfigurationError, DataError
from perceivers.tasks.image_classification.options import ImageClassificationArguments


def test_the_record_of_a_run_is_read_back_as_it_was(tmp_path: Path) -> None:
    run = RunArguments(
        output=str(tmp_path),
        data=DataArguments(data="digits", test_fraction=0.3),
        training=TrainingArguments(epochs=7, mixed_precision="bf16"),
        optimization=OptimizationArguments(optimizer="lamb", beta1=0.5),
        start=StartArguments(start="runs/y", trained="decoder"),
    )
    model = ImageClassificationArguments(num_latents=13)
    save_arguments(tmp_path, task="image-classification", model=model, run=run)
    task, values, loaded = load_arguments(tmp_path)
    assert task == "image-classification"
    assert loaded == run
    assert from_mapping(ImageClassificationArguments, values) == model


def test_a_record_of_an_earlier_version_says_that_numbers_have_a_point(tmp_path: Path) -> None:
    (tmp_path / "arguments.yaml").write_text("task: table\ndata: {data: digits}\n")
    _, _, run = load_arguments(tmp_path)
    assert run.data.known_decimal == "point"


def test_a_folder_without_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"`folder` must be a training run with a file arguments.yaml, received"
    ):
        load_arguments(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as YAML"),
        ("[]", "must hold a mapping with the key `task`, received"),
        ("data: {}", "must hold a mapping with the key `task`, received"),
        (
            "task: x\nmodle: {}",
            "must hold only task, output, data, model, start, training, optimization, received modle",
        ),
        ("task: x\ndata: digits", "`data` of .* must be a mapping, received 'digits'"),
        ("task: x", "is not a record that `perceivers train` wrote: `data` must be given"),
        ("task: x\ndata: {data: y, colour: 3}", "is not a record .* DataArguments has no field colour"),
    ],
)
def test_a_damaged_record_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "arguments.yaml").write_text(text)
    with pytest.raises(DataError, match=message) as error:
        load_arguments(tmp_path)
    assert "arguments.yaml" in str(error.value)


def test_a_recipe_may_leave_out_what_has_a_default(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("task: x\ndata:\n  data: digits\ntraining:\n  epochs: 3\n")
    run = run_from_recipe(read_recipe(path), output="y", resume=True)
    expected = RunArguments(
        output="y",
        data=DataArguments(data="digits"),
        training=TrainingArguments(epochs=3),
        resume=True,
    )
    assert run == expected


def test_a_recipe_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"`config` must be a YAML file, received .*gone.yaml', which does not exist"
    ):
        read_recipe(tmp_path / "gone.yaml")


def test_lists_of_a_recipe_are_tuples_of_the_arguments() -> None:
    @dataclasses.dataclass(frozen=True)
    class Columns:
        names: tuple[str, ...]

    assert from_mapping(Columns, {"names": ["a", "b"]}) == Columns(names=("a", "b"))


def test_a_field_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigurationError, match="TrainingArguments has no field epoch; it has batch_size,"):
        from_mapping(TrainingArguments, {"epoch": 3})


def test_only_dataclasses_are_recorded(tmp_path: Path) -> None:
    run = RunArguments(output="x", data=DataArguments(data="digits"))
    with pytest.raises(ConfigurationError, match="`model` must be an instance of a dataclass, received 3"):
        save_arguments(tmp_path, task="x", model=3, run=run)
