"""How a token is chosen: filters against hand calculations and the original's, draws against their probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from perceivers.models.generation.sampling import Sampling, draw, generators_of, nucleus, penalized

GOLDEN = Path(__file__).parents[2] / "compatibility" / "data" / "jax_perceiver_ar.npz"
LOGITS = np.log(np.array([[0.5, 0.2, 0.2, 0.1]], np.float32))


def kept(scores):
    return np.isfinite(scores)[0].tolist()


def test_the_nucleus_then_the_temperature_are_the_originals():
    with np.load(GOLDEN) as archive:
        logits, expected = archive["sample_logits"], archive["sample_logits_top_p_0.8_temperature_0.7"]
    received = Sampling(temperature=0.7, top_p=0.8).filtered(logits)
    assert (np.isfinite(received) == (expected > -1e29)).all()
    np.testing.assert_allclose(received[np.isfinite(received)], expected[expected > -1e29], rtol=1e-5)


@pytest.mark.parametrize(
    ("top_p", "expected"),
    [
        (0.4, [True, False, False, False]),
        (0.85, [True, True, True, False]),  # of two alike, both
        (0.95, [True, True, True, True]),
        (1.0, [True, True, True, True]),
    ],
)
def test_the_nucleus_keeps_the_best_that_have_the_share_together(top_p, expected):
    assert kept(nucleus(LOGITS, top_p)) == expected


def test_the_best_few_are_kept():
    assert kept(Sampling(temperature=1.0, top_k=1).filtered(LOGITS)) == [True, False, False, False]
    assert kept(Sampling(temperature=1.0, top_k=9).filtered(LOGITS)) == [True] * 4


def test_what_is_there_already_becomes_less_likely_whatever_its_sign():
    scores = np.array([[2.0, -2.0, 2.0, -2.0]])
    seen = np.array([[True, True, False, False]])
    assert penalized(scores, seen, 2.0).tolist() == [[1.0, -4.0, 2.0, -2.0]]
    assert penalized(scores, seen, 1.0).tolist() == scores.tolist()


def test_draws_follow_the_probabilities():
    sampling = Sampling(temperature=1.0)
    rows = 500
    chosen = sampling.choose(
        LOGITS.repeat(rows, axis=0), np.zeros((rows, 4), np.bool_), generators_of(3, rows)
    )
    shares = np.bincount(chosen, minlength=4) / rows
    # Four standard errors of a share of one half.
    np.testing.assert_allclose(shares, np.exp(LOGITS[0]), atol=4 * 0.5 / rows**0.5, rtol=0)


@pytest.mark.parametrize("seed", [0, 7, 2**40 + 3])
def test_chance_is_that_of_torch(seed):
    (_, second) = generators_of(seed, 2)
    reference = torch.Generator().manual_seed(seed * 1_000_003 + 1)
    assert [draw(second) for _ in range(700)] == [
        float(torch.rand((), generator=reference)) for _ in range(700)
    ]


def test_a_temperature_of_zero_takes_the_best_and_draws_nothing():
    seen = np.zeros((1, 4), np.bool_)
    assert Sampling().choose(LOGITS, seen, []).tolist() == [0]
    assert Sampling(suppress=(0,)).choose(LOGITS, seen, []).tolist() == [1]


def test_what_is_impossible_is_never_drawn():
    scores = np.array([[0.0, -np.inf, 0.0, -np.inf]])
    seen = np.zeros((1, 4), np.bool_)
    for seed in range(50):
        chosen = Sampling(temperature=1.0).choose(scores, seen, generators_of(seed, 1))
        assert int(chosen[0]) in (0, 2)
