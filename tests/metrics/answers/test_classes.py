"""Measures of one class against scikit-learn and values worked out by hand, with rows whose class is missing."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sklearn_metrics

from perceivers.metrics.answers import MISSING_CLASS, measure

GENERATOR = np.random.default_rng(0)
ROWS, CLASSES = 101, 7
LOGITS = (2.0 * GENERATOR.standard_normal((ROWS, CLASSES))).astype(np.float32)
TRUTH = GENERATOR.integers(0, CLASSES, ROWS)
LOGITS[np.arange(ROWS), TRUTH] += 1.0
THERE = GENERATOR.random(ROWS) < 0.8


def measured(name: str, logits: np.ndarray, target: np.ndarray) -> Any:
    metric = measure(name, "class", logits.shape[1])
    # In batches of unequal size, one of which is empty.
    for part in (slice(0, 5), slice(5, 5), slice(5, None)):
        metric.update(torch.from_numpy(logits[part]), torch.from_numpy(target[part]))
    return metric.compute()


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def answers(logits: np.ndarray) -> np.ndarray:
    return logits.argmax(axis=1)


ALL = list(range(CLASSES))
EXPECTED: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": lambda truth, logits: sklearn_metrics.accuracy_score(truth, answers(logits)),
    "balanced_accuracy": lambda truth, logits: sklearn_metrics.balanced_accuracy_score(
        truth, answers(logits)
    ),
    "f1": lambda truth, logits: sklearn_metrics.f1_score(truth, answers(logits), average="macro"),
    "roc_auc": lambda truth, logits: sklearn_metrics.roc_auc_score(
        truth, softmax(logits), multi_class="ovr", average="macro"
    ),
    "log_loss": lambda truth, logits: sklearn_metrics.log_loss(truth, softmax(logits), labels=ALL),
    "matthews": lambda truth, logits: sklearn_metrics.matthews_corrcoef(truth, answers(logits)),
    "top_5_accuracy": lambda truth, logits: sklearn_metrics.top_k_accuracy_score(
        truth, logits, k=5, labels=ALL
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_measures_are_those_of_scikit_learn_over_the_rows_that_have_a_class(name: str) -> None:
    target = np.where(THERE, TRUTH, MISSING_CLASS)
    expected = EXPECTED[name](TRUTH[THERE], LOGITS[THERE])
    assert 0.2 < expected < 3.0
    assert float(measured(name, LOGITS, target)) == pytest.approx(expected, abs=1e-6)
    assert float(measured(name, LOGITS, TRUTH)) != pytest.approx(expected, abs=1e-6)


def test_log_probabilities_are_logits_too() -> None:
    logs = np.log(softmax(LOGITS))
    for name in ("roc_auc", "log_loss", "calibration_error"):
        assert float(measured(name, logs, TRUTH)) == pytest.approx(
            float(measured(name, LOGITS, TRUTH)), abs=1e-6
        )


def test_of_two_classes_the_second_is_the_one_that_is_looked_for() -> None:
    logits, truth = LOGITS[:, :2], TRUTH % 2
    expected = {
        "f1": sklearn_metrics.f1_score(truth, answers(logits)),
        "roc_auc": sklearn_metrics.roc_auc_score(truth, softmax(logits)[:, 1]),
    }
    found = {name: float(measured(name, logits, truth)) for name in expected}
    assert found == pytest.approx(expected, abs=1e-6)
    # Three right of the second class, one missed, two taken for it: 2 x 3 / (2 x 3 + 1 + 2).
    logits = np.eye(2, dtype=np.float32)[[1, 1, 1, 0, 1, 1, 0]]
    assert float(measured("f1", logits, np.array([1, 1, 1, 1, 0, 0, 0]))) == pytest.approx(6 / 9)


def test_classes_that_do_not_occur_are_left_out_of_the_means_without_a_warning() -> None:
    # Classes 5 and 6 are never true; the model may still answer them.
    truth = TRUTH % 5
    probabilities = softmax(LOGITS)
    areas = [sklearn_metrics.roc_auc_score(truth == index, probabilities[:, index]) for index in range(5)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = float(measured("roc_auc", LOGITS, truth))
        recall = float(measured("balanced_accuracy", LOGITS, truth))
    assert found == pytest.approx(np.mean(areas), abs=1e-6)
    shares = [(answers(LOGITS)[truth == index] == index).mean() for index in range(5)]
    assert recall == pytest.approx(np.mean(shares), abs=1e-6)


def test_sure_answers_keep_their_order_under_the_curve() -> None:
    # Both probabilities are 1 in float32 and in float64; the logits still say which is surer.
    logits = np.array([[0.0, 60.0], [0.0, 50.0]], dtype=np.float32)
    assert float(measured("roc_auc", logits, np.array([1, 0]))) == 1.0
    assert float(measured("roc_auc", logits, np.array([0, 1]))) == 0.0


def test_equal_scores_count_half_under_the_curve() -> None:
    logits = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 2.0]], dtype=np.float32)
    # Pairs (second, first): equal; (third, first): right.
    assert float(measured("roc_auc", logits, np.array([0, 1, 1]))) == 0.75


def test_confusions_are_counted_by_true_class_and_answer() -> None:
    target = np.where(THERE, TRUTH, MISSING_CLASS)
    expected = sklearn_metrics.confusion_matrix(TRUTH[THERE], answers(LOGITS)[THERE])
    found = measured("confusions", LOGITS, target)
    assert found.dtype == torch.int64
    assert found.tolist() == expected.tolist()


def test_calibration_error_is_the_mean_distance_of_15_bins() -> None:
    # Two answers in the bin of 0.6 to 0.667, half of them right; one sure answer in the last, right.
    probabilities = np.array([[0.62, 0.38], [0.36, 0.64], [0.0001, 0.9999]])
    found = float(measured("calibration_error", np.log(probabilities), np.array([0, 0, 1])))
    assert found == pytest.approx((abs(0.62 + 0.64 - 1) + 0.0001) / 3, abs=1e-9)


def test_one_kind_of_answer_says_nothing_of_the_correlation() -> None:
    logits = np.array([[1.0, 0.0]] * 3, dtype=np.float32)
    truth = np.array([0, 1, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = sklearn_metrics.matthews_corrcoef(truth, answers(logits))
    assert float(measured("matthews", logits, truth)) == expected == 0.0
    assert float(measured("f1", logits, np.array([0, 0, 0]))) == 0.0
