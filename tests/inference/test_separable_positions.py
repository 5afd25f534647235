"""Tables of single axes give what the whole array of Fourier positions gives."""

from __future__ import annotations

import pytest
import torch

from perceivers.inference.separable_positions import AxisTables, axis_channels
from perceivers.nn.position_encoding import PerceiverFourierPositionEncoding
from perceivers.nn.token_structure import FourierPositions

CASES = [
    ((5, 7), "grid", True, False),
    ((5, 7), "subsampled", True, False),
    ((3, 5, 7), "grid", True, False),
    ((3, 5, 7), "grid", False, True),
    ((2, 3, 5, 7), "grid", True, True),
]


def tables(
    sizes: tuple[int, ...], rule: str, concat_pos: bool, sine_only: bool
) -> tuple[AxisTables, torch.Tensor]:
    encoding = PerceiverFourierPositionEncoding(3, [11] * len(sizes), concat_pos, sine_only)
    positions = FourierPositions(encoding, sizes, rule)
    own = AxisTables.of(positions, torch.float64, torch.device("cpu"))
    return own, encoding.grid(sizes, rule).double()


def test_channels_of_two_axes():
    # y, x | sin y, sin y, sin x, sin x | cos y, cos y, cos x, cos x
    assert axis_channels(2, 2, True, False) == [[0, 2, 3, 6, 7], [1, 4, 5, 8, 9]]
    assert axis_channels(2, 2, False, False) == [[0, 1, 4, 5], [2, 3, 6, 7]]
    assert axis_channels(3, 1, True, True) == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize("case", CASES)
def test_products_are_sums_over_axes(case):
    own, whole = tables(*case)
    vectors = torch.randn(13, whole.shape[1], dtype=torch.float64)
    products = own.products(vectors)
    rows = own.along_rows(products, slice(0, own.num_rows))
    received = (rows[:, :, None] + products[-1][:, None, :]).flatten(1)
    torch.testing.assert_close(received, vectors @ whole.T, rtol=0, atol=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_weighted_sums_need_marginals_only(case):
    own, whole = tables(*case)
    weights = torch.rand(13, whole.shape[0], dtype=torch.float64)
    on_grid = weights.unflatten(1, own.sizes)
    axes = range(1, len(own.sizes) + 1)
    marginals = [on_grid.sum(dim=[other for other in axes if other != axis]) for axis in axes]
    torch.testing.assert_close(own.combine(marginals), weights @ whole, rtol=0, atol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_sums_and_squares_of_channels(case):
    own, whole = tables(*case)
    for received, expected in zip(own.sums(), (whole.sum(1), whole.square().sum(1)), strict=True):
        rows = own.along_rows(received, slice(0, own.num_rows))
        total = (rows[:, None] + received[-1]).flatten()
        torch.testing.assert_close(total, expected, rtol=0, atol=1e-5)


def test_some_rows_are_those_of_all():
    own, _ = tables(*CASES[2])
    values = [torch.randn(13, size) for size in own.sizes]
    torch.testing.assert_close(
        own.along_rows(values, slice(4, 11)), own.along_rows(values, slice(0, 15))[:, 4:11]
    )
