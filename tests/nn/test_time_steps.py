"""Patches of steps, which of them count, and their places in their own sample."""

from __future__ import annotations

import pytest
import torch

from perceivers.errors import ShapeError
from perceivers.nn.time_steps import own_length_positions, patch_mask, step_patches


def test_a_patch_holds_its_steps_side_by_side_and_the_last_one_is_filled_with_zeros():
    steps = torch.arange(1.0, 31.0).reshape(2, 5, 3)
    patches = step_patches(steps, 2)
    assert patches.shape == (2, 3, 6)
    assert patches[0, 0].tolist() == [1, 2, 3, 4, 5, 6]
    assert patches[1, 2].tolist() == [28, 29, 30, 0, 0, 0]
    assert torch.equal(step_patches(steps, 1), steps)


def test_a_patch_counts_where_one_of_its_steps_does():
    mask = torch.tensor([[1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 1]])
    expected = [[True, False, False], [False, True, True]]
    assert patch_mask(mask, 2, 3, 3).tolist() == expected
    assert patch_mask(torch.tensor(expected).int(), 2, 3, 3).tolist() == expected


@pytest.mark.parametrize("shape", [(2, 6), (2, 10), (3, 7), (7,), (2, 7, 1), (2, 2)])
def test_a_mask_of_another_size_is_refused(shape):
    message = (
        r"`attention_mask` must have shape \[2, num_steps\] with 7 to 9 steps, or \[2, 3\].*received "
        rf"\[{', '.join(map(str, shape))}\]"
    )
    with pytest.raises(ShapeError, match=message):
        patch_mask(torch.ones(shape), 2, 3, 3)


def test_time_runs_from_the_first_to_the_last_step_that_counts():
    mask = torch.tensor(
        [
            [1, 1, 1, 1, 1, 0, 0],  # padded at its end
            [0, 0, 1, 1, 1, 0, 0],  # at both ends
            [0, 1, 0, 0, 0, 1, 0],  # with a gap
            [0, 0, 0, 1, 0, 0, 0],  # a single step
            [0, 0, 0, 0, 0, 0, 0],  # none
        ]
    ).bool()
    expected = torch.tensor(
        [
            [-1, -0.5, 0, 0.5, 1, 1, 1],
            [-1, -1, -1, 0, 1, 1, 1],
            [-1, -1, -0.5, 0, 0.5, 1, 1],
            [-1, -1, -1, -1, 1, 1, 1],
            [-1, -2 / 3, -1 / 3, 0, 1 / 3, 2 / 3, 1],
        ]
    )
    torch.testing.assert_close(own_length_positions(mask), expected)
