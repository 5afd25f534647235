"""What every arguments dataclass is checked with, and how one is built from a mapping."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar, get_type_hints

from perceivers.arguments.field_types import fits, said
from perceivers.arguments.open import AUTO, usual_values
from perceivers.errors import EMPTY_PATH, ConfigurationError

Arguments = TypeVar("Arguments")


def require(name: str, value: object, holds: bool, expected: str) -> None:
    """Raise ConfigurationError unless `holds`; `expected` reads as in "must be at least 1"."""
    if not holds:
        raise ConfigurationError(f"`{name}` must be {expected}, received {value}")


def require_at_least(minimum: float, arguments: object, *names: str) -> None:
    """Raise ConfigurationError for the first field of `names` that is below `minimum`; None passes."""
    for name in names:
        value = getattr(arguments, name)
        if value is not None:
            require(name, value, value >= minimum, f"at least {minimum}")


def require_counts(arguments: object, *names: str) -> None:
    """Raise ConfigurationError for the first field of `names` that is not a tuple of numbers of at least 1; None passes."""
    for name in names:
        values = getattr(arguments, name)
        if values is not None and not (values and min(values) >= 1):
            raise ConfigurationError(
                f"`{name}` must be one whole number or more, each at least 1, received {values}"
            )


def require_share(arguments: object, *names: str) -> None:
    """Raise ConfigurationError for the first field of `names` that is outside [0, 1); None passes."""
    for name in names:
        value = getattr(arguments, name)
        if value is not None:
            require(name, value, 0.0 <= value < 1.0, "in [0, 1)")


def require_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise ConfigurationError unless `value` is one of `choices`."""
    if value not in choices:
        raise ConfigurationError(f"`{name}` must be one of {', '.join(choices)}, received {value!r}")


def require_named(arguments: object, *names: str) -> None:
    """Raise ConfigurationError for the first field of `names` that is an empty text in the place of a path; None passes."""
    for name in names:
        if getattr(arguments, name) == "":
            raise ConfigurationError(f"`{name}` must be a name or a path, {EMPTY_PATH}")


def from_mapping(kind: type[Arguments], values: Mapping[str, Any]) -> Arguments:
    """Build an arguments dataclass from a mapping, as a file gives it.

    A list becomes a tuple, which is how these dataclasses hold several values.

    Raises:
        ConfigurationError: a key that it does not have, a value of another type, a field that must be given.
    """
    known = {entry.name for entry in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(str(name) for name in set(values) - known)
    if unknown:
        raise ConfigurationError(
            f"{kind.__name__} has no field {', '.join(unknown)}; it has {', '.join(sorted(known))}"
        )
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    wanted = get_type_hints(kind)
    left_open = usual_values(kind)
    for name, value in given.items():
        # A recipe may write that it leaves an option open.
        is_left_open = name in left_open and value in (None, AUTO)
        if not is_left_open and not fits(value, wanted[name]):
            raise ConfigurationError(f"`{name}` must be {said(wanted[name])}, received {value!r:.200}")
    for entry in dataclasses.fields(kind):  # type: ignore[arg-type]
        needed = entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING
        if needed and entry.name not in given:
            raise ConfigurationError(
                f"`{entry.name}` must be given, received {', '.join(given) or 'nothing'}"
            )
    return kind(**given)
