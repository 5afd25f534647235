"""Dataclasses of arguments as options of a command: in groups, what matters first; set back to their defaults by a word."""

# No `from __future__ import annotations` here, see perceivers/cli/train.py.

import dataclasses
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from cyclopts import Group, Parameter

from perceivers.arguments.open import AUTO, usual_values
from perceivers.cli.whole_numbers import holds_whole_numbers, whole
from perceivers.cli.words import BACK
from perceivers.errors import ConfigurationError


def grouped(kind: type[Any], groups: Mapping[str, Group], rest: Group) -> type[Any]:
    """A dataclass of arguments whose fields stand in groups of the help page.

    Args:
        kind: the dataclass.
        groups: by field.
        rest: where all other fields stand.

    Returns:
        A subclass of `kind`; see `as_given`.
    """
    hints = get_type_hints(kind, include_extras=True)
    fields = {entry.name: entry for entry in dataclasses.fields(kind)}
    annotations = {
        name: Annotated[hints[name], _shown(hints[name], groups.get(name, rest))] for name in fields
    }
    defaults = {
        name: entry.default for name, entry in fields.items() if entry.default is not dataclasses.MISSING
    }
    shown = type(
        kind.__name__,
        (kind,),
        {
            "__doc__": kind.__doc__,
            "__module__": kind.__module__,
            "__qualname__": kind.__qualname__,
            "__annotations__": annotations,
            **defaults,
        },
    )
    return dataclasses.dataclass(frozen=True, kw_only=True)(shown)


def _shown(hint: Any, group: Group) -> Parameter:
    return Parameter(group=group, converter=whole if holds_whole_numbers(hint) else None)


def as_given(kind: type[Any], values: Any) -> Any:
    """An instance of `kind` out of one of what `grouped` made of it."""
    return kind(**{entry.name: getattr(values, entry.name) for entry in dataclasses.fields(kind)})


def set_back(tokens: Sequence[str], kinds: Sequence[type[Any]]) -> tuple[list[str], dict[str, Any]]:
    """Take options that are set back to their defaults out of a command line.

    `--group-column none` is no column, as if the recipe had none; `--epochs null` leaves the choice to the data, as does
    `--image-height auto`. An option that can be None is None then, one that
    may have no value at all has none (`--by-value none`), any other has its default. A word that an option has as
    one of its own choices, such as `--normalization none`, stays that choice.

    Args:
        tokens: of the command line.
        kinds: dataclasses that have the options.

    Returns:
        The other tokens, and the value of each field that was set back.
    """
    fields = {
        f"--{entry.name.replace('_', '-')}": (kind, entry)
        for kind in kinds
        for entry in dataclasses.fields(kind)
    }
    kept: list[str] = []
    back: dict[str, Any] = {}
    rest = list(tokens)
    while rest:
        token = rest.pop(0)
        name, equals, value = token.partition("=")
        is_last = not rest or rest[0].startswith("--") or (len(rest) == 1 or rest[1].startswith("--"))
        word = value if equals else rest[0] if rest and is_last else ""
        if name in fields and word.lower() in BACK and _can_go_back(*fields[name], word.lower()):
            kind, entry = fields[name]
            back[entry.name] = _default(kind, entry, word.lower())
            if not equals:
                rest.pop(0)
        else:
            kept.append(token)
    return kept, back


def _can_go_back(kind: type[Any], entry: dataclasses.Field[Any], word: str) -> bool:
    if entry.default is dataclasses.MISSING:
        return False
    hint = get_type_hints(kind)[entry.name]
    parts = [hint, *get_args(hint)]
    choices = [choice for part in parts if get_origin(part) is Literal for choice in get_args(part)]
    if word in choices:
        return False
    # "auto" is for what is chosen from the data.
    return word != AUTO or entry.name in usual_values(kind) or entry.default is None


def _default(kind: type[Any], entry: dataclasses.Field[Any], word: str) -> Any:
    hint = get_type_hints(kind)[entry.name]
    if word == AUTO:
        return entry.default
    if NoneType in get_args(hint):
        return None
    return () if entry.name in usual_values(kind) and _may_be_empty(kind, entry.name, hint) else entry.default


def _may_be_empty(kind: type[Any], name: str, hint: Any) -> bool:
    """Whether an option takes any number of values, and none as well."""
    if get_origin(hint) is not tuple or get_args(hint)[-1] is not ...:
        return False
    try:
        kind(**{name: ()})
    except ConfigurationError:
        return False
    return True
