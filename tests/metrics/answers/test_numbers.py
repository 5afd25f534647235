"""Measures of numbers and their quantiles against scikit-learn, SciPy and values worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics as sklearn_metrics

from perceivers.metrics.answers import measure

GENERATOR = np.random.default_rng(2)
ROWS = 89
# Far from 0, as prices and years are: sums of squares in single precision would not do.
TRUTH = 2000.0 + GENERATOR.standard_normal(ROWS)
GUESSES = TRUTH + 0.5 * GENERATOR.standard_normal(ROWS) + 0.1
THERE = GENERATOR.random(ROWS) < 0.8
QUANTILES = (0.1, 0.4, 0.8)
ANSWERS = GUESSES[:, None] + np.array([-0.6, -0.1, 0.4])


def measured(name: str, preds: np.ndarray, target: np.ndarray, quantiles: Sequence[float] = ()) -> float:
    metric = measure(name, "number", len(quantiles) or 1, quantiles)
    for part in (slice(0, 5), slice(5, None)):
        metric.update(torch.from_numpy(preds[part]), torch.from_numpy(target[part]))
    return float(metric.compute())


def expected_of(name: str, truth: np.ndarray, guesses: np.ndarray) -> float:
    return {
        "rmse": lambda: sklearn_metrics.root_mean_squared_error(truth, guesses),
        "mae": lambda: sklearn_metrics.mean_absolute_error(truth, guesses),
        "mean_squared_error": lambda: sklearn_metrics.mean_squared_error(truth, guesses),
        "r2": lambda: sklearn_metrics.r2_score(truth, guesses),
        "pearson": lambda: stats.pearsonr(truth, guesses)[0],
        "spearman": lambda: stats.spearmanr(truth, guesses)[0],
    }[name]()


NAMES = ["rmse", "mae", "mean_squared_error", "r2", "pearson", "spearman"]


@pytest.mark.parametrize("name", NAMES)
def test_measures_are_those_of_scikit_learn_and_scipy_over_the_rows_that_have_a_number(name: str) -> None:
    target = np.where(THERE, TRUTH, np.nan)
    expected = expected_of(name, TRUTH[THERE], GUESSES[THERE])
    assert measured(name, GUESSES, target) == pytest.approx(expected, abs=1e-9)
    assert measured(name, GUESSES, TRUTH) != pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_of_quantiles_the_one_nearest_to_the_median_is_the_answer(name: str) -> None:
    found = measured(name, ANSWERS, TRUTH, QUANTILES)
    assert found == pytest.approx(expected_of(name, TRUTH, ANSWERS[:, 1]), abs=1e-9)


def test_equal_numbers_share_their_ranks() -> None:
    first, second = np.array([1.0, 2.0, 2.0, 3.0, 2.0]), np.array([5.0, 5.0, 1.0, 7.0, 8.0])
    assert measured("spearman", first, second) == pytest.approx(stats.spearmanr(first, second)[0])


def test_pinball_loss_is_the_mean_of_scikit_learns_over_the_quantiles() -> None:
    target = np.where(THERE, TRUTH, np.nan)
    expected = [
        sklearn_metrics.mean_pinball_loss(TRUTH[THERE], ANSWERS[THERE, place], alpha=share)
        for place, share in enumerate(QUANTILES)
    ]
    assert measured("pinball", ANSWERS, target, QUANTILES) == pytest.approx(np.mean(expected), abs=1e-9)


def test_coverage_and_width_are_those_of_the_outer_quantiles() -> None:
    answers = np.array([[0.0, 1.0, 4.0], [0.0, 1.0, 2.0], [5.0, 6.0, 7.0], [0.0, 0.0, 9.0]])
    # Inside, on the upper end, below, missing.
    target = np.array([3.0, 2.0, 4.9, np.nan])
    assert measured("coverage", answers, target, QUANTILES) == pytest.approx(2 / 3)
    assert measured("interval_width", answers, target, QUANTILES) == pytest.approx((4 + 2 + 2) / 3)


@pytest.mark.parametrize("name", ["r2", "pearson", "spearman"])
def test_constant_truth_has_nothing_to_explain(name: str) -> None:
    # 0.1 is not its own mean in floating point; the ratio of such errors is no finding.
    assert math.isnan(measured(name, GUESSES, np.full(ROWS, 0.1)))


@pytest.mark.parametrize("size", [1e-65, 1e-8, 1e50, 1e200])
@pytest.mark.parametrize("name", ["r2", "pearson", "spearman"])
def test_measures_without_a_unit_are_the_same_in_every_unit(name: str, size: float) -> None:
    truth, guesses = TRUTH - 2000.0, GUESSES - 2000.0
    expected = expected_of(name, truth, guesses)
    assert measured(name, size * guesses, size * truth) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("size", [1e-300, 1e-65, 1e50, 1e200, 1e306])
@pytest.mark.parametrize("name", ["rmse", "mae"])
def test_errors_are_in_the_unit_whatever_its_size(name: str, size: float) -> None:
    truth, guesses = TRUTH - 2000.0, GUESSES - 2000.0
    expected = size * expected_of(name, truth, guesses)
    assert measured(name, size * guesses, size * truth) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", ["rmse", "mae"])
def test_errors_that_are_nothing_infinite_or_of_no_rows_are_told_as_such(name: str) -> None:
    assert measured(name, TRUTH, TRUTH) == 0.0
    assert measured(name, np.where(np.arange(ROWS) == 7, np.inf, GUESSES), TRUTH) == math.inf
    assert math.isnan(measured(name, GUESSES, np.full(ROWS, np.nan)))


def test_answers_far_beyond_the_truth_have_a_score_and_no_correlation_where_they_are_infinite() -> None:
    # Errors of 1e100, of the truth whose deviations are about 1: the share is about -1e200.
    assert -1e202 < measured("r2", GUESSES + 1e100, TRUTH) < -1e198
    guesses = np.where(np.arange(ROWS) == 7, np.inf, GUESSES)
    assert measured("r2", guesses, TRUTH) == -math.inf
    assert math.isnan(measured("pearson", guesses, TRUTH))
