"""The benchmarks, and what runs the recipes, are scripts beside each other: importable here, as where they run."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]

# The root, too: processes of their own import a test's functions as `tests.benchmarks...`, however pytest was started.
for _folder in (_ROOT / "benchmarks", _ROOT / "recipes", _ROOT):
    if str(_folder) not in sys.path:
        sys.path.append(str(_folder))
