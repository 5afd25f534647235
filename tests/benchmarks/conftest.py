"""The benchmarks are scripts beside each other: their folder is importable here, as it is where they run."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]

# The root, too: processes of their own import a test's functions as `tests.benchmarks...`, however pytest was started.
for _folder in (_ROOT / "benchmarks", _ROOT):
    if str(_folder) not in sys.path:
        sys.path.append(str(_folder))
