"""Damaged files of every kind: an answer, or one of our errors that names the file, in time and in bounded memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import perceivers
from hostile.attack import KEPT, MOST_SECONDS, Attacker
from hostile.readers import READERS

# A few of each in every run of the tests; `make hostile` reads all.
FEW, ALL = 13, 100_000
# Seconds without a sign of life after which a process hangs, whatever else the machine does.
ASLEEP = 900.0
# Readers whose good files take a training run.
TRAINED = ("arguments of runs", "columns of runs")


@pytest.mark.parametrize("name", [name for name in READERS if name not in TRAINED])
def test_a_few_damaged_files_are_answered_or_refused_by_name(name: str, tmp_path: Path) -> None:
    attacker = Attacker(name, tmp_path / "files")
    broken = [each for seed in range(FEW) if (each := attacker.attack(seed)).outcome not in KEPT]
    assert not broken, "\n".join(map(str, broken))


@pytest.mark.hostile
@pytest.mark.parametrize("name", READERS)
def test_all_damaged_files_are_answered_or_refused_by_name(name: str, tmp_path: Path) -> None:
    found = attack_apart(name, -(-ALL // len(READERS)), tmp_path)
    counts = Counter(each["outcome"] for each in found)
    slowest, largest = (max(each[what] for each in found) for what in ("seconds", "memory"))
    print(f"\n{name}: {dict(counts)}, slowest {slowest:.2f} s, largest {largest:.0f} MiB")  # noqa: T201
    broken = [each for each in found if each["outcome"] not in KEPT]
    assert not broken, "\n".join(map(str, broken[:20]))


def attack_apart(name: str, count: int, folder: Path) -> list[dict[str, Any]]:
    """Attack in processes of their own: one that is killed, or hangs, counts against its file, and the next goes on."""
    found: list[dict[str, Any]] = []
    while len(found) < count:
        found += _one_process(name, len(found), count - len(found), folder / str(len(found)))
    return found


def _one_process(name: str, first: int, count: int, folder: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "hostile.attack", name, str(first), str(count), str(folder)]
    # Elsewhere, a path like `src` would be another, or none, and another copy of the library be read.
    paths = [str(Path(__file__).parents[1]), str(Path(perceivers.__file__).parents[1])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "COLUMNS": "80"}
    folder.parent.mkdir(parents=True, exist_ok=True)
    said = folder.with_suffix(".jsonl")
    with (
        said.open("w") as file,
        subprocess.Popen(
            command, stdout=file, stderr=subprocess.DEVNULL, env=environment, cwd=folder.parent
        ) as process,
    ):
        _wait(process, said)
    entries = [json.loads(line) for line in said.read_text().splitlines() if line.endswith("}")]
    found = [entry for entry in entries if "outcome" in entry]
    if len(found) < count:
        # The file that it was at killed it, or held it longer than its own clock allows.
        found.append(
            {"reader": name, "seed": first + len(found), "outcome": "killed", "seconds": MOST_SECONDS, "memory": 0.0,
             "said": f"exit code {process.returncode}"}
        )  # fmt: skip
    return found


def _wait(process: subprocess.Popen[bytes], said: Path) -> None:
    """Wait for a process; kill it where it has worked for long without a line (at first, it makes its good files)."""
    size, worked, since = 0, 0.0, time.monotonic()
    while process.poll() is None:
        time.sleep(0.2)
        if (now := said.stat().st_size) > size:
            size, worked, since = now, _seconds_of(process), time.monotonic()
        # One that sleeps, or waits for something, hangs as well: a busy machine is given time for it.
        if (
            _seconds_of(process) - worked > (6 * MOST_SECONDS if size else 180.0)
            or time.monotonic() - since > ASLEEP
        ):
            process.kill()


def _seconds_of(process: subprocess.Popen[bytes]) -> float:
    """Of the processor, as far as the system tells."""
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
