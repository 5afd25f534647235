"""Whether a value from a file is what a dataclass's field holds: a number, a text, a flag, a choice, several, None."""

from __future__ import annotations

import types
from typing import Any, Literal, Union, get_args, get_origin


def fits(value: Any, wanted: Any) -> bool:
    """Whether `value` is of the type `wanted`: whole numbers count as numbers, flags do not.

    Args:
        value: what a YAML or JSON file gave, its lists as tuples.
        wanted: a field's type: bool, int, float, str, None, Literal, `tuple[T, ...]` or a union of such. Any other takes all.
    """
    origin = get_origin(wanted)
    if origin in (Union, types.UnionType):
        return any(fits(value, each) for each in get_args(wanted))
    if origin is Literal:
        return any(value == each and type(value) is type(each) for each in get_args(wanted))
    if origin is tuple:
        return isinstance(value, tuple) and all(fits(each, get_args(wanted)[0]) for each in value)
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return wanted is Any or not isinstance(wanted, type) or isinstance(value, wanted)


def said(wanted: Any) -> str:
    """A type in words, for a message."""
    origin = get_origin(wanted)
    if origin in (Union, types.UnionType):
        return " or ".join(said(each) for each in get_args(wanted))
    if origin is Literal:
        return "one of " + ", ".join(map(str, get_args(wanted)))
    if origin is tuple:
        return f"a list of which each is {said(get_args(wanted)[0])}"
    words = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a text",
        type(None): "null",
    }
    return words.get(wanted, str(wanted))
