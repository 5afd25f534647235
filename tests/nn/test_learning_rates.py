"""Modules whose own parameters learn at a rate of their own."""

from __future__ import annotations

from torch import nn

from perceivers.nn.learning_rates import learn_at, learning_rate_factors


def test_a_mark_is_for_a_module_s_own_parameters() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.Linear(3, 5)))
    assert learning_rate_factors(model) == {}
    learn_at(model[0], 0.25)
    # It has no parameters of its own: those of its parts are not meant.
    learn_at(model[1], 0.5)
    assert learning_rate_factors(model) == {id(model[0].weight): 0.25, id(model[0].bias): 0.25}
