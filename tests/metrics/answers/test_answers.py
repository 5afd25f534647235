"""Which measures there are, which are reported, which way is better, and what is said of wrong names."""

from __future__ import annotations

import math

import pytest
import torch

from perceivers.errors import ConfigurationError
from perceivers.metrics.answers import MEASURES, is_better, measure, measures_of


def test_what_is_reported_begins_with_the_headline_and_ends_with_the_confusions() -> None:
    of_class = ("accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss", "matthews", "calibration_error")
    assert measures_of("class", 5) == (*of_class, "confusions")
    assert measures_of("class", 7) == (*of_class, "top_5_accuracy", "confusions")
    assert "roc_auc" not in measures_of("class", 101)
    assert measures_of("labels", 3) == ("mean_average_precision", "f1", "roc_auc")
    of_number = ("rmse", "mae", "r2", "pearson", "spearman")
    assert measures_of("number", 1) == of_number
    assert measures_of("number", 1, (0.5,)) == (*of_number, "pinball")
    assert measures_of("number", 2, (0.1, 0.9)) == (*of_number, "pinball", "coverage", "interval_width")


def test_errors_are_better_when_they_are_lower() -> None:
    lower = {
        name
        for names in MEASURES.values()
        for name in names
        if name != "confusions" and is_better(name) == "lower"
    }
    assert lower == {
        "log_loss",
        "calibration_error",
        "rmse",
        "mae",
        "mean_squared_error",
        "pinball",
        "interval_width",
    }


@pytest.mark.parametrize("answer", MEASURES)
def test_without_rows_every_measure_is_nan_and_there_are_no_confusions(answer: str) -> None:
    quantiles = (0.1, 0.5, 0.9) if answer == "number" else ()
    outputs = {"class": 7, "labels": 3, "number": 3, "entity": 4, "entities": 3}[answer]
    missing = {
        "class": torch.full((5,), -100),
        "labels": torch.full((5, 3), math.nan),
        "number": torch.full((5,), math.nan),
        "entity": torch.full((5,), -100),
        "entities": torch.full((5, 3), math.nan),
    }[answer]
    assert {*measures_of(answer, outputs, quantiles)} <= {*MEASURES[answer]}
    for name in MEASURES[answer]:
        metric = measure(name, answer, outputs, quantiles)
        metric.update(torch.randn(5, outputs, generator=torch.Generator().manual_seed(0)), missing)
        value = metric.compute()
        assert value.sum() == 0 if name == "confusions" else math.isnan(float(value)), name


def test_two_classes_without_rows_have_no_f1() -> None:
    metric = measure("f1", "class", 2)
    metric.update(torch.randn(3, 2), torch.full((3,), -100))
    assert math.isnan(float(metric.compute()))


def test_a_metric_begins_again_after_a_reset() -> None:
    for name in ("accuracy", "roc_auc"):
        metric = measure(name, "class", 2)
        metric.update(torch.tensor([[0.0, 1.0], [0.0, 2.0]]), torch.tensor([1, 0]))
        assert float(metric.compute()) < 1.0
        metric.reset()
        metric.update(torch.tensor([[0.0, 1.0], [2.0, 0.0]]), torch.tensor([1, 0]))
        assert float(metric.compute()) == 1.0


def test_an_unknown_name_or_kind_is_an_error() -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"`answer` must be one of class, labels, number, entity, entities, received 'word'",
    ):
        measure("accuracy", "word", 3)
    with pytest.raises(
        ConfigurationError,
        match=r"`name` must be one of rmse, .*pinball for 'number' with 1 outputs and quantiles \(0.5,\), "
        r"received 'coverage'",
    ):
        measure("coverage", "number", 1, (0.5,))
    with pytest.raises(
        ConfigurationError, match=r"`name` must be one of accuracy, .*, received 'top_5_accuracy'"
    ):
        measure("top_5_accuracy", "class", 5)
    with pytest.raises(
        ConfigurationError, match=r"`name` must be one of accuracy, .*, received 'confusions'"
    ):
        is_better("confusions")
