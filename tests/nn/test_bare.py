"""A module is bare until somebody puts something around it or listens."""

from __future__ import annotations

import pytest
from torch import nn
from torch.nn.modules.module import register_module_forward_hook
from torch.nn.utils import parametrizations

from perceivers.nn.bare import is_bare


class Wrapped(nn.Linear):
    """Another class that inherits from it."""


def test_a_linear_map_is_bare_and_what_inherits_from_it_is_not():
    assert is_bare(nn.Linear(3, 5), nn.Linear)
    assert not is_bare(Wrapped(3, 5), nn.Linear)
    assert not is_bare(parametrizations.weight_norm(nn.Linear(3, 5)), nn.Linear)


@pytest.mark.parametrize(
    "register",
    [
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
    ],
)
def test_a_module_that_somebody_listens_to_is_not_bare(register):
    linear = nn.Linear(3, 5)
    handle = getattr(linear, register)(lambda *_: None)
    assert not is_bare(linear, nn.Linear)
    handle.remove()
    assert is_bare(linear, nn.Linear)


def test_no_module_is_bare_where_somebody_listens_to_all():
    linear = nn.Linear(3, 5)
    handle = register_module_forward_hook(lambda *_: None)
    try:
        assert not is_bare(linear, nn.Linear)
    finally:
        handle.remove()
    assert is_bare(linear, nn.Linear)
