"""Measures of several text tasks at once, each over its own samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn import metrics as sklearn_metrics

from perceivers.metrics.text_measures import Asked, measure, measures_of_tasks


@pytest.mark.parametrize(
    ("answer", "preds", "target", "expected"),
    [
        # F1 of two right ones of three of the class, and one taken for it; the other class has one of two.
        ("one-class", [[0, 1.0], [0, 1], [1, 0], [0, 1], [1, 0]], [1, 1, 1, 0, 0], 2 * 2 / (2 * 2 + 1 + 1)),
        ("several-labels", [[1.0, -1], [-1, 1]], [[1, 0], [0, 0]], (1 + 0) / 2),
    ],
)
def test_the_answers_of_the_options_are_measured_by_their_own_kinds(
    answer: str, preds: list[list[float]], target: list[object], expected: float
) -> None:
    metric = measure("f1", answer, 2)
    metric.update(torch.tensor(preds), torch.tensor(target))
    assert float(metric.compute()) == pytest.approx(expected)


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
