"""The same question from elsewhere: as a curl line, and as three lines of Python."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from perceivers.kinds.asked import Field, Sent
from perceivers.tasks.asking.base import Asking, Own

# Endings of files whose names nobody knows.
ENDINGS = {"picture": ".png", "sound": ".wav", "film": ".mp4"}


def as_curl(address: str, cells: Mapping[str, Any], fields: Sequence[Field]) -> str:
    """A line for a shell: JSON where words and numbers are enough, else a form.

    Args:
        address: of the page.
        cells: by column.
        fields: the columns.
    """
    asked = _asked(cells, fields)
    url = f"{address.rstrip('/')}/api/predict"
    if all(each.form != "file" for each, _ in asked):
        body = json.dumps(
            {"inputs": {each.column: _plain(cell, each) for each, cell in asked}}, ensure_ascii=False
        )
        return f"curl {url} -H 'Content-Type: application/json' -d {shlex.quote(body)}"
    parts = []
    for each, cell in asked:
        if each.form == "file":
            parts.append(f"-F {shlex.quote(f'{each.column}=@{file_name(cell, each)}')}")
        else:
            parts.append(f"--form-string {shlex.quote(f'{each.column}={cell}')}")
    return f"curl {url} {' '.join(parts)}"


def as_python(run: str, cells: Mapping[str, Any], asking: Asking) -> str:
    """Three lines of Python.

    Args:
        run: its folder.
        cells: by column.
        asking: the run.
    """
    named = {
        each.column: file_name(cell, each) if each.form == "file" else _plain(cell, each)
        for each, cell in _asked(cells, asking.fields)
    }
    return (
        f"import perceivers\npredictor = perceivers.load({run!r})\nprint(predictor({asking.python(named)}))"
    )


def file_name(cell: Any, field: Field) -> str:
    """What a file is called by whoever has it."""
    if isinstance(cell, Sent) and cell.name:
        return PurePath(cell.name.replace("\\", "/")).name or field.column
    if isinstance(cell, Own) and isinstance(cell.value, str):
        return PurePath(cell.value).name
    return field.column + (ENDINGS.get(field.player) or next(iter(field.accepts), ""))


def _asked(cells: Mapping[str, Any], fields: Sequence[Field]) -> list[tuple[Field, Any]]:
    return [
        (each, cells[each.column]) for each in fields if each.column in cells and cells[each.column] != ""
    ]


def _plain(cell: Any, field: Field) -> Any:
    """A number as a number; everything else as the words that were given."""
    if field.form != "number" or not isinstance(cell, str):
        return cell if isinstance(cell, str | int | float | list) else str(cell)
    try:
        number = float(cell)
    except ValueError:
        return cell
    return int(number) if number.is_integer() and abs(number) < 1e15 else number
