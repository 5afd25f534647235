"""Bounds and documentation of every arguments dataclass, the tasks' own included."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from typing import Any

import pytest

import perceivers.arguments as arguments_module
from perceivers.arguments import (
    DataArguments,
    NetworkArguments,
    OptimizationArguments,
    RunArguments,
    StartArguments,
    TrainingArguments,
)
from perceivers.errors import EMPTY_PATH, ConfigurationError
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.registry import TASKS, arguments_class

SHARED_CLASSES = (
    DataArguments,
    NetworkArguments,
    OptimizationArguments,
    RunArguments,
    StartArguments,
    TrainingArguments,
)


@pytest.mark.parametrize(
    ("kind", "field", "value", "expected"),
    [
        (TrainingArguments, "epochs", 0, "at least 1"),
        (TrainingArguments, "batch_size", 0, "at least 1"),
        (TrainingArguments, "gradient_accumulation_steps", 0, "at least 1"),
        (TrainingArguments, "max_gradient_norm", 0.0, "above 0"),
        (TrainingArguments, "workers", -1, "auto, or at least 0"),
        (TrainingArguments, "steps", 0, "at least 1"),
        (TrainingArguments, "watch_every", 0, "at least 1"),
        (TrainingArguments, "checkpoint_every", 0, "at least 1"),
        (TrainingArguments, "ema_decay", 1.0, "in [0, 1)"),
        (NetworkArguments, "num_layers", 0, "at least 1"),
        (NetworkArguments, "qk_channels", 0, "at least 1"),
        (NetworkArguments, "dropout", 1.0, "in [0, 1)"),
        (StartArguments, "start_from", "head", "one of all, encoder"),
        (StartArguments, "trained", "head", "one of all, decoder"),
        (TrainingArguments, "mixed_precision", "fp8", "one of no, bf16, fp16"),
        (TrainingArguments, "stem_precision", "bf16", "one of float32, bfloat16"),
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
        ("test_fraction", 1.0, "in [0, 1)"),
        ("validation_fraction", 1.0, "in [0, 1)"),
        ("shuffle_buffer", 0, "at least 1"),
        ("unreadable", "ignore", "one of auto, stop, skip, trust"),
        ("decimal", "dot", "one of auto, point, comma, grouped"),
    ],
)
def test_a_division_out_of_bounds_is_named(field: str, value: Any, expected: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        DataArguments(**{"data": "digits", field: value})
    assert str(error.value) == f"`{field}` must be {expected}, received {value!r}"


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (DataArguments, "data"),
        (DataArguments, "validation_data"),
        (DataArguments, "test_data"),
        (DataArguments, "keep_folder"),
        (StartArguments, "start"),
        (RunArguments, "output"),
    ],
)
def test_an_empty_text_is_no_path(kind: Any, field: str) -> None:
    others = {DataArguments: {"data": "digits"}, RunArguments: {"data": DataArguments(data="digits")}}
    with pytest.raises(ConfigurationError) as error:
        kind(**{**others.get(kind, {}), field: ""})
    assert str(error.value) == f"`{field}` must be a name or a path, {EMPTY_PATH}"


def test_a_notation_that_nobody_has_found_out_is_not_known() -> None:
    assert DataArguments(data="digits", decimal="comma").known_decimal == "comma"
    with pytest.raises(
        ConfigurationError, match="`decimal` of a run must be point, comma or grouped, received auto"
    ):
        _ = DataArguments(data="digits").known_decimal


def test_heads_that_do_not_divide_the_channels_are_named() -> None:
    with pytest.raises(
        ConfigurationError, match="`num_heads` must divide `latent_channels`, received 5 heads and 64"
    ):
        ImageClassificationArguments(num_heads=5, latent_channels=64)


@pytest.mark.parametrize(
    ("heads", "channels"),
    [("num_heads", "qk_channels"), ("num_heads", "v_channels"), ("num_cross_heads", "qk_channels")],
)
def test_heads_divide_the_channels_that_they_share(heads: str, channels: str) -> None:
    given = {"num_heads": 2, "latent_channels": 60, heads: 4, channels: 30}
    with pytest.raises(
        ConfigurationError, match=f"`{heads}` must divide `{channels}`, received 4 heads and 30"
    ):
        NetworkArguments(**given)


def test_a_choice_about_the_start_needs_a_start() -> None:
    with pytest.raises(
        ConfigurationError, match="`start` must name a checkpoint where `start_from` or `trained`"
    ):
        StartArguments(trained="decoder")


def test_every_size_reaches_the_configuration() -> None:
    sizes = NetworkArguments(
        num_latents=3, latent_channels=10, num_blocks=7, num_layers=11, num_heads=5, num_cross_heads=2,
        qk_channels=20, v_channels=30, widening_factor=13, dropout=0.25, mlp_dropout=0.125,
    )  # fmt: skip
    assert sizes.config_values() == {
        "num_latents": 3,
        "d_latents": 10,
        "num_blocks": 7,
        "num_self_attends_per_block": 11,
        "num_self_attention_heads": 5,
        "num_cross_attention_heads": 2,
        "qk_channels": 20,
        "v_channels": 30,
        "self_attention_widening_factor": 13,
        "cross_attention_widening_factor": 13,
        "attention_probs_dropout_prob": 0.25,
        "mlp_dropout_prob": 0.125,
        "fan_in_scaling": True,
    }


def test_what_the_first_perceiver_has_reaches_the_configuration_where_it_is_asked_for() -> None:
    asked: dict[str, Any] = {
        "num_cross_attends": 2,
        "cross_attend_places": (0, 3),
        "cross_attend_sharing": "none",
        "cross_attend_inputs": "parts",
        "share_self_attends": False,
        "mean_of_latents": True,
    }
    values = NetworkArguments(**asked).config_values()
    assert {name: values[name] for name in asked} == asked
    assert not set(asked) & set(NetworkArguments().config_values())


@pytest.mark.parametrize("places", [(0,), (3, 0), (0, 4), (-1, 0)])
def test_each_look_has_a_place_among_the_layers(places: tuple[int, ...]) -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"`cross_attend_places` must be one ascending number from 0 to 3 .* each of the 2",
    ):
        NetworkArguments(num_cross_attends=2, num_layers=3, cross_attend_places=places)


@pytest.mark.parametrize(
    "kind",
    [*SHARED_CLASSES, *(arguments_class(name) for name in TASKS)],
    ids=lambda kind: kind.__name__,
)
def test_every_field_is_documented_where_it_is_declared(kind: type[Any]) -> None:
    missing = []
    for base in kind.__mro__:
        if dataclasses.is_dataclass(base):
            (node,) = ast.parse(inspect.getsource(base)).body
            assert isinstance(node, ast.ClassDef)
            declared = {item.target.id for item in node.body if isinstance(item, ast.AnnAssign)}  # type: ignore[union-attr]
            documented = {
                first.target.id
                for first, second in zip(node.body, node.body[1:], strict=False)
                if isinstance(first, ast.AnnAssign)
                and isinstance(first.target, ast.Name)
                and isinstance(second, ast.Expr)
                and isinstance(second.value, ast.Constant)
            }
            missing += [f"{base.__name__}.{name}" for name in declared - documented]
    assert not missing


@pytest.mark.parametrize("name", TASKS)
def test_the_arguments_of_a_task_are_those_that_its_class_takes(name: str) -> None:
    from perceivers.tasks.registry import task_class

    assert task_class(name).arguments_class is arguments_class(name)


def test_the_shared_classes_are_exported() -> None:
    for kind in SHARED_CLASSES:
        assert getattr(arguments_module, kind.__name__) is kind
