"""From requests to questions: JSON or a form in, cells by column out; files by their content alone."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from perceivers.app.limits import Limits
from perceivers.app.refusals import RefusedError
from perceivers.kinds.asked import Field, Sent

JSON, FORMS = "application/json", ("multipart/form-data", "application/x-www-form-urlencoded")
INPUTS = "inputs"
# Beginning of the name of a field of the page's form: its column's cell is that of the example with this number.
FROM_EXAMPLE = "example-of "


@dataclass(frozen=True)
class Question:
    """What a request asks.

    Args:
        rows: cells by column.
        is_single: whether one row was given by itself, not in a list.
    """

    rows: list[dict[str, Any]]
    is_single: bool


async def read_question(request: Request, fields: Sequence[Field], limits: Limits) -> Question:
    """Read the question of a request, in whichever of the forms it comes.

    Raises:
        RefusedError: it comes in none of them (415), is malformed (400), or not what is expected (422).
    """
    sent_as = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent_as == JSON:
        return question_of_json(await request.body(), fields, limits)
    if sent_as in FORMS:
        return Question([await read_form(request, limits)], is_single=True)
    raise RefusedError(
        415,
        f"Questions are {JSON} or {FORMS[0]}, and this one is {sent_as or 'of no type'}. "
        "Set the header Content-Type.",
    )


def question_of_json(body: bytes, fields: Sequence[Field], limits: Limits) -> Question:
    """The question of a JSON body: `{"inputs": {column: cell}}`, or a list of such rows."""
    try:
        given = json.loads(body, parse_constant=_NoJson, parse_float=_finite, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise RefusedError(400, f"The body is no JSON: {error or 'it is nested too deeply'}.") from error
    if not isinstance(given, Mapping) or set(given) != {INPUTS}:
        raise RefusedError(422, f'The body must be {{"{INPUTS}": ...}}, with one row or a list of rows.')
    rows = given[INPUTS]
    is_single = isinstance(rows, Mapping)
    listed = [rows] if is_single else rows
    if not isinstance(listed, list) or not listed or not all(isinstance(row, Mapping) for row in listed):
        raise RefusedError(
            422, f"`{INPUTS}` must be a row, column to cell, or a list of such rows, at least one."
        )
    if len(listed) > limits.rows:
        raise RefusedError(
            413, f"A request may ask for at most {limits.rows} rows, and this one has {len(listed)}."
        )
    files = {each.column for each in fields if each.form == "file"}
    return Question(
        [{name: _cell(name, cell, is_file=name in files) for name, cell in row.items()} for row in listed],
        is_single,
    )


async def read_form(request: Request, limits: Limits) -> dict[str, Any]:
    """The fields of a form as cells; a file that was not chosen is absent."""
    try:
        async with request.form(max_fields=10_000, max_files=1_000, max_part_size=limits.body) as form:
            cells: dict[str, Any] = {}
            for name, value in form.multi_items():
                cell = await _form_cell(value)
                if cell is None:
                    continue
                if name in cells:
                    raise RefusedError(422, f"The form has the field {name!r:.80} twice.")
                cells[name] = cell
            return cells
    except HTTPException as error:
        raise RefusedError(400, f"The form cannot be read: {error.detail}.") from error


def require_small(column: str, extent: Any, limits: Limits) -> None:
    """Raise RefusedError for a file that is too large once it is decoded.

    Args:
        column: that it was given for.
        extent: see `perceivers.kinds.asked.Extent`.
        limits: what it may be.
    """
    if extent.pixels is not None and extent.pixels > limits.pixels:
        raise RefusedError(
            413,
            f"The picture for {column!r:.80} has {extent.pixels:,} pixels, and at most {limits.pixels:,} are taken. "
            "Make it smaller.",
        )
    if extent.seconds is not None and extent.seconds > limits.seconds:
        raise RefusedError(
            413, f"What was given for {column!r:.80} lasts longer than {limits.seconds:g} seconds. Cut it."
        )


async def _form_cell(value: UploadFile | str) -> Any:
    if isinstance(value, str):
        # Forms write the ends of lines as Windows does.
        return value.replace("\r\n", "\n") or None
    content = await value.read()
    return Sent(value.filename or "", content) if content or value.filename else None


@dataclass(frozen=True)
class _NoJson:
    """What some programs write for a number that JSON does not have, or that is larger than all that are.

    Args:
        written: how it stands in the body.
    """

    written: str


def _finite(written: str) -> float | _NoJson:
    number = float(written)
    return number if math.isfinite(number) else _NoJson(written)


def _whole(written: str) -> int | _NoJson:
    """A whole number, if it is none that no float comes near to."""
    return int(written) if math.isfinite(float(written)) else _NoJson(written)


def _require_json(column: str, cell: Any) -> None:
    """Raise RefusedError for a value that is, or holds, a number that JSON does not have."""
    waiting = [cell]
    while waiting:
        each = waiting.pop()
        if isinstance(each, _NoJson):
            cure = (
                "write null for what is missing"
                if each.written == "NaN"
                else "write the largest number that is meant"
            )
            raise RefusedError(
                422, f"In the value for {column!r:.80}, {each.written:.40} is no number of JSON: {cure}."
            )
        if isinstance(each, Mapping | list):
            waiting.extend(each.values() if isinstance(each, Mapping) else each)


def _cell(column: str, cell: Any, *, is_file: bool) -> Any:
    """A cell of JSON; files are a `data:` URL, or `{"base64": ..., "name": ...}`."""
    _require_json(column, cell)
    if isinstance(cell, Mapping) and set(cell) in ({"base64"}, {"base64", "name"}):
        return Sent(str(cell.get("name", "")), _decoded(column, cell["base64"]))
    if isinstance(cell, Mapping):
        raise RefusedError(
            422,
            f'The value for {column!r:.80} must be plain, or a file as {{"base64": ..., "name": ...}}; it is an object with '
            f"{', '.join(map(repr, cell)) or 'nothing'}."[:500],
        )
    if is_file and isinstance(cell, str) and cell.startswith("data:"):
        head, _, content = cell.partition(",")
        if not head.endswith(";base64"):
            raise RefusedError(422, f"The data URL for {column!r:.80} must be one of base64.")
        return Sent("", _decoded(column, content))
    return cell


def _decoded(column: str, text: Any) -> bytes:
    try:
        if not isinstance(text, str):
            raise TypeError(type(text).__name__)
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise RefusedError(422, f"The content for {column!r:.80} is no base64.") from error
