"""The page's templates, filled in: everything that a client sends is escaped, only what the kinds draw is markup."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from perceivers.app.questions import FROM_EXAMPLE
from perceivers.app.served import ServedRun
from perceivers.kinds.asked import Field, Sent
from perceivers.tasks.asking.base import Own

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
# Of more names than this, a list that is typed into is quicker than one that is scrolled.
MOST_OPTIONS = 40


class Pages:
    """What people see of a run.

    Args:
        served: the run.
    """

    def __init__(self, served: ServedRun) -> None:
        self._served = served
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            served=served, from_example=FROM_EXAMPLE, most_options=MOST_OPTIONS, limits=served.limits
        )
        self._templates.filters["figure"] = figure

    def part(self, template: str, **values: Any) -> str:
        """A part of the page: one of the templates."""
        return self._templates.get_template(f"{template}.html").render(values)

    def page(self, **values: Any) -> str:
        """The whole page, its parts empty where they are not given: see `empty_question`."""
        return self.part("page", **{**self.empty_question(), "answer": None, "refusal": None, **values})

    def empty_question(self) -> dict[str, Any]:
        """What the form is filled with before anything is asked."""
        return {"cells": {}, "example": None, "index": None}


def typed(cell: Any, field: Field) -> str:
    """What a field of the form has in it where a cell was given; nothing where that was a file."""
    if cell is None or isinstance(cell, Sent | Own):
        return ""
    if isinstance(cell, datetime):
        has_time = (cell.hour, cell.minute, cell.second) != (0, 0, 0)
        return cell.strftime("%Y-%m-%d %H:%M" if has_time else "%Y-%m-%d")
    return str(cell)


def typed_cells(cells: Mapping[str, Any], served: ServedRun) -> dict[str, str]:
    """The fields of the form by column, see `typed`."""
    return {each.column: typed(cells.get(each.column), each) for each in served.fields}


def figure(value: float | int | None) -> str:
    """A number for people: 0.981, 12,345, 3.2e-05."""
    if value is None:
        return ""
    if isinstance(value, int) or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.3f}" if 0.001 <= abs(value) < 1e4 else f"{value:.3g}"
