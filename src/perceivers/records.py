"""Files that are written whole or not at all, and what is said where they cannot be."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perceivers.errors import DataError, PerceiversError
from perceivers.text_files import NO_LETTERS

# What a run measured, in its folder.
RESULTS_FILE = "results.json"


def write_json(path: Path, record: Any) -> None:
    """Write a JSON file whole or not at all.

    Names of files need not be UTF-8: what of them is none is written as JSON's own escapes, which are read back alike.
    """
    with whole_file(path) as partial:
        text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
        partial.write_text(NO_LETTERS.sub(_escaped, text), encoding="utf-8")


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote.

    Raises:
        DataError: the file is absent or no JSON; the message names it.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"`{path}` cannot be read as JSON: {error}") from error


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to, which takes its place when all is written, and is gone where it is not."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


@contextmanager
def writing(target: Path, cure: str) -> Iterator[None]:
    """Say where and why something could not be written: a full disk, a folder that is read-only.

    Args:
        target: file or folder that is written.
        cure: what the user can do, for the message.

    Raises:
        PerceiversError: instead of what the system, torch or safetensors say.
    """
    try:
        yield
    except PerceiversError:
        raise
    except Exception as error:
        # safetensors has errors of its own kind, torch says RuntimeError: both for a full disk.
        if not isinstance(error, OSError | RuntimeError) and type(error).__name__ != "SafetensorError":
            raise
        raise PerceiversError(f"{str(target)!r} could not be written: {error}; {cure}") from error
