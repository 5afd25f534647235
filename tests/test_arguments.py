"""What a user may choose: bounds, record, documentation."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from pathlib import Path
from typing import Any

import pytest

import perceivers.arguments as arguments_module
from perceivers.arguments import (
    DataArguments,
    ImageClassificationArguments,
    OptimizationArguments,
    RunArguments,
    TrainingArguments,
    from_mapping,
    load_arguments,
    save_arguments,
)
from perceivers.errors import ConfigurationError, DataError


@pytest.mark.parametrize(
    ("kind", "field", "value", "expected"),
    [
        (TrainingArguments, "epochs", 0, "at least 1"),
        (TrainingArguments, "batch_size", 0, "at least 1"),
        (TrainingArguments, "gradient_accumulation_steps", 0, "at least 1"),
        (TrainingArguments, "max_gradient_norm", 0.0, "above 0"),
        (TrainingArguments, "workers", -1, "at least 0"),
        (TrainingArguments, "mixed_precision", "fp8", "one of no, bf16, fp16"),
        (TrainingArguments, "device", "tpu", "one of auto, cpu"),
        (OptimizationArguments, "optimizer", "sgd", "one of adamw, lamb"),
        (OptimizationArguments, "learning_rate", 0.0, "above 0"),
        (OptimizationArguments, "weight_decay", -0.1, "at least 0"),
        (OptimizationArguments, "beta1", 1.0, "in [0, 1)"),
        (OptimizationArguments, "beta2", -0.1, "in [0, 1)"),
        (OptimizationArguments, "epsilon", 0.0, "above 0"),
        (OptimizationArguments, "warmup_steps", -1, "at least 0"),
        (OptimizationArguments, "constant_fraction", 1.1, "in [0, 1]"),
        (ImageClassificationArguments, "image_height", 0, "at least 1"),
        (ImageClassificationArguments, "num_latents", 0, "at least 1"),
        (ImageClassificationArguments, "dropout", 1.0, "in [0, 1)"),
        (ImageClassificationArguments, "label_smoothing", 1.0, "in [0, 1)"),
        (ImageClassificationArguments, "shift", 1.5, "in [0, 1]"),
        (ImageClassificationArguments, "rotation", 181.0, "in [0, 180]"),
        (ImageClassificationArguments, "scale", -0.5, "in [0, 1)"),
    ],
)
def test_a_value_out_of_bounds_is_named_with_its_bounds(
    kind: Any, field: str, value: Any, expected: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        kind(**{field: value})
    assert str(error.value) == f"`{field}` must be {expected}, received {value!r}"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("test_fraction", 0.0, "in (0, 1)"),
        ("validation_fraction", 1.0, "in [0, 1)"),
        ("unreadable", "ignore", "one of stop, skip"),
    ],
)
def test_a_division_out_of_bounds_is_named(field: str, value: Any, expected: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        DataArguments(**{"data": "digits", field: value})
    assert str(error.value) == f"`{field}` must be {expected}, received {value!r}"


def test_heads_that_do_not_divide_the_channels_are_named() -> None:
    with pytest.raises(
        ConfigurationError, match="`num_heads` must divide `latent_channels`, received 5 heads and 64"
    ):
        ImageClassificationArguments(num_heads=5, latent_channels=64)


def test_the_record_of_a_run_is_read_back_as_it_was(tmp_path: Path) -> None:
    run = RunArguments(
        output="runs/x",
        data=DataArguments(data="digits", test_fraction=0.3),
        training=TrainingArguments(epochs=7, mixed_precision="bf16"),
        optimization=OptimizationArguments(optimizer="lamb", beta1=0.5),
        overwrite=True,
    )
    model = ImageClassificationArguments(num_latents=13)
    save_arguments(tmp_path, task="image-classification", model=model, run=run)
    task, values, loaded = load_arguments(tmp_path)
    assert task == "image-classification"
    assert loaded == run
    assert from_mapping(ImageClassificationArguments, values) == model


def test_a_folder_without_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"`folder` must be a training run with a file arguments.json, received"
    ):
        load_arguments(tmp_path)


@pytest.mark.parametrize(
    "text", ["{", "{}", "[]", '{"task": "x", "model": {}, "run": {"output": 1, "data": {}}}']
)
def test_a_damaged_record_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "arguments.json").write_text(text)
    with pytest.raises(DataError, match=r"arguments.json' is not a record that `perceivers train` wrote"):
        load_arguments(tmp_path)


def test_a_field_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigurationError, match="TrainingArguments has no field epoch; it has batch_size,"):
        from_mapping(TrainingArguments, {"epoch": 3})


def test_only_dataclasses_are_recorded(tmp_path: Path) -> None:
    run = RunArguments(output="x", data=DataArguments(data="digits"))
    with pytest.raises(ConfigurationError, match="`model` must be an instance of a dataclass, received 3"):
        save_arguments(tmp_path, task="x", model=3, run=run)


def test_every_field_of_every_class_is_documented() -> None:
    tree = ast.parse(inspect.getsource(arguments_module))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    assert len(classes) >= 5
    for name, node in classes.items():
        fields = {entry.name for entry in dataclasses.fields(getattr(arguments_module, name))}
        documented = {
            first.target.id
            for first, second in zip(node.body, node.body[1:], strict=False)
            if isinstance(first, ast.AnnAssign)
            and isinstance(first.target, ast.Name)
            and isinstance(second, ast.Expr)
            and isinstance(second.value, ast.Constant)
        }
        assert documented == fields, name
