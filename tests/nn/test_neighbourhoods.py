"""Features of neighbourhoods: nearest points, spread-out centres, masks, order, and stages."""

from __future__ import annotations

import pytest
import torch

from perceivers.errors import ConfigurationError
from perceivers.nn.neighbourhoods import (
    NeighbourhoodStages,
    SetAbstraction,
    nearest,
    num_multiplications,
    picked,
    spread_out,
)


def lattice(side: int) -> torch.Tensor:
    places = torch.linspace(-1.0, 1.0, side)
    return torch.stack(torch.meshgrid(places, places, indexing="ij"), dim=-1).reshape(1, -1, 2)


def points(batch: int, count: int, channels: int = 3) -> torch.Tensor:
    return torch.rand(batch, count, channels, generator=torch.Generator().manual_seed(0)) * 2 - 1


def stages(**options) -> NeighbourhoodStages:
    torch.manual_seed(0)
    given = {
        "num_coordinates": 3,
        "in_channels": 2,
        "widths": (5, 7),
        "num_centres": (11, 3),
        "num_neighbours": 4,
    }
    return NeighbourhoodStages(**{**given, **options}).eval()


def test_the_nearest_points_come_first_and_the_point_itself_before_all():
    some = points(2, 13)
    indices, reach = nearest(some, some, None, 4)
    assert torch.equal(indices[..., 0], torch.arange(13).expand(2, 13))
    all_distances = torch.cdist(some, some)
    by_hand = all_distances.sort(dim=-1).values[..., :4]
    torch.testing.assert_close(all_distances.gather(2, indices), by_hand, atol=3e-3, rtol=0)
    torch.testing.assert_close(reach, by_hand[..., -1], atol=2e-3, rtol=0)


def test_fewer_points_than_neighbours_are_all_looked_at():
    assert nearest(points(1, 3), points(1, 3), None, 16)[0].shape == (1, 3, 3)


def test_on_a_grid_the_same_direction_wins_for_all_in_any_order():
    grid = lattice(7)
    # Two of the four that are equally near, of a point inside: the same two offsets for all.
    inside = (grid.abs() < 0.9).all(dim=-1)
    indices, _ = nearest(grid, grid, None, 3)
    offsets = picked(grid, indices) - grid[:, :, None]
    assert (offsets[inside] - offsets[inside][:1]).abs().max() < 1e-5
    order = torch.randperm(49, generator=torch.Generator().manual_seed(1))
    shuffled = grid[:, order]
    again = picked(shuffled, nearest(shuffled, shuffled, None, 3)[0])
    assert torch.equal(again, picked(grid, indices)[:, order])


def test_hidden_points_are_nobodys_neighbours_and_the_nearest_stands_for_those_that_lack():
    some = points(1, 5)
    counts = torch.tensor([[True, False, True, False, False]])
    indices, reach = nearest(some, some, counts, 4)
    assert set(indices.flatten().tolist()) == {0, 2}
    assert torch.equal(indices[0, 0, 2:], indices[0, 0, :1].expand(2))
    apart = float((some[0, 0] - some[0, 2]).norm())
    torch.testing.assert_close(reach[0, [0, 2]], torch.full((2,), apart), atol=2e-3, rtol=0)
    # A set without any point gives numbers all the same.
    assert nearest(some, some, torch.zeros(1, 5, dtype=torch.bool), 4)[1].isfinite().all()


def test_chosen_points_are_spread_out():
    # On a line: the farthest from 0, the other end, then the middle of what is left.
    line = torch.tensor([[-0.9, -0.5, 0.0, 0.1, 1.0]])[..., None]
    assert spread_out(line, None, 3).tolist() == [[4, 0, 3]]
    hidden = torch.tensor([[True, True, True, False, False]])
    assert spread_out(line, hidden, 5)[0, :3].tolist() == [0, 2, 1]
    # A point that lies where another was chosen comes still before one that is hidden.
    same = torch.zeros(1, 3, 2)
    assert sorted(spread_out(same, torch.tensor([[True, True, False]]), 2)[0].tolist()) == [0, 1]


def test_the_first_of_many_chosen_points_are_those_of_few():
    some = points(2, 17)
    assert torch.equal(spread_out(some, None, 11)[:, :3], spread_out(some, None, 3))


def test_a_feature_is_the_largest_of_what_the_perceptron_makes_of_the_neighbours():
    torch.manual_seed(0)
    stage = SetAbstraction(1, 0, 3, 2).eval()
    line = torch.tensor([[[0.0], [0.1], [0.4]]])
    # The last neighbours are 0.1, 0.1 and 0.3 away, so that places are in units of 0.5 / 3.
    unit = 0.5 / 3
    relative = torch.tensor([[[0.0], [0.1]], [[0.0], [-0.1]], [[0.0], [-0.3]]]) / unit
    hidden = stage.output(torch.relu(stage.hidden_norm(stage.places(relative))))
    expected = torch.relu(stage.norm(hidden.amax(dim=1)))
    torch.testing.assert_close(stage(line, None, None, line, None)[0], expected, atol=0.02, rtol=0)


def test_features_are_the_same_in_any_unit_and_order():
    model, some, features = stages(), points(2, 13), points(2, 13, 2)
    found, places = model(some, features, None)
    assert (found.shape, places.shape) == ((2, 3, 7), (2, 3, 3))
    smaller, _ = model(some * 0.5, features, None)
    torch.testing.assert_close(smaller, found, atol=0.05, rtol=0)
    order = torch.randperm(13, generator=torch.Generator().manual_seed(1))
    again, others = model(some[:, order], features[:, order], None)
    torch.testing.assert_close(again, found)
    assert torch.equal(others, places)


@pytest.mark.parametrize("count", [2, 8, 13])
def test_a_set_gives_the_same_features_alone_and_among_hidden_points(count):
    model, some, features = stages(), points(1, 17), points(1, 17, 2)
    alone, places = model(some[:, :count], features[:, :count], None)
    beside, others = model(some, features, torch.arange(17)[None] < count)
    num_tokens = model.num_tokens(count)
    # Small sets stay in their own order, among hidden points they come spread out.
    order = places[0, :, 0].argsort(), others[0, :num_tokens, 0].argsort()
    assert torch.equal(places[0, order[0]], others[0, :num_tokens][order[1]])
    torch.testing.assert_close(alone[0, order[0]], beside[0, :num_tokens][order[1]])


def test_gradients_reach_every_parameter():
    model = stages().train()
    model(points(2, 13), points(2, 13, 2), None)[0].sum().backward()
    assert all(each.grad is not None and each.grad.isfinite().all() for each in model.parameters())


@pytest.mark.parametrize(
    ("widths", "centres", "message"),
    [
        ((), (), r"one stage or more, each at least 1, received \[\] and \[\]"),
        ((5,), (7, 3), r"received \[5\] and \[7, 3\]"),
        ((5, 0), (7, 3), r"each at least 1, received \[5, 0\]"),
        ((5, 5), (3, 7), r"`neighbourhood_centres` must not grow from stage to stage, received \[3, 7\]"),
    ],
)
def test_stages_that_do_not_fit_together_are_refused(widths, centres, message):
    with pytest.raises(ConfigurationError, match=message):
        stages(widths=widths, num_centres=centres)


def test_the_smallest_sets_have_a_feature():
    found, _ = stages()(torch.zeros(1, 1, 3), torch.zeros(1, 1, 2), None)
    assert found.shape == (1, 1, 7)
    assert found.isfinite().all()


def test_multiplications_are_counted():
    # 13 points of 5 numbers to 2 channels, then 11 centres of 4 neighbours; the second stage sees these 11.
    first, second = 2 * (13 * 5 + 11 * 4 * 2), 3 * (11 * 2 + 7 * 4 * 3)
    assert num_multiplications(13, 5, (2, 3), (11, 7), 4) == first + second
    # Of three points all are centres, and neighbours of each.
    assert num_multiplications(3, 5, (2,), (11,), 4) == 2 * (3 * 5 + 3 * 3 * 2)
