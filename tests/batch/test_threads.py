"""How many threads a worker's network is computed with."""

from __future__ import annotations

import pytest
import torch

from perceivers.batch.threads import FEW_PARAMETERS, threads_for


@pytest.mark.parametrize(("parameters", "expected"), [(FEW_PARAMETERS - 1, 1), (FEW_PARAMETERS, 3)])
def test_a_small_network_has_one_thread_and_others_keep_theirs(parameters: int, expected: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with threads_for(parameters):
            inside = torch.get_num_threads()
        assert (inside, torch.get_num_threads()) == (expected, 3)
        with pytest.raises(KeyError), threads_for(parameters):
            raise KeyError
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
