"""Measures of answers against scikit-learn, SciPy and values worked out by hand, for one task and for several."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics as sklearn_metrics

from perceivers.metrics.text_measures import Asked, measure, measures_of_tasks

GENERATOR = np.random.default_rng(0)
CLASSES = 3
SCORES = GENERATOR.standard_normal((23, CLASSES)).astype(np.float32)
TRUTH = GENERATOR.integers(0, CLASSES, 23)
LABELS = (GENERATOR.random((23, CLASSES)) < 0.5).astype(np.int64)
NUMBERS = GENERATOR.standard_normal(23).astype(np.float32)


def measured(name: str, answer: str, preds: np.ndarray, target: np.ndarray, num_outputs: int) -> float:
    metric = measure(name, answer, num_outputs)
    # In two batches, of unequal size.
    for part in (slice(0, 5), slice(5, None)):
        metric.update(torch.from_numpy(preds[part]), torch.from_numpy(target[part]))
    return float(metric.compute())


def test_classes_are_measured_as_scikit_learn_does() -> None:
    answers = SCORES.argmax(axis=1)
    expected = {
        "accuracy": sklearn_metrics.accuracy_score(TRUTH, answers),
        "f1": sklearn_metrics.f1_score(TRUTH, answers, average="macro"),
        "matthews": sklearn_metrics.matthews_corrcoef(TRUTH, answers),
    }
    found = {name: measured(name, "one-class", SCORES, TRUTH, CLASSES) for name in expected}
    assert found == pytest.approx(expected, abs=1e-6)


def test_the_f1_of_two_classes_is_that_of_the_second() -> None:
    scores, truth = SCORES[:, :2], TRUTH % 2
    expected = sklearn_metrics.f1_score(truth, scores.argmax(axis=1))
    assert measured("f1", "one-class", scores, truth, 2) == pytest.approx(expected, abs=1e-6)
    # Three right of the second class, one missed, two taken for it: 2 x 3 / (2 x 3 + 1 + 2).
    answers = np.array([1, 1, 1, 0, 1, 1, 0])
    truth = np.array([1, 1, 1, 1, 0, 0, 0])
    found = measured("f1", "one-class", np.eye(2, dtype=np.float32)[answers], truth, 2)
    assert found == pytest.approx(6 / 9)


def test_confusions_are_counted_by_true_class_and_answer() -> None:
    metric = measure("confusions", "one-class", CLASSES)
    metric.update(torch.from_numpy(SCORES), torch.from_numpy(TRUTH))
    expected = sklearn_metrics.confusion_matrix(TRUTH, SCORES.argmax(axis=1))
    assert metric.compute().tolist() == expected.tolist()


def test_several_labels_are_measured_as_scikit_learn_does() -> None:
    # Macro: the mean over the labels.
    precision = sklearn_metrics.average_precision_score(LABELS, SCORES, average="macro")
    found = measured("mean_average_precision", "several-labels", SCORES, LABELS, CLASSES)
    assert found == pytest.approx(precision, abs=1e-6)
    # Scores outside [0, 1] are logits: above 0 is yes.
    f1 = sklearn_metrics.f1_score(LABELS, SCORES > 0.0, average="macro")
    assert measured("f1", "several-labels", SCORES, LABELS, CLASSES) == pytest.approx(f1, abs=1e-6)


def test_numbers_are_measured_as_scipy_does_without_a_warning() -> None:
    guesses = (NUMBERS + SCORES[:, 0]).astype(np.float32)
    expected = {
        "pearson": float(stats.pearsonr(guesses, NUMBERS)[0]),
        "spearman": float(stats.spearmanr(guesses, NUMBERS)[0]),
        "mean_squared_error": float(((guesses - NUMBERS) ** 2).mean()),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = {name: measured(name, "number", guesses, NUMBERS, 1) for name in expected}
    assert found == pytest.approx(expected, abs=1e-5)


def test_several_tasks_are_measured_apart_and_their_first_measures_averaged() -> None:
    tasks = {
        "kind": Asked("one-class", 3, ("accuracy", "matthews")),
        "size": Asked("number", 1, ("pearson",)),
        "unasked": Asked("one-class", 2, ("accuracy",)),
    }
    found = measures_of_tasks(tasks, list(tasks))
    preds = torch.tensor([[0.1, 0.9, 0], [1.0, 0, 0], [2.0, 0, 0], [0, 0, 0.7], [3.0, 0, 0], [5.0, 0, 0]])
    target = torch.tensor([1.0, 1.0, 10.0, 2.0, 11.0, 14.0])
    task = torch.tensor([0, 0, 1, 0, 1, 1])
    for part in (slice(0, 2), slice(2, None)):
        found.update(preds=preds[part], target=target[part], task=task[part])
    computed = found.compute()
    assert computed.pop("kind/confusions").tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert computed.pop("unasked/confusions").tolist() == [[0, 0], [0, 0]]
    values = {name: float(value) for name, value in computed.items()}
    pearson = float(np.corrcoef([2, 3, 5], [10, 11, 14])[0, 1])
    assert set(values) == {"score", "kind/accuracy", "kind/matthews", "size/pearson", "unasked/accuracy"}
    assert values["kind/accuracy"] == pytest.approx(2 / 3)
    answers = sklearn_metrics.matthews_corrcoef([1, 1, 2], [1, 0, 2])
    assert values["kind/matthews"] == pytest.approx(answers, abs=1e-6)
    assert values["size/pearson"] == pytest.approx(pearson, abs=1e-5)
    # Nothing was asked of the third task: it says nothing, and the mean leaves it out.
    assert math.isnan(values["unasked/accuracy"])
    assert values["score"] == pytest.approx((2 / 3 + pearson) / 2, abs=1e-5)
    found.reset()
    found.update(preds=preds[:1], target=target[:1], task=task[:1])
    assert float(found.compute()["kind/accuracy"]) == 1.0
