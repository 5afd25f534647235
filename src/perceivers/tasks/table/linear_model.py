"""A linear model of an answer, held back by the size of its weights: what each column says by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from perceivers.tasks.table.features import Features
from perceivers.tasks.table.newton import newton

# How much squares of weights cost, beside the sum of the rows' losses: what is tried, the simplest model first.
COSTS = (500.0, 150.0, 50.0, 15.0, 5.0, 1.5, 0.5, 0.15, 0.05, 0.015, 0.005, 0.0015, 0.0005)
# So many models without a gain in a row end the search.
PATIENCE = 2
# What details are multiplied by: of tenths, weights cost a hundred times as much. A later one is taken where held-out rows
# lose less by this share.
DETAIL_SIZES, LEAST_GAIN = (1.0, 0.3, 0.1), 0.01
# Parts of the rows: each in turn is held out to choose the cost. Of many rows one will do.
NUM_PARTS, FEW_ROWS = 5, 1_000
MOST_ITERATIONS = 60
# The cost of weights is chosen by at most so many rows.
MOST_SEARCHED = 2_500
# Weights of a model, beyond which Newton's method, which solves for all at once, is no faster.
MOST_BY_NEWTON = 800
# Earlier steps that a step learns from; of a hundred thousand words each takes room.
NUM_REMEMBERED = 20
# Features of which the rows' squares sum up to less, as of names that few rows have, are taken to be as steep as the others.
LEAST_STEEP = 10.0

# Scores [batch, num_outputs] and the rows that they are of -> the loss of each row [batch].
Losses = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class LinearModel:
    """Scores = features @ weights + added.

    Attributes:
        weights: float64 [num_features, num_outputs].
        added: float64 [num_outputs].
    """

    weights: Tensor
    added: Tensor

    def __call__(self, features: Tensor) -> Tensor:
        """Scores [batch, num_outputs]."""
        return features @ self.weights + self.added


def fit_linear(
    features: Tensor,
    losses: Losses,
    num_outputs: int,
    generator: torch.Generator,
    details: Tensor | None = None,
) -> LinearModel:
    """The model whose cost of weights does best on rows that are held out, fitted to all rows.

    The cost is looked for among MOST_SEARCHED rows at most, whose sparse features are turned. Where some features are
    details, how much dearer their weights are is looked for with it; not of sparse features.

    Args:
        features: float64 [num_rows, num_features], sparse or not.
        losses: of scores, for rows by their numbers.
        num_outputs: scores of a row.
        generator: draws and divides the rows.
        details: bool [num_features]: which features only refine what others say; None: none.
    """
    num_rows = len(features)
    everything = torch.arange(num_rows)
    drawn = everything
    if num_rows > MOST_SEARCHED:
        drawn = torch.randperm(num_rows, generator=generator)[:MOST_SEARCHED].sort().values

    def losses_of_drawn(scores: Tensor, rows: Tensor) -> Tensor:
        return losses(scores, drawn[rows])

    cost, sizes, turned = _best_cost(
        features.index_select(0, drawn), losses_of_drawn, num_outputs, generator, details
    )
    if num_rows > MOST_SEARCHED:
        model = fit_at(_sized(features, sizes), losses, everything, cost, _nothing(features, num_outputs))
        return LinearModel(model.weights * sizes[:, None], model.added)
    found = turned.values
    model = fit_at(found, losses_of_drawn, everything, cost, _nothing(found, num_outputs))
    return LinearModel(turned.unturned(model.weights) * sizes[:, None], model.added)


def fit_at(features: Tensor, losses: Losses, rows: Tensor, cost: float, start: LinearModel) -> LinearModel:
    """The model that makes least the sum of the rows' losses and `cost` / 2 times the sum of the squares of its weights.

    Small models by Newton's method, others, and those whose losses do not curve, by limited-memory BFGS (Liu and Nocedal
    1989).

    Args:
        features: of all rows.
        losses: see `fit_linear`.
        rows: numbers of those that are fitted to.
        cost: of squares.
        start: where the search begins.
    """
    own = features.index_select(0, rows)
    found = None if own.is_sparse else _by_newton(own, losses, rows, cost, start)
    if found is not None:
        return found
    steepness = _steepness(own, cost)[:, None]
    told = (start.weights * steepness).requires_grad_()
    added = start.added.clone().requires_grad_()
    search = torch.optim.LBFGS(
        [told, added],
        max_iter=MOST_ITERATIONS,
        history_size=NUM_REMEMBERED,
        tolerance_grad=1e-5,
        line_search_fn="strong_wolfe",
    )

    def total() -> Tensor:
        search.zero_grad()
        weights = told / steepness
        lost = losses(own @ weights + added, rows).sum() + cost / 2 * weights.square().sum()
        mean = lost / len(rows)
        mean.backward()
        return mean

    with torch.enable_grad():
        search.step(total)
    return LinearModel((told / steepness).detach(), added.detach())


def _steepness(features: Tensor, cost: float) -> Tensor:
    """Roots of how much the loss curves along each weight, in those of a feature that few rows have: [num_features].

    A search that takes all weights for alike does not come to its end where one name has thousands of rows and others one.
    """
    squares = (features * features).sum(dim=0).to_dense()
    return (1.0 + squares / (LEAST_STEEP + cost)).sqrt()


def _by_newton(
    own: Tensor, losses: Losses, rows: Tensor, cost: float, start: LinearModel
) -> LinearModel | None:
    """See `fit_at`; None of too many weights, and where there are no such steps."""
    inputs = torch.cat([own, own.new_ones(len(own), 1)], dim=1)
    costs = own.new_full((inputs.shape[1], 1), cost)
    costs[-1] = 0.0
    weights = torch.cat([start.weights, start.added[None]])
    found = newton(inputs, lambda scores: losses(scores, rows), costs, weights, most=MOST_BY_NEWTON)
    return None if found is None else LinearModel(found[:-1], found[-1])


def _best_cost(
    features: Tensor,
    losses: Losses,
    num_outputs: int,
    generator: torch.Generator,
    details: Tensor | None,
) -> tuple[float, Tensor, Features]:
    """What squares of weights cost at best, what features are multiplied by then [num_features or 1], and features so."""
    ones = torch.ones(1, dtype=features.dtype, device=features.device)
    if len(features) < 2:
        # Nothing can be held out.
        return COSTS[0], ones, Features.of(features)
    parts = torch.randperm(len(features), generator=generator).tensor_split(min(NUM_PARTS, len(features)))
    if len(features) >= FEW_ROWS:
        parts = parts[:1]
    has_details = details is not None and bool(details.any()) and not features.is_sparse
    found, least = None, math.inf
    for size in DETAIL_SIZES if has_details else DETAIL_SIZES[:1]:
        sizes = torch.where(details, size, 1.0).to(ones) if details is not None and has_details else ones
        turned = Features.of(_sized(features, sizes))
        lost = _losses_by_cost(turned.values, losses, parts, num_outputs)
        if found is None or float(lost.min()) < least * (1.0 - LEAST_GAIN):
            found, least = (COSTS[int(lost.argmin())], sizes, turned), float(lost.min())
    assert found is not None
    return found


def _sized(features: Tensor, sizes: Tensor) -> Tensor:
    """Features times a number each; sparse ones, of which none are details, as they are."""
    return features if features.is_sparse else features * sizes


def _losses_by_cost(features: Tensor, losses: Losses, parts: Sequence[Tensor], num_outputs: int) -> Tensor:
    """Mean loss over the parts, held out one by one, for each of COSTS; infinite for those that were not tried any more."""
    totals = torch.zeros(len(COSTS))
    for part in parts:
        kept = torch.ones(len(features), dtype=torch.bool)
        kept[part] = False
        totals += _losses_of_part(features, losses, kept.nonzero()[:, 0], part, num_outputs)
    return totals / len(parts)


def _losses_of_part(
    features: Tensor, losses: Losses, rows: Tensor, held_out: Tensor, num_outputs: int
) -> Tensor:
    """Mean loss of held-out rows for each of COSTS; infinite for those that were not tried any more."""
    found = torch.full((len(COSTS),), torch.inf)
    model = _nothing(features, num_outputs)
    for place, cost in enumerate(COSTS):
        model = fit_at(features, losses, rows, cost, model)
        found[place] = losses(model(features.index_select(0, held_out)), held_out).mean()
        if place - int(found.argmin()) >= PATIENCE:
            break
    return found


def _nothing(features: Tensor, num_outputs: int) -> LinearModel:
    """A model that says 0 of everything."""
    zeros = torch.zeros(features.shape[1] + 1, num_outputs, dtype=features.dtype, device=features.device)
    return LinearModel(zeros[:-1], zeros[-1])
