"""Processes that are killed at a random moment of a phase of their work, which they tell as they go."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import forked

# A phase begins when one of these is called: (where it is, its name).
Phases = Mapping[str, Sequence[tuple[Any, str]]]
# Seconds that a whole run may take on a busy machine.
PATIENCE = 600.0


@dataclass(frozen=True)
class Rhythm:
    """How often each phase begins in a whole run, and how long it lasts, in seconds."""

    counts: Mapping[str, int]
    seconds: Mapping[str, float]


def undisturbed(run: Callable[[], Any], phases: Phases) -> Rhythm:
    """Run whole in a copy of this process, and see how long each phase takes."""
    child, reader = _started(run, phases)
    told: list[tuple[float, str]] = []
    while mark := _next_mark(reader, list(phases), PATIENCE):
        told.append((time.monotonic(), mark))
    ended = time.monotonic()
    os.close(reader)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == 0, f"the run ended with {code} although nobody had killed it"
    missing = set(phases) - {mark for _, mark in told}
    assert not missing, f"the run never was at {', '.join(sorted(missing))}"
    lasted: dict[str, list[float]] = {name: [] for name in phases}
    for (begun, mark), (until, _) in zip(told, [*told[1:], (ended, "")], strict=True):
        lasted[mark].append(until - begun)
    return Rhythm(
        {name: len(each) for name, each in lasted.items()},
        {name: sum(each) / len(each) for name, each in lasted.items()},
    )


def killed(
    run: Callable[[], Any], phases: Phases, phase: str, rhythm: Rhythm, generator: np.random.Generator
) -> bool:
    """Run in a copy of this process and kill it within a phase; False where it was done before.

    Args:
        run: what the process does.
        phases: which calls begin which phase.
        phase: the one to kill it in.
        rhythm: of an undisturbed run.
        generator: of the moment.
    """
    occurrence = int(generator.integers(1, rhythm.counts[phase] + 1))
    child, reader = _started(run, phases)
    seen = 0
    while seen < occurrence and (mark := _next_mark(reader, list(phases), PATIENCE)):
        seen += mark == phase
    if seen == occurrence:
        time.sleep(float(generator.uniform(0.0, rhythm.seconds[phase])))
    os.kill(child, signal.SIGKILL)
    os.close(reader)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), f"the run ended with {code}"
    return code == -signal.SIGKILL


def _started(run: Callable[[], Any], phases: Phases) -> tuple[int, int]:
    """A process that runs, and where it writes the number of each phase that it begins."""
    reader, writer = os.pipe()

    def tell() -> None:
        os.close(reader)
        with pytest.MonkeyPatch.context() as patch:
            for number, calls in enumerate(phases.values()):
                for owner, name in calls:
                    patch.setattr(owner, name, _telling(getattr(owner, name), writer, number))
            run()

    child = forked.start(tell)
    os.close(writer)
    return child, reader


def _telling(function: Callable[..., Any], writer: int, number: int) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        os.write(writer, bytes([number]))
        return function(*arguments, **options)

    return call


def _next_mark(reader: int, names: Sequence[str], seconds: float) -> str | None:
    ready, _, _ = select.select([reader], [], [], seconds)
    assert ready, f"the run said nothing for {seconds:.0f} seconds"
    told = os.read(reader, 1)
    return names[told[0]] if told else None
