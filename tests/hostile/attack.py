"""Read damaged files one after the other, and say what came of each.

Run: python -m hostile.attack READER FIRST COUNT FOLDER attacks in a process of its own, so that a killed one is seen.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Literal

import numpy as np

from hostile.mutations import damaged
from hostile.readers import READERS, Reader
from perceivers.errors import PerceiversError

# What is promised of one file: seconds of the processor (a busy machine makes no reader slow), and memory in MiB beyond what
# the process had.
MOST_SECONDS, MOST_MEMORY = 5.0, 512.0

Outcome = Literal["answered", "refused", "unnamed", "foreign", "slow", "large"]
KEPT: tuple[Outcome, ...] = ("answered", "refused")


@dataclass(frozen=True)
class Attack:
    """What came of one damaged file.

    Args:
        reader: key of READERS.
        seed: the file is made anew by it.
        outcome: "answered"; "refused", by one of our errors that names the file; or the promise that was broken.
        seconds: of the processor.
        memory: MiB by which the process's largest size grew.
        said: the error.
    """

    reader: str
    seed: int
    outcome: Outcome
    seconds: float
    memory: float
    said: str


class TooSlow(BaseException):
    """The time is over. No `except Exception` of a reader holds it back."""


class Attacker:
    """Damaged files of one reader, in a folder.

    Args:
        name: key of READERS.
        folder: where files are written; empty.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.folder = name, folder
        self.reader: Reader = READERS[name]
        (folder / "good").mkdir(parents=True)
        (folder / "hostile").mkdir()
        self.good = {
            ending: contents for ending, contents in self.reader.good(folder / "good").items() if contents
        }
        self.reader.beside(folder / "hostile")
        # What is imported with the first file is not the fault of a damaged one.
        for ending, contents in self.good.items():
            path = self._place(ending)
            path.write_bytes(contents[0])
            self.reader.read(path)

    def _place(self, ending: str) -> Path:
        return self.folder / "hostile" / (self.reader.called or f"hostile{ending}")

    def file(self, seed: int) -> Path:
        """Write the damaged file of a seed; a file that another one must stand beside is replaced."""
        generator = np.random.default_rng(seed)
        endings = sorted(self.good)
        ending = endings[int(generator.integers(len(endings)))]
        path = self._place(ending)
        path.write_bytes(damaged(self.good[ending], generator))
        return path

    def attack(self, seed: int) -> Attack:
        """Have one damaged file read."""
        path, before, begin = self.file(seed), _largest(), time.process_time()
        outcome, said = _outcome(self.reader, path)
        seconds, memory = time.process_time() - begin, _largest() - before
        if outcome in KEPT and memory > MOST_MEMORY:
            outcome = "large"
        if self.reader.called is None:
            path.unlink()
        return Attack(self.name, seed, outcome, round(seconds, 4), round(memory, 1), said)


def _outcome(reader: Reader, path: Path) -> tuple[Outcome, str]:
    try:
        with _within(MOST_SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader.read(path)
    except PerceiversError as error:
        said = str(error)
        return ("refused" if path.name in said or path.parent.name in said else "unnamed"), said[:300]
    except TooSlow:
        return "slow", ""
    except (Exception, SystemExit) as error:
        return "foreign", f"{type(error).__module__}.{type(error).__name__}: {error}"[:300]
    return "answered", ""


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    def over(_number: int, _frame: FrameType | None) -> None:
        raise TooSlow

    previous = signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, previous)


def _largest() -> float:
    """The process's largest size so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(name: str, first: int, count: int, folder: Path) -> None:
    """Attack with the seeds from `first`; one line of JSON each, the first line when all is ready."""
    attacker = Attacker(name, folder)
    print(json.dumps({"ready": True}), flush=True)  # noqa: T201
    for seed in range(first, first + count):
        print(json.dumps(asdict(attacker.attack(seed))), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
