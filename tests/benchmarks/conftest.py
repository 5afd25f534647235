"""The benchmarks are scripts beside each other: their folder is importable here, as it is where they run."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]

# The root, too: processes of their own import a test's functions as `tests.benchmarks...`, however pytest was started.
for _folder in (_ROOT / "benchmarks", _ROOT):
    if str(_folder) not in sys.path:
        sys.path.append(str(_folder))


@pytest.fixture(autouse=True, scope="module")
def objects_of_other_tests_are_set_aside() -> Iterator[None]:
    """The benchmarks collect garbage before each run, which takes a third of a second with all that tests have imported."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
