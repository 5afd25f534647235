"""Options that are left open: AUTO until something is chosen for the data at hand, then a value like any other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Any, TypeVar, get_args, get_type_hints

AUTO = "auto"
"""Stands in an option that the user left open; recipes and the command line write it so, too."""

USUAL_SIZE = "usual"
"""The `size` with which nothing is left open."""

Arguments = TypeVar("Arguments")


def left_open(
    *what: type[Any] | str, but: Sequence[str] = ()
) -> Callable[[type[Arguments]], type[Arguments]]:
    """Decorate a dataclass so that some of its options are AUTO where they are not given.

    What is given is checked as the dataclass checks it, with its own defaults in the place of what is open. These are also
    the usual values, which `completed` takes where nobody knows better, and which `size="usual"` takes at once. None is AUTO
    where it is no value of an option.

    Args:
        what: dataclasses that it inherits from, for all their fields, and names of single fields.
        but: names of fields that are not opened.
    """

    def decorate(plain: type[Arguments]) -> type[Arguments]:
        usual = {entry.name: entry.default for entry in dataclasses.fields(plain)}  # type: ignore[arg-type]
        named = [
            name
            for each in what
            for name in (
                [each] if isinstance(each, str) else [entry.name for entry in dataclasses.fields(each)]
            )
        ]
        names = [name for name in dict.fromkeys(named) if name not in but and usual[name] != AUTO]
        hints = get_type_hints(plain)
        may_be_none = {name for name in names if NoneType in get_args(hints[name])}

        def check(self: Any) -> None:
            for name in names:
                if getattr(self, name) is None and name not in may_be_none:
                    object.__setattr__(self, name, AUTO)
                if is_open(self, name) and getattr(self, "size", AUTO) == USUAL_SIZE:
                    object.__setattr__(self, name, usual[name])
            plain(**given(self))

        kind = type(
            plain.__name__,
            (plain,),
            {
                "__doc__": plain.__doc__,
                "__module__": plain.__module__,
                "__qualname__": plain.__qualname__,
                "__annotations__": {name: hints[name] for name in names},
                "__post_init__": check,
                "usual_values": {name: usual[name] for name in names},
                **dict.fromkeys(names, AUTO),
            },
        )
        opened: Any = dataclasses.dataclass(frozen=True, kw_only=True)(kind)
        # Whoever looks at it, such as the command line, need not find the names that inherited annotations are written with.
        opened.__init__.__annotations__ |= hints
        found: type[Arguments] = opened
        return found

    return decorate


def usual_values(kind: type[Any]) -> Mapping[str, Any]:
    """What `left_open` opened of a dataclass, with the value that each has where nothing else is chosen."""
    values: Mapping[str, Any] = getattr(kind, "usual_values", {})
    return values


def is_open(arguments: object, name: str) -> bool:
    """Whether an option has no value yet: AUTO of those that were opened, None of all others."""
    value = getattr(arguments, name)
    return (
        isinstance(value, str) and value == AUTO if name in usual_values(type(arguments)) else value is None
    )


def given(arguments: object) -> dict[str, Any]:
    """The values of a dataclass without what is AUTO."""
    opened = usual_values(type(arguments))
    values = {entry.name: getattr(arguments, entry.name) for entry in dataclasses.fields(arguments)}  # type: ignore[arg-type]
    return {
        name: value for name, value in values.items() if name not in opened or not is_open(arguments, name)
    }


def is_complete(arguments: object) -> bool:
    """Whether nothing that `left_open` opened is open any more."""
    return not any(is_open(arguments, name) for name in usual_values(type(arguments)))


def filled(arguments: Arguments, values: Mapping[str, Any]) -> Arguments:
    """A dataclass of arguments with `values` in the place of its options that have none yet.

    Args:
        arguments: an instance.
        values: by name; names that it does not have are passed over.
    """
    names = {entry.name for entry in dataclasses.fields(arguments)}  # type: ignore[arg-type]
    chosen = {name: value for name, value in values.items() if name in names and is_open(arguments, name)}
    return dataclasses.replace(arguments, **chosen)  # type: ignore[type-var]


def completed(arguments: Arguments) -> Arguments:
    """A dataclass of arguments with the usual values in the place of all that is still AUTO."""
    return filled(arguments, usual_values(type(arguments)))
