"""Linear support vector machines of texts as n-grams."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.tasks.text_classification.margins import margin_weights


def made_texts(
    num_texts: int, num_rows: int, seed: int = 0
) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """Sparse texts and a dense table of the same."""
    chance = np.random.default_rng(seed)
    dense = np.where(chance.random((num_texts, num_rows)) < 0.4, chance.random((num_texts, num_rows)), 0.0)
    rows = [(np.flatnonzero(text), text[np.flatnonzero(text)].astype(np.float32)) for text in dense]
    return rows, dense


def cost_of(
    weights: np.ndarray, added: np.ndarray, dense: np.ndarray, signs: np.ndarray, cost: float
) -> np.ndarray:
    """What each class's machine makes least."""
    margins = 1.0 - signs * (dense @ weights + added)
    squares = np.square(weights).sum(axis=0) + np.square(added)
    return squares / 2 + cost * np.square(margins.clip(min=0)).sum(axis=0)


@pytest.mark.parametrize("num_classes", [2, 5])
def test_they_are_the_machines_of_another_solver(num_classes: int) -> None:
    svm = pytest.importorskip("sklearn.svm")
    rows, dense = made_texts(53, 13)
    classes = np.random.default_rng(1).integers(num_classes, size=53)
    weights, added = margin_weights(
        rows,
        classes,
        num_rows=13,
        num_classes=num_classes,
        generator=np.random.default_rng(2),
        cost=0.7,
        num_passes=300,
    )
    reference = svm.LinearSVC(C=0.7, tol=1e-8, max_iter=100_000).fit(dense, classes)
    expected = reference.coef_.T if num_classes > 2 else np.concatenate([-reference.coef_, reference.coef_]).T
    np.testing.assert_allclose(weights, expected, atol=2e-3)
    np.testing.assert_allclose(added[-1], reference.intercept_[-1], atol=2e-3)


def test_few_passes_come_near_to_the_least_cost() -> None:
    rows, dense = made_texts(101, 17)
    classes = np.random.default_rng(3).integers(3, size=101)
    signs = np.where(classes[:, None] == np.arange(3), 1.0, -1.0)

    def cost(num_passes: int | None) -> np.ndarray:
        found = margin_weights(
            rows,
            classes,
            num_rows=17,
            num_classes=3,
            generator=np.random.default_rng(5),
            num_passes=num_passes,
        )
        return cost_of(*found, dense, signs, 1.0)

    least = cost(500)
    assert np.all(cost(None) <= 1.01 * least)
    assert np.all(cost(1) > 1.01 * least)


def test_equal_seeds_give_equal_weights() -> None:
    rows, _ = made_texts(11, 7)
    found = [
        margin_weights(
            rows, [0, 1, 2] * 3 + [0, 1], num_rows=7, num_classes=3, generator=np.random.default_rng(7)
        )[0]
        for _ in range(2)
    ]
    np.testing.assert_array_equal(*found)
