"""JSON files that are written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from perceivers.errors import DataError

# What a run measured, in its folder.
RESULTS_FILE = "results.json"


def write_json(path: Path, record: Any) -> None:
    """Write a JSON file whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, path)


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote.

    Raises:
        DataError: the file is absent or no JSON; the message names it.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"`{path}` cannot be read as JSON: {error}") from error
