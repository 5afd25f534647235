"""Which outputs are asked for: whole arrays, points, points by modality, and what is refused."""

from __future__ import annotations

import pytest
import torch

from perceivers.decoders.asked_for import (
    EVERYTHING,
    OutputPoints,
    PointsByModality,
    ask_for,
    gather_rows,
    one_array,
    require_indices,
)
from perceivers.errors import ShapeError


def test_nothing_said_asks_for_everything():
    assert ask_for() == EVERYTHING
    assert EVERYTHING.count((3, 5)) == 15
    assert EVERYTHING.select(None, torch.device("cpu")) is None
    assert EVERYTHING.select(slice(2, 5), torch.device("cpu")).tolist() == [2, 3, 4]


def test_another_size_asks_for_that_many():
    points = ask_for(output_dims=[2, 7], coordinate_rule="subsampled")
    assert (points.index_dims, points.rule, points.indices) == ((2, 7), "subsampled", None)
    assert points.count((3, 5)) == 14
    assert ask_for(output_dims=11).index_dims == (11,)


def test_points_are_counted_and_taken_by_rows():
    points = ask_for(positions=[7, 3, 9])
    assert points.rule == "grid"
    assert points.count((100,)) == 3
    assert points.select(None, torch.device("cpu")).tolist() == [7, 3, 9]
    assert points.select(slice(1, 3), torch.device("cpu")).tolist() == [3, 9]
    each = ask_for(positions=torch.tensor([[1, 2, 3], [4, 5, 6]]))
    assert each.count((100,)) == 3
    assert each.select(slice(0, 2), torch.device("cpu")).tolist() == [[1, 2], [4, 5]]


def test_the_rule_belongs_to_the_argument():
    assert ask_for(subsampled_output_points=[1]).rule == "subsampled"
    assert ask_for(positions=[1], coordinate_rule="subsampled").rule == "subsampled"


def test_mappings_are_joined_by_modality():
    asked_for = ask_for(
        positions={"a": [1, 2], "b": None}, output_dims={"b": (3, 4), "c": (5,)}, coordinate_rule="subsampled"
    )
    assert isinstance(asked_for, PointsByModality)
    assert asked_for.of("a").indices.tolist() == [1, 2]
    assert asked_for.of("a").index_dims is None
    assert asked_for.of("b") == OutputPoints(None, "subsampled", (3, 4))
    assert asked_for.of("c") == OutputPoints(None, "subsampled", (5,))
    assert asked_for.of("d") == OutputPoints(None, "subsampled", None)


def test_an_empty_list_asks_for_no_points():
    points = ask_for(positions={"a": []}).of("a")
    assert points.count((100,)) == 0
    assert points.indices.dtype == torch.int64


def test_questions_that_contradict_themselves_are_refused():
    with pytest.raises(
        ShapeError, match="give `subsampled_output_points` or `positions`, not both: their coordinates"
    ):
        ask_for(subsampled_output_points=[1], positions=[1])
    with pytest.raises(
        ShapeError, match=r"`coordinate_rule` must be one of \('grid', 'subsampled'\), received 'both'"
    ):
        ask_for(coordinate_rule="both")


@pytest.mark.parametrize(
    "wrong", [[0.5], torch.ones(3, dtype=torch.bool), torch.tensor(3), torch.ones(1, 2, 3).long()]
)
@pytest.mark.parametrize("argument", ["positions", "subsampled_output_points"])
def test_points_are_whole_numbers(argument, wrong):
    message = rf"`{argument}` must be whole numbers \[num_points\] or \[batch, num_points\], received \["
    with pytest.raises(ShapeError, match=message):
        ask_for(**{argument: wrong})


def test_a_single_array_has_no_modalities():
    assert one_array(EVERYTHING) is EVERYTHING
    message = r"output points by modality need a decoder of several modalities, received \['a', 'b'\]"
    with pytest.raises(ShapeError, match=message):
        one_array(ask_for(positions={"b": [1], "a": [2]}))


def test_points_lie_in_their_array_and_batch():
    require_indices(torch.tensor([0, 14]), (3, 5), 2)
    require_indices(torch.tensor([[0], [14]]), (3, 5), 2)
    require_indices(torch.tensor([], dtype=torch.long), (3, 5), 2)
    for wrong, low, high in ([[15, 3], 3, 15], [[-2, 0], -2, 0]):
        message = (
            rf"must be in \[0, 14\] for an output array of \[3, 5\], received indices from {low} to {high}"
        )
        with pytest.raises(ShapeError, match=message):
            require_indices(torch.tensor(wrong), (3, 5), 2)
    with pytest.raises(
        ShapeError, match=r"must be of shape \[num_points\] or \[2, num_points\], received \[3, 1\]"
    ):
        require_indices(torch.zeros(3, 1).long(), (3, 5), 2)


def test_rows_are_shared_or_each_samples_own():
    values = torch.arange(12).reshape(2, 3, 2)
    assert gather_rows(values, torch.tensor([2, 0])).tolist() == [[[4, 5], [0, 1]], [[10, 11], [6, 7]]]
    assert gather_rows(values, torch.tensor([[2], [1]])).tolist() == [[[4, 5]], [[8, 9]]]
