"""How benchmarks measure on a GPU: sides in turns with the device waited for, its memory at the peak, what went wrong told.

Run: python benchmarks/device_measuring.py. Prints the device as benchmarks/gpu.py describes it.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from measuring import circumstances, medians
from torch import Tensor

MOST_REPETITIONS = 7
# A side is not timed more often once it has taken so many seconds.
ENOUGH_SECONDS = 0.8


def describe(device: torch.device) -> str:
    """Card, versions, machine and date."""
    if device.type != "cuda":
        return f"{circumstances()}\nNo GPU: a dry run."
    card = torch.cuda.get_device_properties(device)
    return (
        f"{circumstances()}\n{card.name}, {card.total_memory / 2**30:.1f} GiB, {card.multi_processor_count} "
        f"multiprocessors, CUDA {torch.version.cuda}; float32 products without TF32"
    )


def at_full_precision() -> None:
    """No product and no convolution of float32 values rounds its inputs to ten bits."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


def wait(device: torch.device) -> None:
    """Until everything that was asked of the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def moved(value: Any, device: torch.device, dtype: torch.dtype | None = None) -> Any:
    """Tensors in nested mappings on the device, floating ones in `dtype`."""
    if isinstance(value, Mapping):
        return {name: moved(each, device, dtype) for name, each in value.items()}
    if not isinstance(value, Tensor):
        return value
    return value.to(device, dtype if value.is_floating_point() else None)


def empty(device: torch.device) -> None:
    """Give freed memory back, so that the next peak is its own."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


class Peak:
    """Bytes that a block holds at most above what was held before it (`bytes`), and at its end (`kept`)."""

    bytes: int | None = None
    kept: int | None = None

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def __enter__(self) -> Peak:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
            torch.cuda.reset_peak_memory_stats(self._device)
            self._before = torch.cuda.memory_allocated(self._device)
        return self

    def __exit__(self, *failure: object) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
            self.bytes = torch.cuda.max_memory_allocated(self._device) - self._before
            self.kept = torch.cuda.memory_allocated(self._device) - self._before


@dataclass
class Side:
    """What one side showed.

    Attributes:
        run: what it runs; None where it could not be built.
        weights: bytes of its weights.
        peak: bytes at the peak, weights included.
        seconds: of a run, the median.
        output: of its first run, until it was compared.
        error: largest difference to what was expected, as a part of the largest value.
        failure: what went wrong, in a few words.
    """

    run: Callable[[], Any] | None = None
    weights: int | None = None
    peak: int | None = None
    seconds: float | None = None
    output: Any = None
    error: float | None = None
    failure: str | None = None


def tried(side: Side, step: Callable[[], Any]) -> Any:
    """What a step gives; where it fails, the side says how and takes part no more."""
    try:
        return step()
    except Exception as problem:
        words = str(problem).strip().splitlines() or [""]
        side.failure = (
            "out of memory"
            if "out of memory" in str(problem)
            else f"{type(problem).__name__}: {words[0][:120]}"
        )
        side.run, side.output = None, None
        problem.__traceback__ = None
        return None


def build(device: torch.device, make: Callable[[], Callable[[], Any]]) -> Side:
    """A side from what builds it and gives what it runs; its weights are what is left on the device."""
    side = Side()
    empty(device)
    with Peak(device) as peak:
        side.run = tried(side, make)
    side.weights = peak.kept
    return side


def run_once(device: torch.device, side: Side) -> None:
    """A first run, whose output is kept and whose peak is taken; compilers and graphs do their work here."""
    if side.run is None:
        return
    # Twice: what is made once, by the first runs, is no part of the peak.
    for _ in range(2):
        tried(side, side.run)
        if side.run is None:
            return
    empty(device)
    with Peak(device) as peak:
        side.output = tried(side, side.run)
    if peak.bytes is not None and side.weights is not None:
        side.peak = peak.bytes + side.weights


def time_in_turns(device: torch.device, sides: Mapping[str, Side]) -> None:
    """Median seconds of each side; the sides take turns."""
    seconds: dict[str, list[float]] = {name: [] for name, side in sides.items() if side.run is not None}
    gc.collect()
    gc.disable()
    try:
        for _ in range(MOST_REPETITIONS):
            for name, times in seconds.items():
                if sum(times) > ENOUGH_SECONDS and len(times) >= 3:
                    continue
                wait(device)
                start = time.perf_counter()
                result = sides[name].run()  # type: ignore[misc]
                wait(device)
                times.append(time.perf_counter() - start)
                del result
    finally:
        gc.enable()
    for name, middle in medians(seconds).items():
        sides[name].seconds = middle


if __name__ == "__main__":
    print(describe(torch.device("cuda" if torch.cuda.is_available() else "cpu")))
