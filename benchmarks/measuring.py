"""How the benchmarks measure: the machine described, sides taking turns, peak memory of fresh processes under a limit.

Run: python benchmarks/measuring.py. Prints the machine as the other benchmarks would describe it.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import platform
import resource
import signal
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

OUT_OF_MEMORY = "out of memory"
# What allocators say: torch on the CPU, torch on CUDA, NumPy, the C++ library.
_OUT_OF_MEMORY_WORDS = (
    "can't allocate memory",
    "not enough memory",
    "out of memory",
    "unable to allocate",
    "cannot allocate memory",
    "bad_alloc",
)
# How a process dies of it: the kernel kills it, or C++ aborts because nobody catches its failed allocation.
_SIGNALS_OF_MEMORY = (-signal.SIGKILL, -signal.SIGABRT)
_STATUS = Path("/proc/self/status")
_FORGET_PEAK = Path("/proc/self/clear_refs")


def circumstances(packages: Sequence[str] = ("torch", "perceivers", "transformers")) -> str:
    """Date, machine, load and versions: what the reader of a table has to know, as two lines."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    machine = (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {processor_name()}, {os.cpu_count()} cores, "
        f"{in_bytes(memory)} of memory, load average {os.getloadavg()[0]:.1f} at the start"
    )
    versions = [f"{platform.system()} {platform.release()}", f"Python {platform.python_version()}"]
    versions += [f"{package} {_version_of(package)}" for package in packages]
    if "torch" in packages:
        import torch

        versions.append(f"{torch.get_num_threads()} threads")
    return f"{machine}\n{', '.join(versions)}"


def processor_name() -> str:
    """The processor as the system names it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def interleaved(
    sides: Mapping[str, Callable[[], object]], repetitions: int, warm_ups: int = 1
) -> dict[str, list[float]]:
    """Seconds of every run, by side; the sides take turns, so that the machine's moods meet all of them.

    Args:
        sides: what each side runs.
        repetitions: how often each is measured.
        warm_ups: how often each runs before that.
    """
    for _ in range(warm_ups):
        for run in sides.values():
            run()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repetitions):
        for name, run in sides.items():
            seconds[name].append(seconds_of(run))
    return seconds


def seconds_of(run: Callable[[], object]) -> float:
    """Seconds of one run; no garbage collection in it, and its result lives until the clock has stopped."""
    return both_seconds_of(run)[0][0]


def both_seconds_of(run: Callable[[], object], times: int = 1) -> list[tuple[float, float]]:
    """As `seconds_of`, of runs one after another; and of the processor alone, without what a process waits for its turn."""
    gc.collect()
    collecting = gc.isenabled()
    gc.disable()
    seconds = []
    try:
        for _ in range(times):
            start, processor_start = time.perf_counter(), time.process_time()
            result = run()
            seconds.append((time.perf_counter() - start, time.process_time() - processor_start))
            del result
    finally:
        if collecting:
            gc.enable()
    return seconds


def medians(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The middle of each side's seconds."""
    return {name: statistics.median(times) for name, times in seconds.items()}


def matrix_product_rate(size: int = 2048, repetitions: int = 5) -> float:
    """This machine's rate of float32 matrix products, in floating-point operations per second (the best of some runs)."""
    import torch

    left, right = torch.randn(size, size), torch.randn(size, size)
    left @ right
    return 2 * size**3 / min(seconds_of(lambda: left @ right) for _ in range(repetitions))


def resident_memory() -> int:
    """Bytes of this process that are in memory now."""
    return _status("VmRSS")


def peak_memory() -> int:
    """Largest number of bytes of this process that were in memory at once (since `forget_peak`, where that works)."""
    return _status("VmHWM")


def forget_peak() -> bool:
    """Let `peak_memory` start again from what is in memory now; False where the system does not offer it."""
    try:
        _FORGET_PEAK.write_text("5")
    except OSError:
        return False
    return True


class WorkingMemory:
    """What a block takes at its peak above what the process held before: `with WorkingMemory() as memory`, then `bytes`."""

    bytes: int | None = None

    def __enter__(self) -> WorkingMemory:
        gc.collect()
        self._known = forget_peak()
        self._before = resident_memory()
        return self

    def __exit__(self, *failure: object) -> None:
        # Without a fresh peak only a new record could be seen; a smaller block would seem to take nothing.
        self.bytes = max(0, peak_memory() - self._before) if self._known else None


@dataclass(frozen=True)
class Outcome:
    """What a process of its own came back with.

    Attributes:
        value: what the function returned; None when it failed.
        peak: bytes that its process held at most, the imports included; None when it was killed.
        failure: None, or "out of memory".
    """

    value: Any = None
    peak: int | None = None
    failure: str | None = None


def in_fresh_process(
    function: Callable[..., Any], *arguments: Any, memory_limit: int | None = None, **named: Any
) -> Outcome:
    """Run `function` in a new Python process, alone with its memory.

    Args:
        function: a function at the top level of a module; arguments and result must be picklable, and small.
        arguments: its arguments.
        memory_limit: bytes of data that the process may hold; more is "out of memory". None: no limit.
        named: its arguments by name.

    Raises:
        RuntimeError: the function failed for another reason than memory; the message holds its traceback.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, function, arguments, named, memory_limit))
    process.start()
    sender.close()
    try:
        kind, value, peak = receiver.recv()
    except EOFError:
        kind, value, peak = "died", None, None
    finally:
        receiver.close()
        process.join()
    if kind == "value":
        return Outcome(value, peak)
    if kind == OUT_OF_MEMORY or (kind == "died" and process.exitcode in _SIGNALS_OF_MEMORY):
        return Outcome(peak=peak, failure=OUT_OF_MEMORY)
    raise RuntimeError(
        f"{function.__name__} failed in its own process (exit code {process.exitcode}):\n{value or ''}"
    )


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an exception says that memory did not suffice, whoever raised it."""
    words = str(problem).lower()
    return isinstance(problem, MemoryError) or any(saying in words for saying in _OUT_OF_MEMORY_WORDS)


def limit_memory(num_bytes: int) -> None:
    """From now on, allocations fail once the data of this process exceed `num_bytes`."""
    resource.setrlimit(resource.RLIMIT_DATA, (num_bytes, num_bytes))


def largest_relative_error(ours: Any, theirs: Any) -> float:
    """Largest difference of two tensors as a part of the second's largest value; infinite where shapes differ."""
    import torch

    if ours.shape != theirs.shape:
        return float("inf")
    scale = torch.as_tensor(theirs).abs().max().clamp_min(1e-30)
    return float((ours - theirs).abs().max() / scale)


def in_bytes(count: float | None) -> str:
    """1234567890 is "1.15 GiB"; None is a dash."""
    if count is None:
        return "-"
    for unit in ("B", "KiB", "MiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.2f} GiB"


def in_seconds(seconds: float | None) -> str:
    """0.00123 is "1.23 ms"; None is a dash."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds:.2f} s" if seconds < 100 else f"{seconds:.0f} s"


def in_ratio(larger: float | None, smaller: float | None) -> str:
    """2 and 1 is "2.00x"; a dash where one is missing."""
    return "-" if larger is None or not smaller else f"{larger / smaller:.2f}x"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its columns aligned for those who read the source."""
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"each of `rows` must have {len(header)} cells, received {list(row)}")
    widths = [max(3, *(len(row[column]) for row in [header, *rows])) for column in range(len(header))]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def report(text: str, output: Path | None) -> None:
    """Print `text`, and write it to the file `output` where one is given."""
    print(text)
    save(text, output)


def save(text: str, output: Path | None) -> None:
    """Write `text` to the file `output` where one is given, into a folder that is made if absent."""
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text + "\n", encoding="utf-8")


def _answer(
    sender: Connection,
    function: Callable[..., Any],
    arguments: tuple[Any, ...],
    named: Mapping[str, Any],
    memory_limit: int | None,
) -> None:
    """In the new process: run, and send ("value" | "out of memory" | "error", result or traceback, peak)."""
    try:
        if memory_limit is not None:
            limit_memory(memory_limit)
        sender.send(("value", function(*arguments, **named), peak_memory()))
    except BaseException as problem:
        kind = OUT_OF_MEMORY if is_out_of_memory(problem) else "error"
        # Frames keep the tensors alive that left no room; drop them before anything else is allocated.
        text = "" if kind == OUT_OF_MEMORY else traceback.format_exc()
        problem.__traceback__ = None
        sender.send((kind, text, peak_memory()))
    finally:
        sender.close()


def _status(field: str) -> int:
    """A figure of this process, in bytes, from the kernel; what `getrusage` knows where there is no such file."""
    try:
        with open(_STATUS, encoding="ascii") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":"))
    except OSError:
        # Not preferred: on Linux a new process inherits the peak of the one that started it.
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    print(circumstances())
    print(f"float32 matrix products: {matrix_product_rate() / 1e9:.0f} GFLOP/s")
