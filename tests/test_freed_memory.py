"""Freed memory goes back where the C library offers it, and nothing happens elsewhere."""

from __future__ import annotations

import sys

import pytest
import torch

from perceivers import freed_memory


@pytest.fixture(autouse=True)
def _ask_again():
    asked = (freed_memory._trim, freed_memory._option)
    for each in asked:
        each.cache_clear()
    yield
    for each in asked:
        each.cache_clear()


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(freed_memory.ctypes, "CDLL", lambda name: pytest.fail("asked for a C library"))
    freed_memory.give_back_freed_memory()
    with freed_memory.blocks_of_their_own(), freed_memory.freed_blocks_kept():
        pass


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


def test_thresholds_of_the_c_library_are_low_inside_and_as_high_as_it_would_make_them_afterwards(monkeypatch):
    asked = []
    monkeypatch.setattr(freed_memory, "_option", lambda: lambda *option: asked.append(option))
    with freed_memory.blocks_of_their_own():
        assert asked == [(-3, 128 * 1024)]
    assert asked[1:] == [(-3, 32 * 1024**2), (-1, 64 * 1024**2)]


def test_what_is_freed_is_kept_inside_and_goes_back_afterwards(monkeypatch):
    asked = []
    monkeypatch.setattr(freed_memory, "_option", lambda: lambda *option: asked.append(option))
    monkeypatch.setattr(freed_memory, "_trim", lambda: lambda size: asked.append(("trim", size)))
    with freed_memory.freed_blocks_kept():
        assert asked == [(-3, 32 * 1024**2), (-1, 2**31 - 1)]
    assert asked[2:] == [(-1, 64 * 1024**2), ("trim", 0)]
