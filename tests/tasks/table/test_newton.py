"""Newton's method against closed forms and scikit-learn."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional as F

from perceivers.models.answers.losses import margin_losses, pinball
from perceivers.tasks.table.newton import newton


def inputs_of(num_rows: int, num_features: int, seed: int = 0) -> Tensor:
    """Features and a column of ones."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(num_rows, num_features, dtype=torch.float64, generator=generator)
    return torch.cat([features, features.new_ones(num_rows, 1)], dim=1)


def costs_of(num_features: int, cost: float) -> Tensor:
    return torch.cat([torch.full((num_features, 1), cost), torch.zeros(1, 1)]).double()


def nothing(num_inputs: int, num_outputs: int) -> Tensor:
    return torch.zeros(num_inputs, num_outputs, dtype=torch.float64)


@settings(deadline=None, max_examples=20)
@given(
    num_rows=st.integers(1, 31),
    num_features=st.integers(1, 17),
    cost=st.floats(0.01, 100.0),
    seed=st.integers(0, 99),
)
def test_squared_errors_have_the_answer_of_ridge_regression_after_one_step(
    num_rows: int, num_features: int, cost: float, seed: int
) -> None:
    inputs = inputs_of(num_rows, num_features, seed)
    targets = torch.randn(num_rows, dtype=torch.float64, generator=torch.Generator().manual_seed(seed + 100))
    steps = 0

    def losses(scores: Tensor) -> Tensor:
        nonlocal steps
        steps += scores.requires_grad
        return (scores[:, 0] - targets).square()

    costs = costs_of(num_features, cost)
    found = newton(inputs, losses, costs, nothing(num_features + 1, 1), most=800)
    wanted = torch.linalg.solve(2.0 * inputs.T @ inputs + costs[:, 0].diag(), 2.0 * inputs.T @ targets)
    assert found is not None
    torch.testing.assert_close(found[:, 0], wanted, atol=1e-6, rtol=1e-6)
    # One to see what counts, one to step by, and one that finds nothing left.
    assert steps <= 3


def test_cross_entropy_has_the_answer_of_logistic_regression() -> None:
    inputs, cost = inputs_of(103, 5), 0.7
    classes = inputs[:, :3].argmax(dim=1)
    found = newton(
        inputs, lambda scores: F.cross_entropy(scores, classes, reduction="none"), costs_of(5, cost), nothing(6, 3), most=800
    )  # fmt: skip
    assert found is not None
    other = LogisticRegression(C=1.0 / cost, tol=1e-9, max_iter=10_000).fit(inputs[:, :5], classes)
    np.testing.assert_allclose(found[:-1].T, other.coef_, atol=1e-4)


def test_a_class_that_no_row_has_ends_the_search_with_finite_weights() -> None:
    inputs = inputs_of(23, 3)
    classes = (inputs[:, 0] > 0).long()
    found = newton(
        inputs, lambda scores: F.cross_entropy(scores, classes, reduction="none"), costs_of(3, 1.0), nothing(4, 3), most=800
    )  # fmt: skip
    assert found is not None
    assert found.isfinite().all()
    shares = (inputs @ found).softmax(dim=1)
    assert shares[:, 2].max() < 1e-3


def test_margins_that_curve_in_places_alone_are_searched_to_the_end() -> None:
    inputs = inputs_of(61, 4)
    classes, costs = inputs[:, :3].argmax(dim=1), costs_of(4, 0.3)
    found = newton(inputs, lambda scores: margin_losses(scores, classes), costs, nothing(5, 3), most=800)
    assert found is not None
    weights = found.clone().requires_grad_()
    (margin_losses(inputs @ weights, classes).sum() + (costs * weights.square()).sum() / 2).backward()
    assert weights.grad is not None
    assert float(weights.grad.abs().max()) <= 1e-5 * 61


def test_losses_that_do_not_curve_have_no_such_step() -> None:
    inputs, targets = inputs_of(29, 3), torch.randn(29, dtype=torch.float64)
    losses = lambda scores: pinball(scores, targets, (0.1, 0.9)).mean(dim=1)  # noqa: E731
    assert newton(inputs, losses, costs_of(3, 1.0), nothing(4, 2), most=800) is None
