"""Encodings of numbers: bins and waves, by hand; in half precision, without memory, in a captured graph."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from perceivers.errors import ConfigurationError
from perceivers.nn.initialization import initialize_tensors
from perceivers.nn.number_encodings import CombinedEncoding, PeriodicEncoding, PiecewiseLinearEncoding

EDGES = [[0.0, 1.0, 3.0, 7.0], [-2.0, 2.0]]


def test_a_number_fills_the_bins_that_it_has_passed():
    encoding = PiecewiseLinearEncoding(EDGES)
    received = encoding(torch.tensor([[2.0, 1.0], [5.0, 3.0], [0.25, -3.0]]))
    expected = [
        [[1.0, 0.5, 0.0], [0.75, 0.0, 0.0]],
        [[1.0, 1.0, 0.5], [1.25, 0.0, 0.0]],
        [[0.25, 0.0, 0.0], [-0.25, 0.0, 0.0]],
    ]
    assert encoding.num_channels == 3
    torch.testing.assert_close(received, torch.tensor(expected))


def test_the_outer_bins_go_on_beyond_their_edges():
    received = PiecewiseLinearEncoding(EDGES)(torch.tensor([[-2.0, 0.0], [15.0, 0.0]]))
    torch.testing.assert_close(received[:, 0], torch.tensor([[-2.0, 0.0, 0.0], [1.0, 1.0, 3.0]]))


@given(st.floats(-9, 9), st.floats(-9, 9))
def test_larger_numbers_never_fill_less(first, second):
    low, high = sorted((first, second))
    encoded = PiecewiseLinearEncoding(EDGES)(torch.tensor([[low, low], [high, high]]))
    assert (encoded[0] <= encoded[1]).all()


def test_narrow_bins_stay_finite_in_half_precision():
    encoding = PiecewiseLinearEncoding([[0.0, 1e-6, 1.0]]).to(torch.float16)
    received = encoding(torch.tensor([[0.0], [0.5]], dtype=torch.float16))
    assert received.dtype == torch.float16
    torch.testing.assert_close(
        received[:, 0].float(), torch.tensor([[0.0, 0.0], [1.0, 0.5]]), atol=1e-3, rtol=0
    )


def test_bins_need_no_memory_of_a_device_and_can_be_copied():
    with torch.device("meta"):
        encoding = PiecewiseLinearEncoding(EDGES)
    assert not encoding.state_dict()
    values = torch.tensor([[2.0, 1.0]])
    assert torch.equal(copy.deepcopy(encoding)(values), PiecewiseLinearEncoding(EDGES)(values))
    assert encoding(values.to("meta")).device.type == "meta"


def test_waves_are_sines_and_cosines_of_learned_frequencies():
    encoding = PeriodicEncoding(2, 3, 0.5)
    with torch.no_grad():
        encoding.frequencies.copy_(torch.tensor([[0.0, 0.25, 0.5], [1.0, 0.125, 2.0]]))
    received = encoding(torch.tensor([[1.0, 2.0]]))
    root = math.sqrt(0.5)
    torch.testing.assert_close(received[0, 0], torch.tensor([0.0, 1, 0, 1, 0, -1]), atol=1e-6, rtol=0)
    torch.testing.assert_close(received[0, 1], torch.tensor([0.0, 1, 0, 1, 0, 1]), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        encoding(torch.tensor([[0.5, 1.0]]))[0, 1],
        torch.tensor([0.0, root, 0, 1, root, 1]),
        atol=1e-5,
        rtol=0,
    )
    assert encoding.num_channels == 6


def test_waves_of_many_turns_are_known_in_half_precision():
    encoding = PeriodicEncoding(1, 1, 0.5)
    with torch.no_grad():
        encoding.frequencies.fill_(8.0)
    half = encoding.to(torch.bfloat16)(torch.full((1, 1), 4.0, dtype=torch.bfloat16))
    torch.testing.assert_close(half.float()[0, 0], torch.tensor([0.0, 1.0]), atol=1e-3, rtol=0)


def test_frequencies_start_as_far_apart_as_sigma_says():
    encoding = PeriodicEncoding(50, 200, 0.3)
    initialize_tensors(encoding, None, 0.02)
    assert abs(encoding.frequencies.std().item() - 0.3) < 0.01


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([[0.0, 1.0], [2.0]], r"`bin_edges` must hold two or more ascending .*received \[2.0\] for column 1"),
        ([[0.0, 0.0]], r"received \[0.0, 0.0\] for column 0"),
        ([[1.0, 0.0]], r"received \[1.0, 0.0\] for column 0"),
        ([[1.0, 1.0 + 1e-12]], "ascending numbers"),
        ([[0.0, math.inf]], "received .*inf"),
        ([[0.0, "1"]], "received .*'1'"),
        ([3.0], "received 3.0 for column 0"),
    ],
)
def test_edges_that_do_not_ascend_are_refused(edges, message):
    with pytest.raises(ConfigurationError, match=message):
        PiecewiseLinearEncoding(edges)


def test_bins_waves_and_the_number_itself_stand_side_by_side():
    bins, waves = PiecewiseLinearEncoding(EDGES), PeriodicEncoding(2, 5, 0.3)
    encoding = CombinedEncoding(bins, waves)
    values = torch.tensor([[2.0, 1.0], [-0.5, 3.0], [0.25, -3.0]])
    assert encoding.num_channels == 3 + 10 + 1
    received = encoding(values)
    torch.testing.assert_close(received[..., :3], bins(values))
    torch.testing.assert_close(received[..., 3:13], waves(values))
    torch.testing.assert_close(received[..., 13], values)


def test_bins_times_their_widths_are_the_number_less_the_first_edge():
    encoding = PiecewiseLinearEncoding([[-1.0, 0.5, 2.0], [0.0, 5.0]])
    values = torch.tensor([[0.7, 3.0], [-4.0, 11.0]])
    widths = encoding.widths()
    assert widths.tolist() == [[1.5, 1.5], [5.0, 0.0]]
    sums = (encoding(values).double() * widths).sum(dim=-1)
    torch.testing.assert_close(sums, values.double() - torch.tensor([-1.0, 0.0]).double(), atol=1e-6, rtol=0)
