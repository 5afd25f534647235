"""Threads of a worker: one for a small network, whose products are shorter than the wait of threads for each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

# Parameters below which a second thread gains nothing; on a busy machine it costs several times the time.
FEW_PARAMETERS = 1_000_000


@contextmanager
def threads_for(num_parameters: int) -> Iterator[None]:
    """Compute with one thread what a small network is asked; with as many as before afterwards.

    Args:
        num_parameters: of the network.
    """
    before = torch.get_num_threads()
    if before == 1 or num_parameters >= FEW_PARAMETERS:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
