"""Newton's method for small linear models: a few exact steps in the place of many cheap ones."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

MOST_STEPS, MOST_HALVINGS = 60, 30
# Of the mean loss: a smaller slope in every weight ends the search.
LEAST_SLOPE = 1e-5
# A step is taken that gains this share of what the slope promises (Armijo's rule).
PROMISED = 1e-4
# What is taken for rounding, as a share of the curvature; as much is added to it, so that there is always a step.
ROUNDING = 1e-10


def newton(
    inputs: Tensor, losses: Callable[[Tensor], Tensor], costs: Tensor, start: Tensor, *, most: int
) -> Tensor | None:
    """The weights that make least the sum of the rows' losses and half the sum of `costs` times the squares of the weights.

    A step solves the second-order model of that sum and is halved until it gains (Nocedal and Wright, Numerical Optimization,
    2006, chapter 3). Where only differences between a row's scores count, as in a softmax, there is one score less to find:
    the best weights add up to nothing.

    Args:
        inputs: float64 [num_rows, num_inputs].
        losses: scores [num_rows, num_outputs] -> the loss of each row [num_rows], convex and twice differentiable.
        costs: [num_inputs, 1], at least 0.
        start: weights to begin with [num_inputs, num_outputs].
        most: weights to find at most.

    Returns:
        Weights [num_inputs, num_outputs]; None of more weights, and where the losses do not curve, as those of quantiles do
        not: there is no such step.
    """
    num_inputs, num_outputs = start.shape
    if num_inputs * max(num_outputs - 1, 1) > most:
        return None
    _, curvature = _derivatives(inputs @ start, losses)
    if curvature is None:
        return None
    if float(curvature.sum(dim=2).abs().max()) <= ROUNDING * float(curvature.abs().max()):
        basis = _differences(start)
        found = _searched(inputs, lambda scores: losses(scores @ basis.T), costs, start @ basis)
        return None if found is None else found @ basis.T
    return _searched(inputs, losses, costs, start) if start.numel() <= most else None


def _differences(start: Tensor) -> Tensor:
    """Directions of length 1, upright on each other, in which scores differ [num_outputs, num_outputs - 1]."""
    num_outputs = start.shape[1]
    alike_first = torch.cat([start.new_ones(num_outputs, 1), torch.eye(num_outputs).to(start)], dim=1)
    return torch.linalg.qr(alike_first[:, :-1]).Q[:, 1:]


def _searched(
    inputs: Tensor, losses: Callable[[Tensor], Tensor], costs: Tensor, weights: Tensor
) -> Tensor | None:
    total = _total(inputs, losses, costs, weights)
    for _ in range(MOST_STEPS):
        slopes, curvature = _derivatives(inputs @ weights, losses)
        if curvature is None:
            return None
        slope = inputs.T @ slopes + costs * weights
        if float(slope.abs().max()) <= LEAST_SLOPE * len(inputs):
            break
        step = _solved(inputs, curvature, costs, slope)
        share, promised = 1.0, float((slope * step).sum())
        for _ in range(MOST_HALVINGS):
            tried = weights - share * step
            found = _total(inputs, losses, costs, tried)
            if found <= total - PROMISED * share * promised:
                break
            share /= 2
        else:
            break
        weights, total = tried, found
    return weights


def _total(inputs: Tensor, losses: Callable[[Tensor], Tensor], costs: Tensor, weights: Tensor) -> float:
    return float(losses(inputs @ weights).sum() + (costs * weights.square()).sum() / 2)


def _derivatives(scores: Tensor, losses: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor | None]:
    """Slope [num_rows, num_outputs] and curvature [num_rows, num_outputs, num_outputs] of each row's loss by its scores."""
    with torch.enable_grad():
        scores = scores.detach().requires_grad_()
        (slopes,) = torch.autograd.grad(losses(scores).sum(), scores, create_graph=True)
        if not slopes.requires_grad:
            return slopes, None
        rows = [
            torch.autograd.grad(each.sum(), scores, retain_graph=True, allow_unused=True)[0]
            for each in slopes.unbind(dim=1)
        ]
    if any(row is None for row in rows):
        return slopes.detach(), None
    curvature = torch.stack(rows, dim=1)
    return slopes.detach(), curvature if bool(curvature.any()) else None


def _solved(inputs: Tensor, curvature: Tensor, costs: Tensor, slope: Tensor) -> Tensor:
    """The step [num_inputs, num_outputs] whose product with the whole curvature is the slope."""
    num_inputs, num_outputs = slope.shape
    whole = inputs.new_zeros(num_outputs, num_inputs, num_outputs, num_inputs)
    for own in range(num_outputs):
        for other in range(own + 1):
            block = inputs.T @ (curvature[:, own, other, None] * inputs)
            whole[own, :, other] = whole[other, :, own] = block
    whole = whole.view(num_outputs * num_inputs, -1)
    diagonal = whole.diagonal()
    diagonal += costs[:, 0].repeat(num_outputs) + ROUNDING * float(diagonal.mean())
    factor = torch.linalg.cholesky_ex(whole).L
    return torch.cholesky_solve(slope.T.reshape(-1, 1), factor).view(num_outputs, num_inputs).T
