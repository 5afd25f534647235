"""Options of single columns of a table, NAME:OPTION=VALUE: those that the command of the column's kind has."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_type_hints

from perceivers.arguments.field_types import fits, said
from perceivers.errors import ConfigurationError, DataError
from perceivers.kinds.base import Kind
from perceivers.kinds.forms import require_effect
from perceivers.tasks.inputs import as_column_options


def options_by_column(
    given: Sequence[str], kinds: Mapping[str, type[Kind]], source: str
) -> dict[str, dict[str, Any]]:
    """What the user chose for each column that is read, by the options' names.

    Args:
        given: NAME:OPTION=VALUE each; several values of an option are divided by commas.
        kinds: of the columns that are read.
        source: what errors call the table.

    Raises:
        DataError: no such column is read.
        ConfigurationError: its kind has no such option, or an option has no such value.
    """
    found: dict[str, dict[str, Any]] = {}
    for each in given:
        named = [name for name in kinds if each.startswith(f"{name}:")]
        if not named:
            raise DataError(
                f"`column_options` must be NAME:OPTION=VALUE of a column that is read of `{source}`, received {each!r}; "
                f"it has {', '.join(kinds)}"
            )
        column = max(named, key=len)
        option, _, text = each[len(column) + 1 :].partition("=")
        wanted = get_type_hints(kinds[column].options_class)
        name = option.replace("-", "_")
        if name not in wanted:
            raise ConfigurationError(
                f"`column_options` must name an option of {kinds[column].name}, received {each!r}; it has "
                f"{', '.join(own.replace('_', '-') for own in wanted)}"
            )
        found.setdefault(column, {})[name] = _value(text, wanted[name], each)
    return found


def options_of(name: str, given: Sequence[str], kind: type[Kind], table: Any) -> dict[str, Any]:
    """What the user chose for a column, see `options_by_column`; what was chosen for others is passed over.

    Args:
        name: of the column.
        given: NAME:OPTION=VALUE each.
        kind: of the column.
        table: that it is one of.
    """
    # A name may begin as another one does, with a colon in it.
    columns = [[column for column in table.columns if each.startswith(f"{column}:")] for each in given]
    own = [
        each for each, named in zip(given, columns, strict=True) if name == max(named, key=len, default="")
    ]
    return options_by_column(own, {name: kind}, table.source).get(name, {})


def with_chosen(kind: type[Kind], advised: Any, chosen: Mapping[str, Any], columns: Sequence[str]) -> Any:
    """Options of a kind: what was chosen, and what is advised beside it.

    Args:
        kind: of the columns.
        advised: its options as they suit the cells.
        chosen: by name.
        columns: that were named, for errors.

    Raises:
        ConfigurationError: what was chosen is not possible, or would have no effect.
    """
    if not chosen:
        return advised
    names = [entry.name for entry in dataclasses.fields(kind.options_class)]
    suiting = kind.suiting(chosen, {name: getattr(advised, name) for name in names})
    try:
        try:
            options = kind.options_class(**{**suiting, **chosen})
        except ConfigurationError:
            # The advice is for other options than those that were chosen.
            options = kind.options_class(**chosen)
        defaults = {entry.name: entry.default for entry in dataclasses.fields(kind.options_class)}
        require_effect(kind.forms_of_input, options, {**defaults, **suiting})
    except ConfigurationError as error:
        told = as_column_options(str(error), columns[0], kind.options_class)
        raise ConfigurationError(f"`column_options` of {', '.join(columns)}: {told}") from error
    return options


def chosen_together(by_column: Mapping[str, Mapping[str, Any]], columns: Sequence[str]) -> dict[str, Any]:
    """What was chosen for columns that are one input; a ConfigurationError where they differ."""
    found: dict[str, Any] = {}
    for column in columns:
        for name, value in by_column.get(column, {}).items():
            if found.setdefault(name, value) != value:
                raise ConfigurationError(
                    f"`column_options` must be alike for {', '.join(columns)}, which are read together, received "
                    f"{name.replace('_', '-')} {found[name]} and {value}"
                )
    return found


def _value(text: str, wanted: Any, given: str) -> Any:
    """The text as what an option takes."""
    for value in (*_readings(text), tuple(text.split(","))):
        if fits(value, wanted):
            return value
    parts = [list(_readings(part)) for part in text.split(",")]
    for place in range(min(map(len, parts))):
        value = tuple(readings[place] for readings in parts)
        if fits(value, wanted):
            return value
    raise ConfigurationError(f"`column_options` must have {said(wanted)} behind the =, received {given!r}")


def _readings(text: str) -> Iterator[Any]:
    """A text as a number, flag or nothing, where it is one, and as it is."""
    words = {"true": True, "false": False, "none": None, "null": None}
    if text.lower() in words:
        yield words[text.lower()]
    for number in (int, float):
        try:
            yield number(text)
        except ValueError:
            continue
    yield text
