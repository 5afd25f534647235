"""The benchmarks are scripts beside each other: their folder is importable here, as it is where they run."""

from __future__ import annotations

import sys
from pathlib import Path

_BENCHMARKS = str(Path(__file__).parents[2] / "benchmarks")

if _BENCHMARKS not in sys.path:
    sys.path.append(_BENCHMARKS)
