"""Numbers by their rank: normal, monotone, with gaps, and back again; bins that hold equally many values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from perceivers.errors import DataError
from perceivers.processors.numbers import (
    apply_quantiles,
    fit_quantiles,
    invert_quantiles,
    piecewise_edges,
    standardised,
)

finite = st.floats(-1e6, 1e6, allow_nan=False, width=64)
columns = arrays(np.float64, st.tuples(st.integers(1, 23), st.integers(1, 3)), elements=finite)
with_gaps = arrays(
    np.float64,
    st.tuples(st.integers(1, 23), st.integers(1, 3)),
    elements=st.one_of(finite, st.just(math.nan)),
)


def column(*values):
    return np.array(values, dtype=np.float64)[:, None]


def test_quantiles_of_few_values_are_the_values_in_order():
    np.testing.assert_array_equal(fit_quantiles(column(7, 2, math.nan, 3, 5))[:, 0], [2, 2.75, 4, 5.5, 7])
    np.testing.assert_array_equal(fit_quantiles(column(7, 2, 3), num_quantiles=2)[:, 0], [2, 7])


def test_values_become_normal_by_their_rank():
    quantiles = fit_quantiles(column(2, 3, 5))
    received = apply_quantiles(column(2, 2.5, 3, 4, 5), quantiles)[:, 0]
    # Shares 1/4 and 3/4 lie 0.6745 standard deviations from the median; the ends are as far as 1e-7 of all numbers.
    np.testing.assert_allclose(received, [-5.19934, -0.67449, 0, 0.67449, 5.19934], atol=1e-5)
    np.testing.assert_array_equal(
        apply_quantiles(column(-9, 11), quantiles), apply_quantiles(column(2, 5), quantiles)
    )


def test_a_value_that_many_rows_share_has_the_middle_of_their_ranks():
    quantiles = fit_quantiles(column(1, 3, 3, 3, 5))
    np.testing.assert_allclose(
        apply_quantiles(column(3, 1, 5), quantiles)[:, 0], [0, -5.19934, 5.19934], atol=1e-5
    )
    quantiles = fit_quantiles(column(0, 0, 0, 0, 8))
    # Ranks 0 to 3/4.
    np.testing.assert_allclose(apply_quantiles(column(0), quantiles)[0, 0], -0.31864, atol=1e-5)


def test_constant_and_empty_columns_are_harmless():
    values = np.array([[7.0, math.nan], [7.0, math.nan]])
    quantiles = fit_quantiles(values)
    received = apply_quantiles(np.array([[7.0, 1.0], [math.nan, math.nan], [8.0, 0.0]]), quantiles)
    np.testing.assert_allclose(received[:, 0], [0, math.nan, 5.19934], atol=1e-5)
    assert received[2, 1] == 0
    np.testing.assert_allclose(invert_quantiles(received[:1], quantiles), [[7.0, 0.0]])


@given(columns)
def test_ranks_never_descend_where_values_ascend(values):
    quantiles = fit_quantiles(values, 7)
    ranks = apply_quantiles(np.sort(values, axis=0), quantiles)
    assert (np.diff(ranks, axis=0) >= -1e-12).all()
    assert np.abs(ranks).max() < 5.2


@given(with_gaps)
def test_gaps_stay_gaps_and_change_nothing_else(values):
    quantiles = fit_quantiles(values)
    ranks = apply_quantiles(values, quantiles)
    np.testing.assert_array_equal(np.isnan(ranks), np.isnan(values))
    np.testing.assert_array_equal(np.isnan(invert_quantiles(ranks, quantiles)), np.isnan(values))
    for index in range(values.shape[1]):
        known = values[~np.isnan(values[:, index])][:, [index]]
        # As many rows give as many quantiles.
        if len(known) == len(values):
            np.testing.assert_array_equal(fit_quantiles(known), quantiles[:, [index]])


@given(columns)
def test_the_training_values_come_back(values):
    quantiles = fit_quantiles(values)
    received = invert_quantiles(apply_quantiles(values, quantiles), quantiles)
    ranges = np.ptp(values, axis=0, keepdims=True)
    # Shares are cut at 1e-7 at both ends.
    assert (np.abs(received - values) <= 1e-5 * ranges + 1e-9).all()


@given(with_gaps, st.integers(1, 9))
def test_edges_ascend_and_span_the_known_values(values, num_bins):
    for edges, own in zip(piecewise_edges(values, num_bins), values.T, strict=True):
        assert 2 <= len(edges) <= num_bins + 1
        assert (np.diff(np.float32(edges)) > 0).all()
        known = own[~np.isnan(own)]
        if len(known) > 0:
            spread = 1e-4 * max(np.ptp(known), np.abs(known).max(), 1e-3)
            assert edges[0] <= known.min() + spread
            assert edges[-1] >= known.max() - spread


def test_bins_hold_equally_many_values():
    (edges,) = piecewise_edges(column(0, 1, 2, 4, 8, 16, 32, 64, 128), 4)
    assert edges == [0, 2, 8, 32, 128]
    (edges,) = piecewise_edges(column(1, 1, 1, 1, 1, 1, 1, 2, math.nan), 4)
    assert edges == [1, 2]
    assert piecewise_edges(np.array([[5.0, math.nan]])) == [[4.5, 5.5], [-0.5, 0.5]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_quantiles(np.zeros(3)), r"`values` must be numbers \[rows, columns\] .*received \[3\]"),
        (lambda: fit_quantiles(np.zeros((0, 3))), r"of one row or more, received \[0, 3\]"),
        (lambda: fit_quantiles(column(1, math.inf)), "finite or NaN, received inf in row 1, column 0"),
        (lambda: fit_quantiles(column(1, 2), 1), "`num_quantiles` must be at least 2, received 1"),
        (
            lambda: apply_quantiles(column(1, 2), np.zeros((5, 3))),
            r"`quantiles` must be what `fit_quantiles` found for 1 columns, received \[5, 3\]",
        ),
        (lambda: invert_quantiles(np.zeros((1, 1)), np.zeros((1, 1))), r"for 1 columns, received \[1, 1\]"),
        (lambda: piecewise_edges(column(1, 2), 0), "`num_bins` must be at least 1, received 0"),
    ],
)
def test_wrong_tables_are_refused(call, message):
    with pytest.raises(DataError, match=message):
        call()


def test_a_value_that_fills_a_bin_by_itself_leaves_the_other_bins_to_the_others():
    values = column(*[0.0] * 90, *range(1, 11))
    (edges,) = piecewise_edges(values, 4)
    # 0, then five quantiles less two of the ten others: the largest of six candidates is beyond the number of bins.
    assert edges == [0.0, 1.0, 4.0, 7.0, 10.0]


def test_few_values_have_an_edge_each():
    (edges,) = piecewise_edges(column(3, 1, 3, 7, 7, 7), 5)
    assert edges == [1.0, 3.0, 7.0]


def test_standardised_numbers_are_deviations_from_the_mean_within_the_training_range():
    quantiles = fit_quantiles(column(1, 3, 5))
    # The mean is 3, the standard deviation the root of 8 / 3.
    received = standardised(column(1, 4, math.nan, 5, -100, 9), quantiles)[:, 0]
    deviation = math.sqrt(8 / 3)
    expected = [-2 / deviation, 1 / deviation, math.nan, 2 / deviation, -2 / deviation, 2 / deviation]
    np.testing.assert_allclose(received, expected)


@pytest.mark.parametrize("unit", [1e-300, 1e-30, 1.0, 1e300])
def test_standardised_numbers_have_no_unit(unit):
    numbers = column(2, 3, 7, 11)
    own = standardised(numbers * unit, fit_quantiles(numbers * unit))
    np.testing.assert_allclose(own, standardised(numbers, fit_quantiles(numbers)), rtol=1e-9)


@given(with_gaps)
def test_standardised_numbers_are_finite_and_missing_where_they_were(values):
    received = standardised(values, fit_quantiles(values))
    np.testing.assert_array_equal(np.isnan(received), np.isnan(values))
    assert not np.isinf(received).any()
