"""Temperature, calibration error and conformal intervals: what must hold of them on any rows, and hand calculations."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.classification import multiclass_calibration_error

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.metrics.calibration import conformal_shift, expected_calibration_error, fit_temperature

SEEDS = st.integers(0, 10_000)


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def rows_of_classes(
    seed: int, temperature: float, rows: int = 211, classes: int = 3
) -> tuple[Tensor, Tensor]:
    """Logits, and classes drawn with the probabilities that they have at a temperature."""
    logits = 3.0 * torch.randn(rows, classes, generator=generator(seed), dtype=torch.float64)
    shares = (logits / temperature).softmax(dim=-1)
    return logits, torch.multinomial(shares, 1, generator=generator(seed + 1))[:, 0]


def rows_of_labels(seed: int, temperature: float, rows: int = 211, labels: int = 2) -> tuple[Tensor, Tensor]:
    logits = 3.0 * torch.randn(rows, labels, generator=generator(seed), dtype=torch.float64)
    return logits, torch.bernoulli((logits / temperature).sigmoid(), generator=generator(seed + 1))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_that_rows_were_drawn_with_is_found(temperature: float) -> None:
    assert fit_temperature(*rows_of_classes(0, temperature, rows=10_007)) == pytest.approx(
        temperature, rel=0.05
    )
    assert fit_temperature(*rows_of_labels(0, temperature, rows=10_007)) == pytest.approx(
        temperature, rel=0.05
    )


@settings(deadline=None, max_examples=20)
@given(seed=SEEDS, temperature=st.floats(0.2, 5.0))
def test_no_other_temperature_has_a_lower_loss_beside_what_was_expected(
    seed: int, temperature: float
) -> None:
    for rows, loss in (
        (rows_of_classes(seed, temperature), F.cross_entropy),
        (rows_of_labels(seed, temperature), F.binary_cross_entropy_with_logits),
    ):
        logits, target = rows

        def lost(other: float, logits: Tensor = logits, target: Tensor = target, loss: Any = loss) -> float:
            return len(target) * float(loss(logits / other, target)) + (math.log(other) / 0.3) ** 2 / 2

        found = fit_temperature(logits, target)
        others = [0.05, 20.0, 1.0, temperature, 0.99 * found, 1.01 * found]
        assert all(lost(found) <= lost(other) + 1e-6 for other in others if 0.05 <= other <= 20.0)


@settings(deadline=None, max_examples=20)
@given(seed=SEEDS, scale=st.floats(0.5, 2.0))
def test_of_many_rows_logits_larger_by_a_factor_need_a_temperature_larger_by_it(
    seed: int, scale: float
) -> None:
    logits, target = rows_of_classes(seed, 1.5, rows=10_007)
    found = fit_temperature(logits, target)
    assert fit_temperature(scale * logits, target) == pytest.approx(scale * found, rel=1e-2)


def test_rows_without_a_class_or_labels_count_for_nothing() -> None:
    logits, target = rows_of_classes(3, 2.0)
    hidden = torch.arange(len(target)) % 4 == 0
    expected = fit_temperature(logits[~hidden], target[~hidden])
    assert (
        fit_temperature(logits, target.masked_fill(hidden, -100))
        == expected
        != fit_temperature(logits, target)
    )
    logits, labels = rows_of_labels(3, 2.0)
    expected = fit_temperature(logits[~hidden], labels[~hidden])
    found = fit_temperature(logits, labels.masked_fill(hidden[:, None], math.nan))
    assert found == expected != fit_temperature(logits, labels)


def test_where_nothing_can_be_learned_the_temperature_is_one() -> None:
    logits, target = rows_of_classes(0, 3.0)
    assert fit_temperature(logits, torch.zeros_like(target)) == 1.0
    assert fit_temperature(logits, torch.full_like(target, -100)) == 1.0
    assert fit_temperature(logits, torch.ones_like(logits)) == 1.0


def test_few_rows_move_the_temperature_little() -> None:
    logits, target = rows_of_classes(0, 3.0, rows=10_007)
    few, many = (fit_temperature(logits[:rows], target[:rows]) for rows in (7, 20_011))
    assert 1.0 < few < 2.0 < many


def test_rows_that_are_all_right_make_answers_surer_and_not_certain() -> None:
    logits = rows_of_classes(0, 1.0)[0].clamp(-1.0, 1.0)
    assert 0.2 < fit_temperature(logits, logits.argmax(dim=-1)) < 0.6
    assert 0.2 < fit_temperature(logits, (logits > 0.0).double()) < 0.6


def test_the_temperature_stays_within_its_bounds() -> None:
    # Always wrong and very sure: no temperature is high enough.
    target = torch.arange(30) % 3
    wrong = 1e6 * F.one_hot((target + 1) % 3, 3).double()
    assert fit_temperature(wrong, target) == pytest.approx(20.0, rel=1e-5)
    # All but one of 6,000 right, and hardly sure.
    target = torch.arange(6_000) % 3
    logits = 1e-2 * F.one_hot(target, 3).double()
    logits[0] = logits[1]
    assert fit_temperature(logits, target) == pytest.approx(0.05, rel=1e-5)


def test_wrong_shapes_have_an_error_that_names_them() -> None:
    with pytest.raises(
        ShapeError, match=r"`logits` must have shape \[rows, outputs\].*received \[5\] and \[5\]"
    ):
        fit_temperature(torch.zeros(5), torch.zeros(5))
    with pytest.raises(ShapeError, match=r"`targets` \[rows\].*received \[5, 3\] and \[7\]"):
        expected_calibration_error(torch.zeros(5, 3), torch.zeros(7))
    with pytest.raises(ConfigurationError, match="`bins` must be at least 1, received 0"):
        expected_calibration_error(torch.zeros(5, 3), torch.zeros(5), bins=0)
    with pytest.raises(
        ShapeError, match=r"`truth` must have shape \[rows\], received \[5\], \[5\] and \[7\]"
    ):
        conformal_shift(torch.zeros(5), torch.zeros(5), torch.zeros(7), 0.8)
    for share in (0.0, 1.0):
        with pytest.raises(
            ConfigurationError, match=f"`share` must be above 0 and below 1, received {share}"
        ):
            conformal_shift(torch.zeros(5), torch.zeros(5), torch.zeros(5), share)


@pytest.mark.parametrize("bins", [1, 7, 15])
def test_calibration_error_is_that_of_torchmetrics(bins: int) -> None:
    logits, target = rows_of_classes(5, 2.5)
    probabilities = logits.softmax(dim=-1)
    expected = multiclass_calibration_error(probabilities, target, num_classes=3, n_bins=bins, norm="l1")
    assert expected > 0.05
    assert expected_calibration_error(probabilities, target, bins) == pytest.approx(float(expected), abs=1e-6)
    # A row without a class changes nothing.
    more = (
        torch.cat([probabilities, torch.eye(3, dtype=torch.float64)]),
        torch.cat([target, torch.full((3,), -100)]),
    )
    assert expected_calibration_error(*more, bins) == pytest.approx(float(expected), abs=1e-6)


def test_probabilities_that_keep_what_they_say_have_no_error() -> None:
    # Of four answers with 0.75, three are right: of three a yes, of one a no.
    yes = torch.tensor([0.75, 0.75, 0.75, 0.25])
    assert expected_calibration_error(yes, torch.tensor([1, 1, 0, 0])) == 0.0
    assert expected_calibration_error(yes, torch.tensor([1, 1, 1, 0])) == pytest.approx(0.25)
    assert math.isnan(expected_calibration_error(torch.zeros(0, 3), torch.zeros(0)))


def test_calibration_lowers_the_error_of_answers_that_are_too_sure() -> None:
    logits, target = rows_of_classes(7, 3.0, rows=2_003)
    found = fit_temperature(logits[:1_000], target[:1_000])
    before, after = (
        expected_calibration_error((logits / each).softmax(dim=-1)[1_000:], target[1_000:])
        for each in (1.0, found)
    )
    assert before > 0.15
    assert after < 0.05


@settings(deadline=None, max_examples=50)
@given(seed=SEEDS, share=st.floats(0.05, 0.95), rows=st.integers(20, 97))
def test_shifted_intervals_hold_the_share_on_the_rows_and_hardly_more(
    seed: int, share: float, rows: int
) -> None:
    truth, lower, width = torch.randn(3, rows, generator=generator(seed), dtype=torch.float64)
    upper = lower + width.abs()
    shift = conformal_shift(lower, upper, truth, share)

    def held(by: float) -> int:
        return int(((lower - by <= truth) & (truth <= upper + by)).sum())

    # ceil((rows + 1) share) of them, where no two are equally far off; a hair less holds one less.
    wanted = math.ceil(round((rows + 1) * share, 9))
    assert held(shift + 1e-9) == wanted
    assert held(shift - 1e-9) == wanted - 1
    assert wanted / rows >= share


def test_new_rows_are_held_as_often_as_promised() -> None:
    truth = torch.randn(300, 40, generator=generator(0), dtype=torch.float64)
    lower = torch.full((40,), -0.1, dtype=torch.float64)
    # Each trial has its own 39 rows and one new row.
    shifts = torch.tensor([conformal_shift(lower[:39], -lower[:39], row[:39], 0.8) for row in truth])
    assert ((truth[:, 39].abs() <= 0.1 + shifts).double().mean() - 0.8).abs() < 0.06


def test_intervals_may_be_too_wide_rows_missing_or_too_few() -> None:
    lower, upper = torch.zeros(9), torch.full((9,), 10.0)
    truth = torch.tensor([1.0, 2, 3, 4, 5, 6, 7, 8, math.nan])
    # The distances to the nearer end are 1, 2, 3, 4, 5, 4, 3, 2: of 8 rows the 7th (0.75 x 9, up) is all but the last 1.
    assert conformal_shift(lower, upper, truth, 0.75) == -2.0
    assert conformal_shift(lower, upper, truth, 0.9) == math.inf
