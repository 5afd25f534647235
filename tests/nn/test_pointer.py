"""The pointer: its scores by hand, masks that are exact, and errors that name the argument."""

from __future__ import annotations

import math

import pytest
import torch

from perceivers.errors import ShapeError
from perceivers.nn.pointer import Pointer, pointer_scores


def test_scores_are_scaled_products() -> None:
    queries = torch.tensor([[[1.0, 2.0], [0.0, -1.0]]])
    keys = torch.tensor([[[3.0, 1.0], [2.0, 2.0], [0.0, 4.0]]])
    expected = torch.tensor([[[5.0, 6.0, 8.0], [-1.0, -2.0, -4.0]]]) / math.sqrt(2)
    torch.testing.assert_close(pointer_scores(queries, keys), expected)


def test_what_is_hidden_is_chosen_with_probability_0_and_a_row_without_choices_has_no_gradient() -> None:
    queries = torch.rand(2, 3, 5, requires_grad=True)
    mask = torch.tensor([[True, False, True, False], [False] * 4])
    shares = pointer_scores(queries, torch.rand(2, 4, 5), mask).softmax(dim=2)
    assert (shares[0, :, ~mask[0]] == 0).all()
    assert shares[0].sum(dim=1).tolist() == pytest.approx([1.0] * 3)
    torch.testing.assert_close(shares[1], torch.full((3, 4), 0.25))
    shares[..., 0].sum().backward()
    assert queries.grad is not None
    assert queries.grad[0].abs().max() > 0
    assert (queries.grad[1] == 0).all()


def test_each_query_may_have_choices_of_its_own_and_members_that_nobody_may_choose_change_nothing() -> None:
    torch.manual_seed(0)
    pointer = Pointer(5, 7, channels=11)
    queries, members = torch.rand(2, 3, 5), torch.rand(2, 4, 7)
    own = torch.rand(2, 3, 4) < 0.5
    scores = pointer(queries, members, own)
    assert torch.equal(scores > torch.finfo(scores.dtype).min, own)
    whole = pointer(queries, members)
    torch.testing.assert_close(scores[own], whole[own])
    more = torch.cat([members, torch.full((2, 6, 7), 1e4)], dim=1)
    longer = pointer(queries, more, torch.arange(10).expand(2, -1) < 4)
    torch.testing.assert_close(longer[:, :, :4], whole)
    torch.testing.assert_close(longer.softmax(dim=2)[:, :, :4], whole.softmax(dim=2))


def test_errors_name_the_argument() -> None:
    pointer = Pointer(5, 7)
    queries, members = torch.rand(2, 3, 5), torch.rand(2, 4, 7)
    with pytest.raises(
        ShapeError, match=r"`queries` must have shape \[batch, num_queries, 5\], received \[2, 3, 6\]"
    ):
        pointer(torch.rand(2, 3, 6), members)
    with pytest.raises(
        ShapeError, match=r"`members` must have shape \[2, num_members, 7\], received \[3, 4, 7\]"
    ):
        pointer(queries, torch.rand(3, 4, 7))
    with pytest.raises(
        ShapeError, match=r"`mask` must have shape \[2, 4\] or \[2, 3, 4\], received \[2, 3\]"
    ):
        pointer(queries, members, torch.ones(2, 3))
