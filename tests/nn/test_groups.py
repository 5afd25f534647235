"""Points into groups and back, by hand; the original's own arrays are in tests/compatibility."""

from __future__ import annotations

import pytest
import torch

from perceivers.errors import ConfigurationError
from perceivers.nn.groups import Grouping, assign_groups, draw_without_repeats, gather_slots, regroup


def test_further_groups_go_where_groups_are_largest():
    # 13 and 4 points: 13 / 1, then 13 / 2 = 6.5, are more than 4.
    assert assign_groups([13, 4], 3) == [2, 1]
    assert assign_groups([13, 4], 4) == [3, 1]
    # On a tie the first input gets the group.
    assert assign_groups([10, 10], 3) == [2, 1]
    with pytest.raises(
        ConfigurationError, match=r"`groups` of the first level must be at least 1 an input \(3\)"
    ):
        assign_groups([1, 1, 1], 2)


def test_inputs_come_back_from_their_groups():
    grouping = Grouping([5, 2], 3)
    values = [torch.arange(1.0, 6.0).reshape(1, 5, 1), torch.tensor([[[7.0], [8.0]]])]
    grouped = grouping.group(values)
    # Two groups of three for five points, one of two for two: every group has three slots.
    assert grouped[0, :, :, 0].tolist() == [[1.0, 2.0, 3.0], [4.0, 5.0, 0.0], [7.0, 8.0, 0.0]]
    assert all(torch.equal(*pair) for pair in zip(grouping.ungroup(grouped), values, strict=True))


def test_joined_inputs_lie_in_one_group():
    grouping = Grouping([2, 3], 1, joined=True)
    values = [torch.ones(1, 2, 1), torch.full((1, 3, 1), 2.0)]
    grouped = grouping.group(values)
    assert grouped.flatten().tolist() == [1.0, 1.0, 2.0, 2.0, 2.0]
    assert [part.shape[1] for part in grouping.ungroup(grouped)] == [2, 3]
    with pytest.raises(ConfigurationError, match="must be 1 where inputs are joined, received 2"):
        Grouping([2, 3], 2, joined=True)


def test_groups_merge_with_neighbours_or_spread():
    values = torch.arange(8).reshape(1, 4, 2, 1)
    assert regroup(values, 2)[0, :, :, 0].tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert regroup(values, 2, spread=True)[0, :, :, 0].tolist() == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_every_group_gives_the_same_slots():
    grouped = torch.arange(12).reshape(2, 2, 3, 1)
    chosen = gather_slots(grouped, torch.tensor([[2, 0], [1, 1]]))
    assert chosen[..., 0].tolist() == [[[2, 0], [5, 3]], [[7, 7], [10, 10]]]


def test_numbers_are_drawn_at_most_once_and_from_the_generator():
    drawn = [draw_without_repeats(50, 7, 3, generator=torch.Generator().manual_seed(3)) for _ in range(2)]
    assert torch.equal(*drawn)
    assert all(len(set(row)) == 3 for row in drawn[0].tolist())
    assert set(drawn[0].flatten().tolist()) == set(range(7))
