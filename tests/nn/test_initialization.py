from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from perceivers.nn.initialization import initialize_tensors


class Parts(nn.Module):
    """One of every kind of owner."""

    def __init__(self) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.full((101, 103), 7.0))
        self.table = nn.Embedding(97, 89)
        self.linear = nn.Linear(131, 67)
        self.convolution = nn.Conv2d(3, 53, (5, 7))
        self.upsampling = nn.ConvTranspose2d(29, 31, (3, 5))
        self.head = nn.Linear(11, 5)
        self.head.zero_initialized = True
        self.layer_norm = nn.LayerNorm(13)
        self.batch_norm = nn.BatchNorm2d(17)
        self.padding = nn.ParameterDict({"image": nn.Parameter(torch.full((1, 1009), 7.0))})
        self.bias = nn.Parameter(torch.full((19,), 7.0))
        with torch.no_grad():
            for tensor in [*self.parameters(), *self.buffers()]:
                tensor.fill_(7)


@pytest.fixture
def parts():
    return Parts()


def test_free_standing_parameters_are_normal_and_cut_at_two_standard_deviations(parts):
    initialize_tensors(parts, None, 0.5)
    for tensor in (parts.latents, parts.table.weight, parts.padding["image"]):
        assert tensor.abs().max() <= 1.0
        assert tensor.abs().max() > 0.95
        # The variance of a unit normal cut at 2 is 1 - 4 phi(2) / (2 Phi(2) - 1) = 0.7737.
        density, inside = math.exp(-2) / math.sqrt(2 * math.pi), math.erf(2 / math.sqrt(2))
        assert tensor.std().item() == pytest.approx(0.5 * math.sqrt(1 - 4 * density / inside), rel=0.06)
        assert abs(tensor.mean()) < 0.05


def test_the_whole_distribution_is_the_cut_normal_one():
    from scipy.stats import kstest, truncnorm

    table = nn.Embedding(211, 199)
    initialize_tensors(table, None, 0.5)
    sample = table.weight.detach().flatten().double().numpy()
    assert kstest(sample, truncnorm(-2, 2, scale=0.5).cdf).pvalue > 0.01


@pytest.mark.parametrize(
    ("name", "fan_in"), [("linear", 131), ("convolution", 3 * 5 * 7), ("upsampling", 29 * 3 * 5)]
)
def test_projections_have_variance_one_over_fan_in(parts, name, fan_in):
    initialize_tensors(parts, None, 0.5)
    module = getattr(parts, name)
    assert module.weight.std().item() == pytest.approx(1 / math.sqrt(fan_in), rel=0.03)
    assert module.weight.abs().max() <= 2 / math.sqrt(fan_in) / 0.8796
    assert module.bias.abs().max() == 0


def test_a_head_that_asks_for_it_and_every_bias_are_zero(parts):
    initialize_tensors(parts, None, 0.5)
    assert parts.head.weight.abs().max() == 0
    assert parts.head.bias.abs().max() == 0
    assert parts.bias.abs().max() == 0


def test_norms_start_as_the_identity(parts):
    initialize_tensors(parts, None, 0.5)
    for norm in (parts.layer_norm, parts.batch_norm):
        assert torch.equal(norm.weight, torch.ones_like(norm.weight))
        assert torch.equal(norm.bias, torch.zeros_like(norm.bias))
    assert torch.equal(parts.batch_norm.running_mean, torch.zeros(17))
    assert torch.equal(parts.batch_norm.running_var, torch.ones(17))
    assert parts.batch_norm.num_batches_tracked == 0


def test_only_the_named_tensors_change(parts):
    names = {"padding.image", "batch_norm.running_var", "linear.bias"}
    initialize_tensors(parts, names, 0.5)
    for key, tensor in parts.state_dict().items():
        assert torch.equal(tensor, torch.full_like(tensor, 7)) == (key not in names), key


def test_the_seed_decides(parts):
    draws = []
    for seed in (3, 3, 5):
        torch.manual_seed(seed)
        initialize_tensors(parts, None, 0.5)
        draws.append(parts.linear.weight.detach().clone())
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_a_shared_parameter_is_drawn_once_under_any_of_its_names():
    model = nn.ModuleDict({"first": nn.Linear(7, 7), "second": nn.Linear(7, 7)})
    model["second"].weight = model["first"].weight
    torch.manual_seed(3)
    initialize_tensors(model["first"], {"weight"}, 0.5)
    expected = model["first"].weight.detach().clone()
    for names in (None, {"second.weight"}):
        torch.manual_seed(3)
        initialize_tensors(model, names, 0.5)
        assert torch.equal(model["first"].weight, expected)


def test_half_precision_takes_the_same_draws():
    for dtype in (torch.float16, torch.bfloat16):
        full, half = nn.Linear(31, 37), nn.Linear(31, 37).to(dtype)
        for module in (full, half):
            torch.manual_seed(3)
            initialize_tensors(module, None, 0.5)
        assert torch.equal(full.weight.to(dtype), half.weight)


def test_the_meta_device_is_left_alone():
    with torch.device("meta"):
        module = nn.Linear(3, 5)
    initialize_tensors(module, None, 0.5)
    assert module.weight.is_meta


@pytest.mark.parametrize("name", ["linear", "convolution", "upsampling"])
def test_matrices_have_the_standard_deviation_that_is_given(parts, name):
    initialize_tensors(parts, None, 0.5, matrix_std=0.3)
    assert getattr(parts, name).weight.std().item() == pytest.approx(0.3, rel=0.05)
    assert parts.latents.std().item() == pytest.approx(0.88 * 0.5, rel=0.05)
    assert not parts.linear.bias.any()
    assert not parts.head.weight.any()
