"""Columns of a Parquet file that can be read, and those of types that nothing here takes, which are left out by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from perceivers.data.words import listed
from perceivers.errors import DataError


def readable_columns(path: Path) -> tuple[dict[str, Any], list[str]]:
    """What `datasets.load_dataset` must be told of a Parquet file, and notes for the user; nothing of most files.

    Args:
        path: the file.

    Raises:
        DataError: no column can be read; the message names them with their types.
    """
    import datasets
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pq.read_schema(path)
    fields = {field: _is_readable(field) for field in schema}
    odd = [f"{field.name!r} ({field.type})" for field, is_readable in fields.items() if not is_readable]
    if not odd:
        return {}, []
    kept = [field for field, is_readable in fields.items() if is_readable]
    cure = "write such columns as numbers, texts or lists"
    if not kept:
        raise DataError(f"`{path}` has no column of a type that can be read, received {listed(odd)}: {cure}")
    features = datasets.Features.from_arrow_schema(pa.schema(kept))
    note = f"`{path}`: left out, since their types cannot be read: {listed(odd)}; {cure}"
    return {"columns": [field.name for field in kept], "features": features}, [note]


def _is_readable(field: Any) -> bool:
    import datasets
    import pyarrow as pa

    try:
        datasets.Features.from_arrow_schema(pa.schema([field]))
    except (ValueError, TypeError, NotImplementedError):
        return False
    return True
