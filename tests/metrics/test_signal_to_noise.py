"""PSNR and SNR against torchmetrics' own PSNR and numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torchmetrics.functional.image import peak_signal_noise_ratio

from perceivers.errors import ConfigurationError, ShapeError
from perceivers.metrics.compression import compression_ratio, compression_ratio_of_the_paper
from perceivers.metrics.named import mean_of
from perceivers.metrics.running import Metrics
from perceivers.metrics.signal_to_noise import (
    decibels,
    mean_squared_errors,
    peak_signal_to_noise,
    signal_to_noise,
)


def test_errors_are_means_of_each_sample():
    values = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    targets = torch.tensor([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]])
    assert torch.equal(mean_squared_errors(values, targets), torch.tensor([5 / 3, 3.0], dtype=torch.float64))


def test_each_sample_s_psnr_is_that_of_torchmetrics_and_samples_are_averaged():
    values, targets = torch.rand(5, 2, 3, 7), torch.rand(5, 2, 3, 7)
    metric = peak_signal_to_noise("off")
    errors = mean_squared_errors(values, targets)
    metric.update(off=errors[:2], other=errors)
    metric.update(off=errors[2:])
    expected = sum(
        peak_signal_noise_ratio(value, target, data_range=1.0)
        for value, target in zip(values, targets, strict=True)
    )
    assert float(metric.compute()) == pytest.approx(float(expected) / 5, abs=1e-4)


def test_the_peak_counts_by_its_square():
    # An error of 0.01 is 20 dB below a peak of 1 and 26.02 dB below one of 2.
    for peak, expected in ((1.0, 20.0), (2.0, 20.0 + 20 * math.log10(2))):
        metric = peak_signal_to_noise("off", peak)
        metric.update(off=torch.tensor([0.01]))
        assert float(metric.compute()) == pytest.approx(expected, abs=1e-6)


def test_equal_values_count_100_decibels():
    metric = peak_signal_to_noise("off")
    metric.update(off=torch.tensor([0.0, 0.001]))
    assert float(metric.compute()) == pytest.approx((100 + 30) / 2)


def test_the_signal_s_ratio_takes_all_samples_together():
    metric = signal_to_noise("energy", "off")
    metric.update(energy=torch.tensor([0.5, 0.0]), off=torch.tensor([0.03, 0.01]))
    metric.update(energy=torch.tensor([3.5]), off=torch.tensor([0.0]))
    # 4 / 0.04.
    assert float(metric.compute()) == pytest.approx(20.0, abs=1e-6)


def test_an_answer_of_silence_has_zero_decibels_and_a_silent_truth_no_ratio():
    metric = signal_to_noise("energy", "off")
    metric.update(energy=torch.tensor([0.25, 0.5]), off=torch.tensor([0.25, 0.5]))
    assert float(metric.compute()) == 0.0
    metric.reset()
    metric.update(energy=torch.zeros(2), off=torch.tensor([0.1, 0.0]))
    assert math.isnan(float(metric.compute()))


def test_a_named_mean_takes_its_entry():
    metrics = Metrics({"a": mean_of("one"), "b": mean_of("two")})
    metrics.update(one=torch.tensor([1.0, 2.0]), two=torch.tensor([5.0]))
    metrics.update(one=torch.tensor([6.0]), two=torch.tensor([7.0]))
    assert {name: float(value) for name, value in metrics.compute().items()} == {"a": 3.0, "b": 6.0}


def test_compression_is_what_goes_in_by_what_is_kept():
    # 16 x 224 x 224 x 3 values of colour and 30,720 of sound, 784 x 512 of latents.
    assert compression_ratio(2_408_448 + 30_720, 784, 512) == pytest.approx(6.0765, abs=1e-4)


@pytest.mark.parametrize(("num_latents", "published"), [(784, 88), (392, 176), (196, 352)])
def test_the_paper_s_compression_is_that_of_its_table(num_latents, published):
    assert compression_ratio_of_the_paper(50_176, 704, num_latents, 512) == published


def test_wrong_arguments_are_named():
    with pytest.raises(
        ShapeError,
        match=r"`values` must have the shape of `targets`, \[batch, ...\] \[2, 3\], received \[2, 4\]",
    ):
        mean_squared_errors(torch.zeros(2, 4), torch.zeros(2, 3))
    with pytest.raises(ConfigurationError, match="`peak` must be above 0, received 0"):
        peak_signal_to_noise("off", 0.0)
    assert float(decibels(1.0, torch.tensor(0.1))) == pytest.approx(10.0)
