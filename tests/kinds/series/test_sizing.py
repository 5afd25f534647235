"""What is chosen for series: by their number and length, in steps that hold for any."""

from __future__ import annotations

import math

import pytest

from perceivers.kinds.series.sizing import (
    MANY_ROWS,
    MOST_PATCHES,
    series_learning,
    series_options,
    steps_of_a_root,
)


@pytest.mark.parametrize("rows", [1, 36, 400, MANY_ROWS - 1])
def test_few_series_are_seen_as_patterns_and_averaged_in_pairs(rows: int) -> None:
    chosen = series_options(rows, [96, 176], 1, has_missing=False)
    assert (chosen.tokens, chosen.missing, chosen.varies) == ("patterns", "interpolate", False)
    advice = series_learning(rows, tokens=chosen.tokens)
    assert advice.mixup
    assert not advice.keep_best, "a tenth of few rows cannot tell which weights are best"


@pytest.mark.parametrize(("gaps", "missing"), [(True, "mark"), (False, "interpolate")])
def test_many_series_are_seen_as_steps_too(gaps: bool, missing: str) -> None:
    chosen = series_options(MANY_ROWS, [50, 1000], 2, has_missing=gaps)
    assert (chosen.tokens, chosen.missing) == ("both", missing)
    assert math.ceil(1000 / chosen.steps_per_patch) <= MOST_PATCHES
    advice = series_learning(MANY_ROWS, tokens="both")
    assert advice.keep_best
    assert advice.mixup == 0.0


def test_huge_sets_have_fewer_thresholds() -> None:
    many, huge = (series_options(rows, [187], 1, has_missing=False) for rows in (9_999, 80_000))
    assert huge.pattern_thresholds < many.pattern_thresholds
    assert huge.pattern_dilations < many.pattern_dilations


@pytest.mark.parametrize("rows", [1, 2, 17, 33, 250, 537, 1_001, 30_000])
def test_batches_are_of_almost_one_size_and_steps_grow_with_the_root_of_the_rows(rows: int) -> None:
    advice = series_learning(rows, tokens="patterns")
    assert advice.batch_size is not None
    assert advice.epochs is not None
    batches = math.ceil(rows / advice.batch_size)
    last = rows - (batches - 1) * advice.batch_size
    assert advice.batch_size - last < batches
    steps = batches * advice.epochs
    assert steps >= 240
    assert steps >= 40 * math.sqrt(rows)
    assert steps <= max(40 * math.sqrt(rows), 240) + batches
    assert advice.warmup_steps == pytest.approx(steps / 10, abs=1)


@pytest.mark.parametrize(
    ("classes", "steps"), [(2, 16.0), (8, 16.0), (27, 54.0), (40, 80.0), (500, 80.0), (None, 40.0)]
)
def test_many_classes_have_more_steps(classes: int | None, steps: float) -> None:
    assert steps_of_a_root(classes) == steps


def test_no_length_is_known_of_cells_that_cannot_be_read() -> None:
    assert series_options(5_000, [], 1, has_missing=False).steps_per_patch == 1


def test_steps_alone_are_learned_as_any_other_kind() -> None:
    assert series_learning(100, tokens="steps").values() == {}
