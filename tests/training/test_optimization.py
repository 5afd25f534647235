"""Optimisers against steps worked out by hand, the schedule against its formula."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from perceivers.arguments import OptimizationArguments
from perceivers.errors import ConfigurationError
from perceivers.nn.learning_rates import learn_at
from perceivers.training.optimization import (
    Lamb,
    build_optimizer,
    build_schedule,
    learning_rate_factor,
    parameter_groups,
    trust_ratio,
    warmup_of_fewer,
)


def test_the_first_lamb_step_is_the_one_worked_out_by_hand() -> None:
    # Bias correction makes m = g and v = g * g at the first step, so with eps = 0 the Adam part is the sign of g:
    # (1, -1). Decay 0.5 adds (1.5, 2): update (2.5, 1). Norms: ||p|| = 5, ||update|| = sqrt(7.25).
    parameter = nn.Parameter(torch.tensor([3.0, 4.0]))
    parameter.grad = torch.tensor([0.7, -0.2])
    Lamb([parameter], lr=0.1, eps=0.0, weight_decay=0.5).step()
    ratio = 5.0 / math.sqrt(7.25)
    expected = torch.tensor([3.0 - 0.1 * ratio * 2.5, 4.0 - 0.1 * ratio * 1.0])
    torch.testing.assert_close(parameter.data, expected)


def test_the_second_lamb_step_uses_bias_corrected_means() -> None:
    # One number, no decay: ||p|| / ||update|| * update = |p| * sign(update), so each step moves by lr * |p|
    # towards the sign of the corrected mean. Gradients 1 then -3 with beta1 = 0.9: mean = (0.09 - 0.3) / 0.19 < 0.
    parameter = nn.Parameter(torch.tensor([2.0]))
    optimizer = Lamb([parameter], lr=0.25, eps=0.0)
    parameter.grad = torch.tensor([1.0])
    optimizer.step()
    torch.testing.assert_close(parameter.data, torch.tensor([1.5]))
    parameter.grad = torch.tensor([-3.0])
    optimizer.step()
    torch.testing.assert_close(parameter.data, torch.tensor([1.5 + 0.25 * 1.5]))


def test_lamb_steps_on_a_matrix_follow_the_formula_in_plain_numpy_arithmetic() -> None:
    generator = torch.Generator().manual_seed(3)
    start = torch.randn(5, 7, generator=generator, dtype=torch.float64)
    gradients = [torch.randn(5, 7, generator=generator, dtype=torch.float64) for _ in range(3)]
    parameter = nn.Parameter(start.clone())
    optimizer = Lamb([parameter], lr=0.03, betas=(0.8, 0.95), eps=1e-6, weight_decay=0.1)
    expected, mean, square = start.numpy().copy(), 0.0, 0.0
    for count, gradient in enumerate(gradients, start=1):
        parameter.grad = gradient.clone()
        optimizer.step()
        g = gradient.numpy()
        mean, square = 0.8 * mean + 0.2 * g, 0.95 * square + 0.05 * g * g
        update = (mean / (1 - 0.8**count)) / ((square / (1 - 0.95**count)) ** 0.5 + 1e-6) + 0.1 * expected
        norm = (expected**2).sum() ** 0.5
        expected = expected - 0.03 * norm / (update**2).sum() ** 0.5 * update
    torch.testing.assert_close(parameter.data, torch.from_numpy(expected), rtol=1e-12, atol=1e-12)


def test_a_large_weight_norm_is_not_clamped() -> None:
    parameter = nn.Parameter(torch.tensor([3000.0, 4000.0]))
    parameter.grad = torch.tensor([1.0, 1.0])
    Lamb([parameter], lr=1.0, eps=0.0).step()
    moved = 5000.0 / math.sqrt(2.0)
    torch.testing.assert_close(parameter.data, torch.tensor([3000.0 - moved, 4000.0 - moved]))


def test_a_zero_parameter_moves_by_the_plain_adam_step() -> None:
    parameter = nn.Parameter(torch.zeros(3))
    parameter.grad = torch.tensor([0.5, -0.5, 2.0])
    Lamb([parameter], lr=0.1, eps=0.0).step()
    torch.testing.assert_close(parameter.data, torch.tensor([-0.1, 0.1, -0.1]))


def test_the_trust_ratio_is_one_where_a_norm_is_zero() -> None:
    three_four, zero = torch.tensor([3.0, 4.0]), torch.zeros(2)
    assert trust_ratio(three_four, torch.tensor([0.0, 2.0])).item() == 2.5
    assert trust_ratio(zero, three_four).item() == 1.0
    assert trust_ratio(three_four, zero).item() == 1.0


def test_lamb_runs_the_closure_with_gradients_and_returns_its_loss() -> None:
    parameter = nn.Parameter(torch.tensor([2.0]))
    optimizer = Lamb([parameter], lr=0.1)

    def closure() -> float:
        optimizer.zero_grad()
        loss = (parameter**2).sum()
        loss.backward()
        return loss.item()

    assert optimizer.step(closure) == 4.0
    assert parameter.item() < 2.0


def test_lamb_leaves_parameters_without_gradient_alone() -> None:
    parameter = nn.Parameter(torch.tensor([2.0]))
    Lamb([parameter], weight_decay=0.5).step()
    assert parameter.item() == 2.0


@pytest.mark.parametrize("wrong", [{"lr": -1.0}, {"eps": -1.0}, {"weight_decay": -1.0}])
def test_lamb_refuses_negative_settings(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="must be at least 0, received"):
        Lamb([nn.Parameter(torch.ones(1))], **wrong)


def test_lamb_refuses_betas_of_one() -> None:
    with pytest.raises(ConfigurationError, match=r"`betas` must be in \[0, 1\), received \(1.0, 0.9\)"):
        Lamb([nn.Parameter(torch.ones(1))], betas=(1.0, 0.9))


def test_biases_and_normalisations_have_no_weight_decay() -> None:
    model = nn.Sequential(nn.Linear(3, 5), nn.LayerNorm(5), nn.BatchNorm1d(5), nn.Linear(5, 2))
    decayed, plain = parameter_groups(model, 0.3)
    assert decayed["weight_decay"] == 0.3
    assert plain["weight_decay"] == 0.0
    assert [tuple(p.shape) for p in decayed["params"]] == [(5, 3), (2, 5)]
    assert sum(p.numel() for p in plain["params"]) == 5 + 5 + 5 + 5 + 5 + 2


def test_frozen_parameters_are_left_out_and_shared_ones_appear_once() -> None:
    model = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3)])
    model[1].weight = model[0].weight
    model[1].bias.requires_grad_(False)
    decayed, plain = parameter_groups(model, 0.1)
    assert len(decayed["params"]) == 1
    assert len(plain["params"]) == 1


def test_parts_that_learn_at_a_rate_of_their_own_keep_to_it_and_to_the_schedule() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 5))
    assert all("lr" not in group for group in parameter_groups(model, 0.2))
    learn_at(model[1], 0.25)
    arguments = OptimizationArguments(
        optimizer="adamw", learning_rate=0.5, weight_decay=0.2, warmup_steps=2, constant_fraction=1.0
    )
    optimizer = build_optimizer(model, arguments)
    build_schedule(optimizer, arguments, total_steps=10)
    # Half of each rate in the first of two steps of warmup; the first groups, which are reported, have the run's own.
    found = [
        (group["lr"], group["weight_decay"], [tuple(p.shape) for p in group["params"]])
        for group in optimizer.param_groups
    ]
    assert found == [
        (0.25, 0.2, [(3, 2)]),
        (0.25, 0.0, [(3,)]),
        (0.0625, 0.2, [(5, 3)]),
        (0.0625, 0.0, [(5,)]),
    ]


def test_each_name_builds_its_optimizer_with_the_given_settings() -> None:
    model = nn.Linear(2, 3)
    for name, kind in (("adamw", torch.optim.AdamW), ("lamb", Lamb)):
        arguments = OptimizationArguments(
            optimizer=name, learning_rate=0.5, beta1=0.7, beta2=0.8, epsilon=1e-3, weight_decay=0.2
        )
        optimizer = build_optimizer(model, arguments)
        assert isinstance(optimizer, kind)
        group = optimizer.param_groups[0]
        assert (group["lr"], group["betas"], group["eps"], group["weight_decay"]) == (
            0.5,
            (0.7, 0.8),
            1e-3,
            0.2,
        )


def test_adamw_moves_in_one_pass_as_the_formula_says_and_goes_on_bit_for_bit() -> None:
    arguments = OptimizationArguments(
        optimizer="adamw", learning_rate=0.5, beta1=0.7, beta2=0.8, epsilon=1e-3, weight_decay=0.2
    )
    start, gradients = torch.tensor([[3.0, -2.0]]), [torch.tensor([[0.5, -4.0]]), torch.tensor([[-1.0, 2.0]])]
    parameter = nn.Parameter(start.clone())
    optimizer = build_optimizer(nn.ParameterList([parameter]), arguments)
    assert optimizer.param_groups[0]["fused"]
    expected, mean, square = start.double(), torch.zeros(1, 2).double(), torch.zeros(1, 2).double()
    for step, gradient in enumerate(gradients, 1):
        if step == 2:
            state, halfway = copy.deepcopy(optimizer.state_dict()), parameter.detach().clone()
        parameter.grad = gradient.clone()
        optimizer.step()
        mean, square = 0.7 * mean + 0.3 * gradient, 0.8 * square + 0.2 * gradient**2
        update = (mean / (1 - 0.7**step)) / ((square / (1 - 0.8**step)).sqrt() + 1e-3)
        expected = expected * (1 - 0.5 * 0.2) - 0.5 * update
    torch.testing.assert_close(parameter.detach().double(), expected, rtol=1e-6, atol=1e-6)
    other = nn.Parameter(halfway)
    resumed = build_optimizer(nn.ParameterList([other]), arguments)
    resumed.load_state_dict(state)
    other.grad = gradients[1].clone()
    resumed.step()
    assert torch.equal(other, parameter)


def test_warmup_then_cosine_takes_these_values() -> None:
    factors = [
        learning_rate_factor(s, total_steps=12, warmup_steps=4, constant_fraction=0.0) for s in range(12)
    ]
    expected = [0.25, 0.5, 0.75, 1.0] + [0.5 * (1 + math.cos(math.pi * k / 8)) for k in range(8)]
    assert factors == pytest.approx(expected)


def test_constant_then_cosine_is_flat_for_half_of_the_run() -> None:
    factors = [
        learning_rate_factor(s, total_steps=10, warmup_steps=0, constant_fraction=0.5) for s in range(11)
    ]
    assert factors[:6] == [1.0] * 6
    assert factors[6:] == pytest.approx([0.5 * (1 + math.cos(math.pi * k / 5)) for k in range(1, 6)])
    assert factors[10] == pytest.approx(0.0)


def test_a_constant_fraction_of_one_never_decays() -> None:
    assert learning_rate_factor(99, total_steps=100, warmup_steps=0, constant_fraction=1.0) == 1.0


@given(
    total=st.integers(1, 300),
    warmup=st.integers(0, 300),
    constant=st.floats(0.0, 1.0),
)
def test_the_rate_stays_within_its_bounds_and_never_rises_after_the_warmup(
    total: int, warmup: int, constant: float
) -> None:
    factors = [
        learning_rate_factor(s, total_steps=total, warmup_steps=warmup, constant_fraction=constant)
        for s in range(total)
    ]
    assert all(0.0 <= factor <= 1.0 for factor in factors)
    later = factors[warmup:]
    assert later == sorted(later, reverse=True)


def test_the_schedule_drives_the_optimizers_rate() -> None:
    parameter = nn.Parameter(torch.ones(1))
    arguments = OptimizationArguments(learning_rate=0.4, warmup_steps=2, constant_fraction=0.0)
    optimizer = build_optimizer(nn.ParameterList([parameter]), arguments)
    schedule = build_schedule(optimizer, arguments, total_steps=6)
    rates = []
    for _ in range(6):
        rates.append(optimizer.param_groups[0]["lr"])
        parameter.grad = torch.ones(1)
        optimizer.step()
        schedule.step()
    expected = [0.2, 0.4] + [0.4 * 0.5 * (1 + math.cos(math.pi * k / 4)) for k in range(4)]
    assert rates == pytest.approx(expected)


def test_a_schedule_is_laid_over_the_steps_that_are_chosen_while_it_runs() -> None:
    chosen = [40]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    arguments = OptimizationArguments(learning_rate=1.0, warmup_steps=20)
    schedule = build_schedule(optimizer, arguments, 40, lambda: chosen[0])
    rates = [schedule.get_last_lr()[0]]
    for step in range(1, 11):
        optimizer.step()
        if step == 3:
            chosen[0] = 10
        schedule.step()
        rates.append(schedule.get_last_lr()[0])
    assert rates[:3] == [1 / 20, 2 / 20, 3 / 20]
    # Of the 10 steps, 5 climb; the other 5 are half a cosine, and the step behind the last would have the rate 0.
    expected = [4 / 5, 1.0, *(0.5 * (1.0 + math.cos(math.pi * done / 5)) for done in range(6))]
    assert rates[3:] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("warmup", "planned", "total", "expected"),
    [
        (100, 1000, 1000, 100),
        (100, 1000, 500, 50),
        (300, 1000, 500, 150),
        (10, 1000, 500, 10),
        (0, 40, 10, 0),
    ],
)
def test_fewer_steps_climb_for_the_same_share_or_for_a_tenth(
    warmup: int, planned: int, total: int, expected: int
) -> None:
    assert warmup_of_fewer(warmup, planned, total) == expected
