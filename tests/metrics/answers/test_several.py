"""Several answers at once: each metric takes its own, under names that may have dots."""

from __future__ import annotations

import torch

from perceivers.metrics.answers import measure, of_answer
from perceivers.metrics.running import Metrics

PREDS = {
    "kind/preds": torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]),
    "size/preds": torch.tensor([1.0, 2.0, 5.0]),
}
TARGETS = {"kind/target": torch.tensor([1, 1, -100]), "size/target": torch.tensor([1.0, 4.0, torch.nan])}


def test_each_metric_measures_its_own_answer() -> None:
    metrics = Metrics(
        {
            "kind/accuracy": of_answer("kind", measure("accuracy", "class", 2)),
            "kind/confusions": of_answer("kind", measure("confusions", "class", 2)),
            "size/mae": of_answer("size", measure("mae", "number", 1)),
        }
    )
    metrics.update(**PREDS, **TARGETS, value=torch.zeros(3))
    found = metrics.compute()
    assert found.pop("kind/confusions").tolist() == [[0, 0], [1, 1]]
    assert {name: float(value) for name, value in found.items()} == {"kind/accuracy": 0.5, "size/mae": 1.0}
    metrics.reset()
    metrics.update(**{name: value[:1] for name, value in (PREDS | TARGETS).items()})
    assert float(metrics.compute()["kind/accuracy"]) == 1.0


def test_names_may_have_dots() -> None:
    metrics = Metrics({"size (sq. m)/mae": of_answer("size (sq. m)", measure("mae", "number", 1))})
    metrics.update(**{"size (sq. m)/preds": torch.tensor([3.0]), "size (sq. m)/target": torch.tensor([1.0])})
    assert {name: float(value) for name, value in metrics.compute().items()} == {"size (sq. m)/mae": 2.0}
