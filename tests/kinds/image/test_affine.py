"""Random shifts, turns and scalings, against pictures worked out by hand."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from perceivers.kinds.image.affine import affine_matrices, random_affine


def warp(
    images: torch.Tensor, rotation: float, scale: tuple[float, float], shift: tuple[float, float]
) -> torch.Tensor:
    height, width = images.shape[-2:]
    matrices = affine_matrices(
        torch.tensor([rotation]), torch.tensor([scale]), torch.tensor([shift]), height=height, width=width
    )
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def test_a_positive_shift_moves_the_content_left_and_up() -> None:
    picture = torch.zeros(1, 1, 5, 10)
    picture[0, 0, 3, 7] = 1.0
    moved = warp(picture, 0.0, (1.0, 1.0), (0.2, 0.4))
    expected = torch.zeros(1, 1, 5, 10)
    expected[0, 0, 3 - 2, 7 - 2] = 1.0
    torch.testing.assert_close(moved, expected, atol=1e-5, rtol=0.0)


def test_a_quarter_turn_is_torchs_own() -> None:
    picture = torch.rand(1, 2, 7, 7)
    turned = warp(picture, math.pi / 2, (1.0, 1.0), (0.0, 0.0))
    torch.testing.assert_close(turned, picture.rot90(-1, dims=(2, 3)), atol=1e-5, rtol=0.0)


def test_a_turn_keeps_right_angles_in_pictures_that_are_not_square() -> None:
    # A bar of 1 x 3 pixels about the centre of 5 x 11 becomes one of 3 x 1 about the same centre.
    picture = torch.zeros(1, 1, 5, 11)
    picture[0, 0, 2, 4:7] = 1.0
    expected = torch.zeros(1, 1, 5, 11)
    expected[0, 0, 1:4, 5] = 1.0
    torch.testing.assert_close(
        warp(picture, math.pi / 2, (1.0, 1.0), (0.0, 0.0)), expected, atol=1e-5, rtol=0.0
    )


def test_a_factor_of_two_halves_the_content_along_its_axis() -> None:
    picture = torch.arange(8.0).reshape(1, 1, 1, 8).expand(1, 1, 8, 8)
    shrunk = warp(picture, 0.0, (2.0, 1.0), (0.0, 0.0))
    # Output centre x (from the middle) reads input 2 * x: pixels 2..5 read 0.5, 2.5, 4.5, 6.5.
    torch.testing.assert_close(shrunk[0, 0, 3, 2:6], torch.tensor([0.5, 2.5, 4.5, 6.5]))


def test_each_amount_alone_changes_pictures_within_its_bound() -> None:
    ramp = torch.arange(20.0).expand(64, 1, 20, 20).contiguous()
    torch.manual_seed(0)
    shifted = random_affine(ramp, shift=0.1, rotation=0.0, scale=0.0) - ramp
    inner = shifted[:, 0, 10, 4:16]
    assert inner.abs().max() <= 2.0 + 1e-4
    assert inner.abs().max() > 1.5
    assert inner.min() < -1.0
    scaled = random_affine(ramp, shift=0.0, rotation=0.0, scale=0.25) - ramp
    assert 1.0 < scaled[:, 0, 10, 14].abs().max() <= 0.25 * 4.5 + 1e-4
    turned = random_affine(ramp, shift=0.0, rotation=30.0, scale=0.0) - ramp
    assert 0.5 < turned[:, 0, 10, 14].abs().max() <= 4.6 * (1 - math.cos(math.radians(30))) + 0.5 * 0.5 + 1e-3


def test_pictures_of_a_batch_are_changed_apart_and_by_torchs_generator() -> None:
    picture = torch.rand(1, 3, 7, 11).expand(2, 3, 7, 11).contiguous()
    torch.manual_seed(5)
    first = random_affine(picture, shift=0.2, rotation=10.0, scale=0.1)
    torch.manual_seed(5)
    again = random_affine(picture, shift=0.2, rotation=10.0, scale=0.1)
    assert torch.equal(first, again)
    assert first.shape == picture.shape
    assert not torch.allclose(first[0], first[1])


def test_amounts_of_zero_give_the_batch_back_and_draw_nothing() -> None:
    picture = torch.rand(2, 1, 5, 5)
    state = torch.get_rng_state()
    assert random_affine(picture, shift=0.0, rotation=0.0, scale=0.0) is picture
    assert torch.equal(torch.get_rng_state(), state)


def test_half_precision_stays_half_precision() -> None:
    picture = torch.rand(2, 1, 5, 5).to(torch.bfloat16)
    assert random_affine(picture, shift=0.1, rotation=0.0, scale=0.0).dtype == torch.bfloat16
