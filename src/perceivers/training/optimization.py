"""Optimisers and the learning-rate schedule: AdamW, LAMB, decay only where it belongs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, cast, overload

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from perceivers.arguments import OptimizationArguments
from perceivers.arguments.advice import usual
from perceivers.errors import ConfigurationError
from perceivers.nn.learning_rates import learning_rate_factors

NORMALISATIONS = (nn.LayerNorm, nn.GroupNorm, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class Lamb(torch.optim.Optimizer):
    """LAMB as the papers' original code applies it (optax): Adam whose step is scaled to the parameter's norm.

    With bias-corrected means m and v of the gradients and their squares, a parameter p moves by

        update = m / (sqrt(v) + epsilon) + weight_decay * p
        p     -= lr * ||p|| / ||update|| * update        (the ratio is 1 where either norm is 0)

    Neither norm is clamped. Source: You et al. 2019 (1904.00962), algorithm 2, without its clamping function.

    Args:
        parameters: parameters, or groups of them as every torch optimiser takes.
        lr: learning rate.
        betas: decay of the mean of gradients and of squared gradients, each in [0, 1).
        eps: added to the root of the mean squared gradient.
        weight_decay: share of the parameter that joins the update before its norm is taken.
    """

    def __init__(
        self,
        parameters: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.0,
    ) -> None:
        if lr < 0.0 or eps < 0.0 or weight_decay < 0.0:
            raise ConfigurationError(
                f"`lr`, `eps` and `weight_decay` must be at least 0, received {lr}, {eps} and {weight_decay}"
            )
        if not all(0.0 <= beta < 1.0 for beta in betas):
            raise ConfigurationError(f"`betas` must be in [0, 1), received {betas}")
        super().__init__(parameters, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Move every parameter that has a gradient by one step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group)
        return loss

    def _move(self, parameter: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            state["mean"] = torch.zeros_like(parameter)
            state["mean_square"] = torch.zeros_like(parameter)
        state["step"] += 1
        count = int(state["step"].item())
        beta1, beta2 = group["betas"]
        mean = state["mean"].lerp_(gradient, 1.0 - beta1)
        mean_square = state["mean_square"].mul_(beta2).addcmul_(gradient, gradient, value=1.0 - beta2)
        denominator = (mean_square / (1.0 - beta2**count)).sqrt_().add_(group["eps"])
        update = (mean / (1.0 - beta1**count)).div_(denominator).add_(parameter, alpha=group["weight_decay"])
        parameter.sub_(update.mul_(trust_ratio(parameter, update) * group["lr"]))


def trust_ratio(parameter: Tensor, update: Tensor) -> Tensor:
    """Norm of the parameter over the norm of its update, a scalar tensor; 1 where either norm is 0."""
    parameter_norm, update_norm = torch.linalg.vector_norm(parameter), torch.linalg.vector_norm(update)
    defined = (parameter_norm > 0.0) & (update_norm > 0.0)
    return torch.where(defined, parameter_norm / update_norm, torch.ones_like(parameter_norm))


def parameter_groups(
    model: nn.Module, weight_decay: float, learning_rate: float | None = None
) -> list[dict[str, Any]]:
    """Divide the trainable parameters into those with weight decay and those without (biases, normalisations).

    Args:
        model: any module.
        weight_decay: of those with.
        learning_rate: of parameters without a factor of their own; None gives no group a rate.

    Returns:
        Both groups, and a further one for each factor that a module names for its own parameters
        (`perceivers.nn.learning_rates`).
    """
    factors = learning_rate_factors(model)
    plain = {
        id(parameter)
        for module in model.modules()
        for name, parameter in module.named_parameters(recurse=False)
        if isinstance(module, NORMALISATIONS) or name == "bias" or name.endswith("_bias")
    }
    groups: dict[tuple[float, bool], list[Tensor]] = {(1.0, False): [], (1.0, True): []}
    for parameter in model.parameters():
        if parameter.requires_grad:
            key = (factors.get(id(parameter), 1.0), id(parameter) in plain)
            groups.setdefault(key, []).append(parameter)
    return [
        {
            "params": parameters,
            "weight_decay": 0.0 if is_plain else weight_decay,
            **({} if learning_rate is None else {"lr": learning_rate * factor}),
        }
        for (factor, is_plain), parameters in groups.items()
    ]


def build_optimizer(model: nn.Module, arguments: OptimizationArguments) -> torch.optim.Optimizer:
    """Build the chosen optimiser over the model's trainable parameters."""
    arguments = usual(arguments)
    settings: dict[str, Any] = {
        "lr": arguments.learning_rate,
        "betas": (arguments.beta1, arguments.beta2),
        "eps": arguments.epsilon,
    }
    groups = parameter_groups(model, arguments.weight_decay or 0.0, arguments.learning_rate)
    if arguments.optimizer == "lamb":
        return Lamb(groups, **settings)
    # One pass over each parameter instead of a dozen: faster on processors, and the same but for rounding.
    return cast(torch.optim.Optimizer, torch.optim.AdamW(groups, fused=True, **settings))


def learning_rate_factor(
    step: int, *, total_steps: int, warmup_steps: int, constant_fraction: float
) -> float:
    """Give the share of the highest learning rate that optimiser step `step` (from 0) uses, in [0, 1].

    Args:
        step: index of the optimiser step, in [0, total_steps).
        total_steps: number of optimiser steps of the whole run.
        warmup_steps: steps of linear climb; step `warmup_steps - 1` is the first at the full rate.
        constant_fraction: share of `total_steps` before the half cosine begins.
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    decay_start = max(warmup_steps, round(constant_fraction * total_steps))
    if step < decay_start or decay_start >= total_steps:
        return 1.0
    progress = min((step - decay_start) / (total_steps - decay_start), 1.0)
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def warmup_of_fewer(warmup_steps: int, planned_steps: int, total_steps: int) -> int:
    """Steps of climb in a run that has fewer steps than were planned: the same share of it, or a tenth if that is more.

    Args:
        warmup_steps: of the planned run; never exceeded.
        planned_steps: of the whole run.
        total_steps: of the run as it is, at most `planned_steps`.
    """
    if total_steps >= planned_steps:
        return warmup_steps
    return min(warmup_steps, max(round(warmup_steps * total_steps / planned_steps), total_steps // 10))


def build_schedule(
    optimizer: torch.optim.Optimizer,
    arguments: OptimizationArguments,
    total_steps: int,
    chosen_steps: Callable[[], int] | None = None,
) -> LambdaLR:
    """Attach the learning-rate schedule to an optimiser; call its `step()` once after each optimiser step.

    Args:
        optimizer: whose rates are set.
        arguments: the schedule's shape.
        total_steps: optimiser steps of the run as it is planned.
        chosen_steps: gives the number of steps that the run really has, which may become less while it trains: the schedule
            is laid over these. None: the planned ones.
    """
    arguments = usual(arguments)

    def factor(step: int) -> float:
        chosen = total_steps if chosen_steps is None else chosen_steps()
        return learning_rate_factor(
            step,
            total_steps=chosen,
            warmup_steps=warmup_of_fewer(arguments.warmup_steps or 0, total_steps, chosen),
            constant_fraction=arguments.constant_fraction,
        )

    return LambdaLR(optimizer, factor)
