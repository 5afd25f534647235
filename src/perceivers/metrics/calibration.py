"""How well probabilities and intervals keep what they say, and what mends them on rows that were held out."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from perceivers.errors import ConfigurationError, ShapeError

# The id of no class: cross-entropy leaves it out as well.
MISSING_CLASS = -100
LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0
# The logarithm of a temperature is expected within about this of 0 before any row was seen. Few rows cannot say much else,
# nor can rows that are all answered right make every answer certain.
EXPECTED_POWER = 0.3


def fit_temperature(logits: Tensor, targets: Tensor) -> float:
    """The number that logits are divided by, so that log loss is least (temperature scaling, Guo and others 2017).

    It changes no answer, only how sure it is: above 1 less sure, below 1 more. The sum of the rows' losses is made least
    together with (log temperature / 0.3)^2 / 2, so that few rows move it little.

    Args:
        logits: of rows that the model was not trained with: [rows, classes], or [rows, labels] for several labels at once.
        targets: class ids [rows], -100 where missing; or 0 or 1 [rows, labels], NaN in rows whose labels are missing.

    Returns:
        Between 0.05 and 20. 1.0 where nothing can be learned: no rows, or all of them of one class (of several labels: every
        one of them always or never true).

    Raises:
        ShapeError: shapes that are neither of these.
    """
    if logits.ndim != 2 or targets.shape not in (logits.shape[:1], logits.shape):
        raise ShapeError(
            "`logits` must have shape [rows, outputs] and `targets` [rows] or [rows, outputs], received "
            f"{list(logits.shape)} and {list(targets.shape)}"
        )
    scores, truth = logits.detach().double(), targets.detach()
    if truth.ndim == 1:
        there = truth.long() != MISSING_CLASS
        scores, truth = scores[there], truth[there].long()

        def loss(scaled: Tensor) -> Tensor:
            return F.cross_entropy(scaled, truth)

    else:
        there = ~truth.double().isnan().any(dim=-1)
        scores, truth = scores[there], truth[there].double()

        def loss(scaled: Tensor) -> Tensor:
            return F.binary_cross_entropy_with_logits(scaled, truth)

    is_one_class = len(truth) == 0 or bool((truth == truth[0]).all())
    if is_one_class:
        return 1.0
    # Log loss is convex in 1 / temperature, so it has a single valley there, and in the logarithm too.
    valley = _lowest(
        lambda power: len(truth) * float(loss(scores * math.exp(-power))) + (power / EXPECTED_POWER) ** 2 / 2,
        math.log(LOWEST_TEMPERATURE),
        math.log(HIGHEST_TEMPERATURE),
    )
    return min(max(math.exp(valley), LOWEST_TEMPERATURE), HIGHEST_TEMPERATURE)


def expected_calibration_error(probabilities: Tensor, targets: Tensor, bins: int = 15) -> float:
    """Mean distance between how sure answers are and how often they are right (Naeini and others 2015, Guo and others 2017).

    Rows are put into bins of equal width by the probability of their likeliest class; each bin's |mean probability - share
    right| counts by its rows.

    Args:
        probabilities: [rows, classes] in [0, 1]; or [rows], of the answer "yes" to a question of yes and no.
        targets: class ids [rows], -100 where missing, which leaves the row out; 1 for yes and 0 for no.
        bins: how many.

    Returns:
        In [0, 1]: 0 for probabilities that keep what they say. NaN without rows.
    """
    if bins < 1:
        raise ConfigurationError(f"`bins` must be at least 1, received {bins}")
    if probabilities.ndim == 1:
        probabilities = torch.stack([1.0 - probabilities, probabilities], dim=-1)
    if probabilities.ndim != 2 or targets.shape != probabilities.shape[:1]:
        raise ShapeError(
            "`probabilities` must have shape [rows, classes] or [rows] and `targets` [rows], received "
            f"{list(probabilities.shape)} and {list(targets.shape)}"
        )
    there = targets.long() != MISSING_CLASS
    sure, answer = probabilities[there].double().max(dim=-1)
    return float(error_of_bins(bin_sums(sure, answer == targets[there].long(), bins)))


def bin_sums(probability: Tensor, is_right: Tensor, bins: int) -> Tensor:
    """What `error_of_bins` takes: it adds up over batches.

    Args:
        probability: of each answer, [rows] in [0, 1].
        is_right: bool [rows].
        bins: of equal width; a probability between two belongs to the lower one.

    Returns:
        float64 [3, bins]: number of rows, sum of their probabilities, number of right ones.
    """
    place = ((probability.double() * bins).ceil().long() - 1).clamp(0, bins - 1)
    columns = (torch.ones_like(place).double(), probability.double(), is_right.double())
    zeros = torch.zeros(bins, dtype=torch.float64, device=place.device)
    return torch.stack([zeros.index_add(0, place, column) for column in columns])


def error_of_bins(sums: Tensor) -> Tensor:
    """The expected calibration error of `bin_sums`; NaN without rows."""
    rows, probabilities, right = sums
    return (probabilities - right).abs().sum() / rows.sum()


def conformal_shift(lower: Tensor, upper: Tensor, truth: Tensor, share: float) -> float:
    """What to widen intervals by at both ends, so that they hold the true value as often as they should.

    Split-conformal quantile regression (Romano, Patterson and Candes 2019): if new rows come from where these came from,
    an interval of `lower - shift` to `upper + shift` holds at least `share` of true values on average, whatever the model.

    Args:
        lower: lower ends on rows that the model was not trained with, [rows].
        upper: upper ends, [rows].
        truth: true values, [rows]; NaN where missing, which leaves the row out.
        share: of values that the intervals are to hold, in (0, 1).

    Returns:
        In the units of `truth`. Negative where the intervals are wider than need be. Infinite where there are too few rows to
        promise so much, fewer than share / (1 - share).
    """
    if not 0.0 < share < 1.0:
        raise ConfigurationError(f"`share` must be above 0 and below 1, received {share}")
    if lower.ndim != 1 or not lower.shape == upper.shape == truth.shape:
        raise ShapeError(
            "`lower`, `upper` and `truth` must have shape [rows], received "
            f"{list(lower.shape)}, {list(upper.shape)} and {list(truth.shape)}"
        )
    there = ~truth.double().isnan()
    low, high, true = (values.detach()[there].double() for values in (lower, upper, truth))
    outside = torch.maximum(low - true, true - high).sort().values
    # The (rows + 1) x share smallest; the 1 stands for the new row.
    place = math.ceil(round((len(outside) + 1) * share, 9))
    return math.inf if place > len(outside) else float(outside[place - 1])


def _lowest(value: Callable[[float], float], low: float, high: float, tolerance: float = 1e-6) -> float:
    """Where a function with one valley between `low` and `high` is lowest: search by the golden section."""
    ratio = (math.sqrt(5.0) - 1.0) / 2.0
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = value(left), value(right)
    while high - low > tolerance:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = value(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = value(right)
    return (low + high) / 2.0
