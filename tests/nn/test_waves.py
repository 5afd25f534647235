"""A table of sines and cosines: its size, its likeness of neighbours, its wavelengths."""

from __future__ import annotations

import math

import pytest
import torch

from perceivers.errors import ShapeError
from perceivers.nn.waves import wave_table, waves_at


def test_sines_and_cosines_go_from_three_positions_to_four_tables() -> None:
    table = wave_table(11, 6, 0.5)
    assert table.shape == (11, 6)
    scale = 0.5 * math.sqrt(2.0)
    for channel, wave in enumerate((3.0, math.sqrt(3.0 * 44.0), 44.0)):
        for place in (0, 1, 10):
            angle = 2.0 * math.pi * place / wave
            assert float(table[place, channel]) == pytest.approx(scale * math.sin(angle), abs=1e-5)
            assert float(table[place, channel + 3]) == pytest.approx(scale * math.cos(angle), abs=1e-5)


def test_places_between_two_positions_have_waves_of_their_own() -> None:
    table = wave_table(11, 6, 0.5)
    found = waves_at(torch.tensor([4.0, 2.5]), 11, 6, 0.5)
    assert torch.equal(found[0], table[4])
    assert float(found[1, 0]) == pytest.approx(
        0.5 * math.sqrt(2.0) * math.sin(2.0 * math.pi * 2.5 / 3.0), abs=1e-6
    )


def test_values_have_the_size_that_is_asked_for() -> None:
    # A sine and its cosine have squares that sum to 1, at every place.
    table = wave_table(7, 10, 0.02)
    assert torch.allclose(table.square().mean(dim=1).sqrt(), torch.full((7,), 0.02))


def test_neighbours_are_alike_and_distant_places_less() -> None:
    table = torch.nn.functional.normalize(wave_table(97, 64, 1.0), dim=1)
    likeness = table @ table[40]
    assert likeness[40] > likeness[41] > likeness[43] > likeness[60].abs()
    # By the theorem of sums, likeness depends on the distance alone.
    assert float(likeness[43]) == pytest.approx(float(likeness[37]), abs=1e-5)


@pytest.mark.parametrize(("length", "channels"), [(0, 4), (3, 5), (3, 0)])
def test_sizes_that_cannot_be_are_refused(length: int, channels: int) -> None:
    with pytest.raises(ShapeError, match=f"received {length} and {channels}"):
        wave_table(length, channels, 1.0)
