"""Linear models of answers, held back by the size of their weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers.tasks.table import linear_model
from perceivers.tasks.table.linear_model import COSTS, LinearModel, fit_at, fit_linear

ROWS, FEATURES = 53, 3


@pytest.fixture
def features() -> Tensor:
    return torch.randn(ROWS, FEATURES, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def nothing(num_outputs: int) -> LinearModel:
    return LinearModel(torch.zeros(FEATURES, num_outputs).double(), torch.zeros(num_outputs).double())


def test_of_squared_errors_it_is_ridge_regression(features: Tensor) -> None:
    targets = features @ torch.tensor([2.0, -1.0, 0.5]).double() + 7.0
    model = fit_at(
        features,
        lambda scores, rows: (scores[:, 0] - targets[rows]).square(),
        torch.arange(ROWS),
        5.0,
        nothing(1),
    )
    # The normal equations of sum (x w + b - y)^2 + 5 / 2 |w|^2, with b by centred values.
    centred = features - features.mean(dim=0)
    products = centred.T @ centred + 2.5 * torch.eye(FEATURES, dtype=torch.float64)
    expected = torch.linalg.solve(products, centred.T @ (targets - targets.mean()))
    torch.testing.assert_close(model.weights[:, 0], expected, atol=1e-4, rtol=0)
    added = targets.mean() - features.mean(dim=0) @ expected
    torch.testing.assert_close(model.added[0], added, atol=1e-4, rtol=0)


def test_names_of_many_rows_and_of_one_are_fitted_to_the_end() -> None:
    # 907 names, the commonest of a thousand rows, and an amount that is told by how far it has passed through 61 bins.
    generator = torch.Generator().manual_seed(0)
    counts = torch.tensor([1009, 503, 251, 127, 61, 31, *[3] * 101, *[1] * 800])
    names = torch.arange(len(counts)).repeat_interleave(counts)
    amounts = torch.rand(len(names), 1, dtype=torch.float64, generator=generator)
    passed = (61 * amounts - torch.arange(61)).clamp(0.0, 1.0)
    features = torch.cat([F.one_hot(names).double(), passed], dim=1)
    levels = torch.randn(len(counts), dtype=torch.float64, generator=generator)
    chance = torch.randn(len(names), dtype=torch.float64, generator=generator)
    targets = levels[names] + 3.0 * amounts[:, 0] + 0.5 * chance

    def losses(scores: Tensor, rows: Tensor) -> Tensor:
        return (scores[:, 0] - targets[rows]).square()

    def lost(weights: Tensor, added: Tensor) -> float:
        return float((features @ weights + added - targets).square().sum() + 0.25 * weights.square().sum())

    zeros = LinearModel(targets.new_zeros(features.shape[1], 1), targets.new_zeros(1))
    model = fit_at(features, losses, torch.arange(len(names)), 0.5, zeros)
    centred = features - features.mean(dim=0)
    products = centred.T @ centred + 0.25 * torch.eye(features.shape[1], dtype=torch.float64)
    best = torch.linalg.solve(products, centred.T @ (targets - targets.mean()))
    least = lost(best, targets.mean() - features.mean(dim=0) @ best)
    assert lost(model.weights[:, 0], model.added[0]) < 1.01 * least


def test_of_classes_the_slope_of_loss_and_cost_is_zero(features: Tensor) -> None:
    classes = torch.arange(ROWS) % 3
    rows = torch.arange(41)
    model = fit_at(
        features,
        lambda scores, own: F.cross_entropy(scores, classes[own], reduction="none"),
        rows,
        1.5,
        nothing(3),
    )
    errors = model(features[rows]).softmax(dim=1) - F.one_hot(classes[rows], 3)
    torch.testing.assert_close(features[rows].T @ errors, -1.5 * model.weights, atol=1e-3, rtol=0)


def test_the_rows_say_how_much_the_weights_are_held_back(features: Tensor) -> None:
    clear = features @ torch.tensor([[3.0], [0.0], [0.0]]).double()
    noise = torch.randn(ROWS, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    sizes = []
    for targets in (clear, noise):
        model = fit_linear(
            features,
            lambda scores, rows, targets=targets: (scores - targets[rows]).square().sum(dim=1),  # type: ignore[misc]
            1,
            torch.Generator().manual_seed(0),
        )
        sizes.append(float(model.weights.abs().sum()))
    # The smallest cost leaves a clear weight as it is; noise is hardly followed.
    assert sizes[0] == pytest.approx(3.0, abs=0.01)
    assert sizes[1] < 0.5
    assert list(COSTS) == sorted(COSTS, reverse=True)


@pytest.mark.parametrize("is_sparse", [False, True])
def test_of_many_rows_some_choose_the_cost_and_all_are_fitted(
    features: Tensor, monkeypatch: pytest.MonkeyPatch, is_sparse: bool
) -> None:
    targets = features @ torch.tensor([2.0, -1.0, 0.5]).double() + 7.0
    seen: set[int] = set()

    def losses(scores: Tensor, rows: Tensor) -> Tensor:
        seen.add(len(rows))
        return (scores[:, 0] - targets[rows]).square()

    monkeypatch.setattr(linear_model, "MOST_SEARCHED", 31)
    given = features.to_sparse_coo() if is_sparse else features
    model = fit_linear(given, losses, 1, torch.Generator().manual_seed(0))
    # A fifth of 31 rows are held out, in turn: 7 or 6.
    assert seen == {6, 7, 24, 25, ROWS}
    torch.testing.assert_close(model(features)[:, 0], targets, atol=0.1, rtol=0)


def test_sparse_features_have_the_model_of_dense_ones(features: Tensor) -> None:
    targets = features @ torch.tensor([2.0, -1.0, 0.5]).double() + 7.0

    def losses(scores: Tensor, rows: Tensor) -> Tensor:
        return (scores[:, 0] - targets[rows]).square()

    dense, sparse = (
        fit_linear(given, losses, 1, torch.Generator().manual_seed(0))
        for given in (features, features.to_sparse_coo())
    )
    torch.testing.assert_close(sparse.weights, dense.weights, atol=1e-3, rtol=0)


@pytest.mark.parametrize("follows_details", [False, True])
def test_rows_say_how_much_details_are_held_back_beside_what_they_refine(follows_details: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    number = torch.randn(ROWS, 1, dtype=torch.float64, generator=generator)
    # What a number has passed of 31 bins, and itself.
    edges = torch.linspace(-2.0, 2.0, 32, dtype=torch.float64)
    passed = ((number - edges[:-1]) / (edges[1:] - edges[:-1])).clamp(0.0, 1.0)
    features = torch.cat([passed, number], dim=1)
    details = torch.arange(32) < 31
    noise = 0.5 * torch.randn(ROWS, 1, dtype=torch.float64, generator=generator)
    targets = (3.0 * (number > 0.0) if follows_details else number) + noise

    def fitted(details: Tensor | None) -> LinearModel:
        def losses(scores: Tensor, rows: Tensor) -> Tensor:
            return (scores - targets[rows]).square().sum(dim=1)

        return fit_linear(features, losses, 1, torch.Generator().manual_seed(0), details)

    alone, beside = fitted(None), fitted(details)
    # In a straight line bins have nothing to say; of a step they say all, and nothing is held back.
    if follows_details:
        torch.testing.assert_close(beside.weights, alone.weights, atol=1e-3, rtol=0)
    else:
        assert beside.weights[details].norm() < 0.5 * alone.weights[details].norm()
        assert abs(float(beside.weights[-1]) - 1.0) < abs(float(alone.weights[-1]) - 1.0)


def test_more_features_than_rows_have_the_model_that_they_would_have_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = torch.Generator().manual_seed(0)
    wide = torch.randn(23, 61, dtype=torch.float64, generator=generator)
    targets = wide[:, 0] - 2.0 * wide[:, 1]

    def losses(scores: Tensor, rows: Tensor) -> Tensor:
        return (scores[:, 0] - targets[rows]).square()

    details = torch.arange(61) > 7
    turned = fit_linear(wide, losses, 1, torch.Generator().manual_seed(0), details)
    monkeypatch.setattr(linear_model.Features, "of", lambda features: linear_model.Features(features))
    as_they_are = fit_linear(wide, losses, 1, torch.Generator().manual_seed(0), details)
    torch.testing.assert_close(turned.weights, as_they_are.weights, atol=2e-3, rtol=0)
