"""Measures of several labels against scikit-learn, with rows whose labels are missing."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from sklearn import metrics as sklearn_metrics

from perceivers.metrics.answers import measure

GENERATOR = np.random.default_rng(1)
ROWS, LABELS = 53, 3
LOGITS = GENERATOR.standard_normal((ROWS, LABELS)).astype(np.float32)
TRUTH = (GENERATOR.random((ROWS, LABELS)) < 0.4).astype(np.float32)
THERE = GENERATOR.random(ROWS) < 0.8


def measured(name: str, target: np.ndarray) -> float:
    metric = measure(name, "labels", LABELS)
    for part in (slice(0, 5), slice(5, None)):
        metric.update(torch.from_numpy(LOGITS[part]), torch.from_numpy(target[part]))
    return float(metric.compute())


def expected_of(name: str, truth: np.ndarray, logits: np.ndarray) -> float:
    if name == "mean_average_precision":
        return sklearn_metrics.average_precision_score(truth, logits, average="macro")
    if name == "roc_auc":
        return sklearn_metrics.roc_auc_score(truth, logits, average="macro")
    # Logits above 0 are yes.
    return sklearn_metrics.f1_score(truth, logits > 0.0, average="macro")


@pytest.mark.parametrize("name", ["mean_average_precision", "f1", "roc_auc"])
def test_measures_are_the_means_over_labels_that_scikit_learn_has(name: str) -> None:
    target = np.where(THERE[:, None], TRUTH, np.nan)
    expected = expected_of(name, TRUTH[THERE], LOGITS[THERE])
    assert measured(name, target) == pytest.approx(expected, abs=1e-6)
    assert measured(name, TRUTH) != pytest.approx(expected, abs=1e-6)
    # Whole numbers are labels as well.
    assert measured(name, TRUTH.astype(np.int64)) == pytest.approx(measured(name, TRUTH))


@pytest.mark.parametrize("name", ["mean_average_precision", "roc_auc"])
def test_a_label_that_is_never_true_is_left_out_of_the_mean_without_a_warning(name: str) -> None:
    truth = TRUTH.copy()
    truth[:, 1] = 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = measured(name, truth)
    assert found == pytest.approx(expected_of(name, truth[:, [0, 2]], LOGITS[:, [0, 2]]), abs=1e-6)


def test_equal_scores_make_one_step_of_the_precision() -> None:
    metric = measure("mean_average_precision", "labels", 1)
    metric.update(torch.tensor([[1.0], [1.0], [0.0]]), torch.tensor([[1], [0], [1]]))
    # Half of the true rows at a precision of 1/2, the other half at 2/3.
    assert float(metric.compute()) == pytest.approx(0.5 / 2 + 0.5 * 2 / 3)
