"""How wide rows become, and the padding of encodings that already exist (the job of a collator)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perceivers.errors import ConfigurationError, DataError

LONGEST = "longest"
MAX_LENGTH = "max_length"
DO_NOT_PAD = "do_not_pad"
PADDING_STRATEGIES = (LONGEST, MAX_LENGTH, DO_NOT_PAD)
SIDES = ("right", "left")


def padding_strategy(padding: object) -> str:
    """The strategy's name for what callers write: True, False or a name.

    Raises:
        ConfigurationError: none of those.
    """
    if isinstance(padding, bool):
        return LONGEST if padding else DO_NOT_PAD
    name = getattr(padding, "value", padding)
    if name not in PADDING_STRATEGIES:
        raise ConfigurationError(
            f"`padding` must be True, False or one of {', '.join(PADDING_STRATEGIES)}, received {padding!r}"
        )
    return str(name)


def require_side(argument: str, side: str) -> str:
    """The side itself.

    Raises:
        ConfigurationError: neither "right" nor "left".
    """
    if side not in SIDES:
        raise ConfigurationError(f"`{argument}` must be 'right' or 'left', received {side!r}")
    return side


def rounded_up(width: int, multiple: int | None) -> int:
    """The width, or the next multiple above it.

    Raises:
        ConfigurationError: `pad_to_multiple_of` is below 1.
    """
    if multiple is None:
        return width
    if multiple < 1:
        raise ConfigurationError(f"`pad_to_multiple_of` must be at least 1, received {multiple}")
    return -(-width // multiple) * multiple


def as_columns(encodings: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One list a name, from one encoding (of one text or several) or from several encodings of one text each.

    Raises:
        DataError: there are none, their names differ, or there are no ids.
    """
    if isinstance(encodings, Mapping):
        columns = dict(encodings)
    elif len(encodings) == 0:
        raise DataError("`encoded_inputs` must hold at least one encoding, received an empty list")
    else:
        names = list(encodings[0])
        for row, encoding in enumerate(encodings):
            if set(encoding) != set(names):
                raise DataError(
                    f"`encoded_inputs[{row}]` must have the names {names}, received {list(encoding)}"
                )
        columns = {name: [encoding[name] for encoding in encodings] for name in names}
    if "input_ids" not in columns:
        raise DataError(f"`encoded_inputs` must hold input_ids, received {list(columns)}")
    return columns


def tensor_type_of(values: Any) -> str | None:
    """The tensor type of values, "pt" or "np", by what lists hold first; None for plain numbers."""
    while isinstance(values, list | tuple) and values:
        values = values[0]
    if type(values).__module__.split(".")[0] == "torch":
        return "pt"
    return "np" if hasattr(values, "__array__") else None


def as_lists(values: Any) -> Any:
    """The same values as Python lists of numbers."""
    if hasattr(values, "tolist"):
        return values.tolist()
    if isinstance(values, list | tuple):
        return [
            as_lists(value) if hasattr(value, "tolist") or isinstance(value, tuple) else value
            for value in values
        ]
    return values


def require_rows(columns: Mapping[str, Any]) -> list[list[int]]:
    """The rows of ids.

    Raises:
        DataError: they are no lists of integers, or another result has another number of rows.
    """
    rows = columns["input_ids"]
    for number, row in enumerate(rows):
        if not isinstance(row, list) or not all(isinstance(value, int) for value in row):
            raise DataError(f"`input_ids[{number}]` must be a list of integers, received {row!r}"[:200])
    for name, values in columns.items():
        num_values = len(values) if hasattr(values, "__len__") else 1
        if num_values != len(rows):
            raise DataError(f"`{name}` must have {len(rows)} rows as input_ids has, received {num_values}")
    return list(rows)


def pad_columns(columns: Mapping[str, Any], width: int, pad_id: int, side: str) -> dict[str, Any]:
    """The columns with all that belongs to the ids brought to one width; longer rows stay as they are.

    Args:
        columns: rows by name.
        width: values a row.
        pad_id: what `input_ids` is filled with.
        side: "right" or "left", where the filling is put.
    """
    fills = {"input_ids": pad_id, "attention_mask": 0, "token_type_ids": 0, "special_tokens_mask": 1}
    padded = dict(columns)
    for name in fills.keys() & columns.keys():
        missing = [[fills[name]] * (width - len(row)) for row in columns[name]]
        pairs = zip(columns[name], missing, strict=True)
        padded[name] = [[*row, *filling] if side == "right" else [*filling, *row] for row, filling in pairs]
    return padded
