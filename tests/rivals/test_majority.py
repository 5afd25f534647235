"""The answer that looks at nothing, by hand."""

from __future__ import annotations

import math

import pytest

from perceivers.rivals.majority import beside_majority


def test_every_row_has_the_commonest_class_and_the_mean_number() -> None:
    rival = beside_majority(
        {
            "kind": ("class", ["a", "b", "b", "b", None], ["b", "a", "b", None]),
            "price": ("number", [1.0, None, 3.0], [4.0, 2.0, None]),
            "tags": ("labels", [["x"], ["x", "y"], ["x"], []], [["x"], ["y"]]),
        }
    )
    kind, price, tags = (rival.measures[name] for name in ("kind", "price", "tags"))
    assert kind["accuracy"] == pytest.approx(2 / 3)
    assert kind["balanced_accuracy"] == kind["roc_auc"] == 0.5
    assert kind["log_loss"] == pytest.approx(-(2 * math.log(0.75) + math.log(0.25)) / 3)
    # |2/3 right - 3/4 sure|
    assert kind["calibration_error"] == pytest.approx(3 / 4 - 2 / 3)
    assert price["rmse"] == pytest.approx(math.sqrt((4 + 0) / 2))
    assert price["mae"] == 1.0
    # x, in three rows of four, is always the answer: F1 2/3. y never is: 0.
    assert tags["f1"] == pytest.approx((2 / 3 + 0) / 2)
    assert (rival.read, rival.ignored) == ((), ())
