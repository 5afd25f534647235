"""Passes, batches and rates of samples that go through a stem."""

from __future__ import annotations

import pytest

from perceivers.kinds.passes import average_decay, stem_batch_size, stem_learning


@pytest.mark.parametrize(
    ("num_rows", "cost", "passes"),
    [
        # 4.5e13 / (3 * 1e7 * 50,000) are 30 passes.
        (50_000, 1e7, 30),
        (1_000_000, 1e7, 8),
        (5_000, 1e7, 60),
        # 1,500 steps of 32, of 320 samples.
        (320, 1e7, 150),
        (4, 1e7, 200),
    ],
)
def test_passes_follow_the_cost_within_bounds_and_few_samples_have_enough_steps(num_rows, cost, passes):
    assert stem_learning(num_rows, cost).epochs == passes


@pytest.mark.parametrize(("num_rows", "size"), [(1, 1), (80, 10), (2_000, 32), (2_001, 64), (20_001, 128)])
def test_batches_grow_with_the_samples(num_rows, size):
    assert stem_batch_size(num_rows) == size


def test_the_mean_reaches_over_a_fiftieth_of_the_run():
    assert [average_decay(steps) for steps in (100, 5_000, 10**6)] == [0.9, 0.99, 0.999]
    advice = stem_learning(5_000, 1e7)
    steps = 60 * 79
    assert (advice.warmup_steps, advice.ema_decay) == (steps // 20, average_decay(steps))


def test_the_rate_grows_with_the_root_of_the_batch():
    assert [stem_learning(rows, 1e7).learning_rate for rows in (64, 1_000, 50_000)] == pytest.approx(
        [5e-4, 1e-3, 2e-3]
    )
