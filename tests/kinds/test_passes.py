"""Passes, batches and rates of samples that go through a stem."""

from __future__ import annotations

import pytest

from perceivers.arguments.advice import Advice
from perceivers.kinds.passes import average_decay, share_of_changes, stem_batch_size, stem_learning


@pytest.mark.parametrize(
    ("num_rows", "cost", "passes"),
    [
        # 6e13 / (3 * 1e7 * 50,000) are 40 passes.
        (50_000, 1e7, 40),
        (1_000_000, 1e7, 8),
        (5_000, 1e7, 60),
        # 1,500 steps of 32, of 320 samples.
        (320, 1e7, 150),
        (4, 1e7, 200),
    ],
)
def test_passes_follow_the_cost_within_bounds_and_few_samples_have_enough_steps(num_rows, cost, passes):
    assert stem_learning(num_rows, cost, in_bfloat16=False).epochs == passes


def test_in_bfloat16_there_is_time_for_more_passes():
    # 1.7 * 6e13 / (3 * 2e7 * 50,000) are 34, in the place of 20.
    advised = {half: stem_learning(50_000, 2e7, in_bfloat16=half) for half in (False, True)}
    assert {half: (each.epochs, each.stem_precision) for half, each in advised.items()} == {
        False: (20, "float32"),
        True: (34, "bfloat16"),
    }


@pytest.mark.parametrize(("epochs", "share"), [(None, 0.0), (15, 0.25), (60, 1.0), (150, 1.0)])
def test_samples_are_changed_in_proportion_to_the_passes_over_them(epochs, share):
    assert share_of_changes(Advice(epochs=epochs)) == share
    assert share_of_changes(None) == 1.0


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


@pytest.mark.parametrize(
    ("num_rows", "cost", "folds"),
    [
        # 150 passes of 6e13 / (3 * 1e6 * 320), 62,500, are short; of a hundredfold cost, 625, they are not.
        (320, 1e6, 1),
        (320, 1e8, 0),
        # Enough samples are learned from once.
        (999, 1e6, 1),
        (1_000, 1e6, 0),
    ],
)
def test_few_samples_are_learned_from_again_where_that_takes_minutes(num_rows, cost, folds):
    assert stem_learning(num_rows, cost, in_bfloat16=False).folds == folds
