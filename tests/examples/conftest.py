"""The files of an example are scripts beside each other: their folder is importable here, as it is where they run."""

from __future__ import annotations

import sys
from pathlib import Path

_FOLDER = Path(__file__).parents[2] / "examples" / "skirmish"

if str(_FOLDER) not in sys.path:
    sys.path.append(str(_FOLDER))
