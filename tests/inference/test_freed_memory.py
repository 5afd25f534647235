"""Freed memory goes back where the C library offers it, and nothing happens elsewhere."""

from __future__ import annotations

import sys

import pytest
import torch

from perceivers.inference import freed_memory


@pytest.fixture(autouse=True)
def _ask_again():
    freed_memory._trim.cache_clear()
    yield
    freed_memory._trim.cache_clear()


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(freed_memory.ctypes, "CDLL", lambda name: pytest.fail("asked for a C library"))
    freed_memory.give_back_freed_memory()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what is resident is read from /proc")
def test_holes_between_what_stays_go_back():
    if freed_memory._trim() is None:
        pytest.skip("this C library has no malloc_trim")

    def resident() -> int:
        with open("/proc/self/statm", encoding="ascii") as figures:
            return int(figures.read().split()[1]) * 4096

    # Blocks small enough to lie side by side in the heap; every other one stays.
    blocks = [torch.ones(2**13) for _ in range(2000)]
    kept = blocks[::2]
    blocks.clear()
    before = resident()
    freed_memory.give_back_freed_memory()
    assert before - resident() > 2**13 * 4 * 1000 // 2
    assert all(bool(block[0] == 1) for block in kept)
