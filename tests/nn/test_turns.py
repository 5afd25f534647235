"""Steps in turn: as a loop, and as a loop of a captured graph, they give the same."""

from __future__ import annotations

import torch
from torch._higher_order_ops.scan import scan_op as scan

from perceivers.nn.turns import in_turn, is_traced


def running_sum(total, number):
    return total + number, total * number


def test_each_step_goes_on_with_what_the_one_before_carried():
    given = in_turn(running_sum, torch.tensor(5.0), torch.tensor([2.0, 3.0, 7.0]))
    assert given.tolist() == [10.0, 21.0, 70.0]
    assert not is_traced()


class Sums(torch.nn.Module):
    def forward(self, start):
        return in_turn(running_sum, start, torch.arange(4.0))


def test_a_captured_graph_holds_one_step_and_gives_the_same():
    program = torch.export.export(Sums(), (torch.tensor([5.0, 1.0]),), strict=False)
    assert sum(node.target is scan for node in program.graph.nodes) == 1
    start = torch.tensor([3.0, -2.0])
    assert torch.equal(program.module()(start), Sums()(start))
