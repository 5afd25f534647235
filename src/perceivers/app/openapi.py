"""The description of a run's JSON address by the OpenAPI standard 3.1."""

from __future__ import annotations

from typing import Any

from perceivers.app.limits import Limits
from perceivers.app.served import ServedRun
from perceivers.kinds.asked import Field

FILE = {
    "oneOf": [
        {"type": "string", "pattern": "^data:.*;base64,", "description": "a data URL"},
        {
            "type": "object",
            "properties": {
                "base64": {"type": "string", "contentEncoding": "base64"},
                "name": {"type": "string", "description": "its ending says the format"},
            },
            "required": ["base64"],
            "additionalProperties": False,
        },
        {"type": "array", "description": "numbers, of series and points"},
    ]
}


def openapi_of(served: ServedRun, version: str) -> dict[str, Any]:
    """The document.

    Args:
        served: the run.
        version: of this library.
    """
    row = {
        "type": "object",
        "properties": {each.column: _schema(each) for each in served.fields},
        "required": [each.column for each in served.fields if each.needed],
        "additionalProperties": False,
    }
    form = {
        "type": "object",
        "properties": {
            each.column: {"type": "string", "format": "binary"}
            if each.form == "file"
            else _described({"type": "string"}, each)
            for each in served.fields
        },
        "required": row["required"],
    }
    refused = {
        str(status): {"description": why, "content": _json({"$ref": "#/components/schemas/Refusal"})}
        for status, why in _refusals(served.limits).items()
    }
    pieces = {
        "/api/pieces": {
            "post": {
                "summary": "Answer for one row piece by piece, while it is written",
                "operationId": "pieces",
                "requestBody": {
                    "required": True,
                    "content": _json({"$ref": "#/components/schemas/Question"}),
                },
                "responses": {
                    "200": {
                        "description": "server-sent events: `piece`, a text as JSON; at last `end`, the answer; or `error`",
                        "content": {"text/event-stream": {"schema": {"type": "string"}}},
                    },
                    **refused,
                },
            }
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{served.name} ({served.predictor.task.name})",
            "version": version,
            "description": "A trained Perceiver IO model. Files are their content; no text is opened as a path.",
        },
        "paths": {
            "/api/predict": {
                "post": {
                    "summary": "Answer for one row or several",
                    "operationId": "predict",
                    "requestBody": {
                        "required": True,
                        "content": {
                            **_json({"$ref": "#/components/schemas/Question"}),
                            "multipart/form-data": {"schema": form},
                        },
                    },
                    "responses": {
                        "200": {
                            "description": "an answer a row, in order; what `perceivers predict` writes of it",
                            "content": _json({"$ref": "#/components/schemas/Answers"}),
                        },
                        **refused,
                    },
                }
            },
            **(pieces if served.asking.writes else {}),
            "/api/run": {
                "get": {
                    "summary": "What the run is, takes and answers",
                    "operationId": "run",
                    "responses": {"200": {"description": "the run", "content": _json({"type": "object"})}},
                }
            },
            "/health": {
                "get": {
                    "summary": "Whether the server works, and how many wait",
                    "operationId": "health",
                    "responses": {"200": {"description": "it works", "content": _json({"type": "object"})}},
                }
            },
        },
        "components": {
            "schemas": {
                "Row": row,
                "Question": {
                    "type": "object",
                    "properties": {
                        "inputs": {
                            "oneOf": [
                                {"$ref": "#/components/schemas/Row"},
                                {
                                    "type": "array",
                                    "items": {"$ref": "#/components/schemas/Row"},
                                    "minItems": 1,
                                    "maxItems": served.limits.rows,
                                },
                            ]
                        }
                    },
                    "required": ["inputs"],
                    "additionalProperties": False,
                },
                "Answers": {
                    "type": "object",
                    "properties": {
                        "answers": {
                            "type": "array",
                            "items": {
                                "type": "object",
                                "description": "the answer, or `error` where a row of several has none",
                            },
                        },
                        "seconds": {"type": "number"},
                        "device": {"type": "string"},
                    },
                    "required": ["answers", "seconds", "device"],
                },
                "Refusal": {
                    "type": "object",
                    "properties": {"error": {"type": "string", "description": "a sentence"}},
                    "required": ["error"],
                },
            }
        },
    }


def _refusals(limits: Limits) -> dict[int, str]:
    return {
        400: "the body is malformed",
        413: f"more than {limits.megabytes} MiB, {limits.pixels:,} pixels, {limits.seconds:g} seconds or "
        f"{limits.rows} rows",
        415: "neither JSON nor a form",
        422: "it cannot be answered, and `error` says why",
        500: "the model has failed; the server's log says where",
        503: f"{limits.waiting} requests wait already, or the wait was too long",
    }


def _schema(field: Field) -> dict[str, Any]:
    if field.form == "file":
        return {**FILE, "description": field.hint}
    if field.form == "number":
        return _described({"type": ["number", "string", "null"]}, field)
    return _described({"type": ["string", "number", "boolean", "null"]}, field)


def _described(schema: dict[str, Any], field: Field) -> dict[str, Any]:
    words = [field.hint]
    if field.choices:
        words.append(f"known: {', '.join(field.choices[:20])}")
    if field.low is not None and field.high is not None:
        words.append(f"training numbers: {field.low:g} to {field.high:g}")
    said = "; ".join(filter(None, words))
    return {**schema, **({"description": said} if said else {})}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
