"""Parts of a data set that the user gives by themselves, `validation_data` and `test_data`, in the place of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from perceivers.arguments.data import DataArguments
from perceivers.data.tables import StreamTable, Table
from perceivers.errors import DataError

AnyTable = TypeVar("AnyTable", bound=Table | StreamTable)


def with_given_parts(
    tables: dict[str, AnyTable], arguments: DataArguments, open_other: Callable[[str], dict[str, AnyTable]]
) -> dict[str, AnyTable]:
    """The parts of a data set with those that the user has given by themselves in the place of its own.

    Args:
        tables: of `data`, by part; a part that is not used is noted at `train`.
        arguments: `validation_data` and `test_data`.
        open_other: gives the tables of such data, by part: the part itself, or the first one, is taken.

    Raises:
        DataError: there is no part `train`.
    """
    if "train" not in tables:
        raise DataError(
            f"`data` {arguments.data!r} must have a part `train`, received only {', '.join(sorted(tables))}"
        )
    for part, other in (("validation", arguments.validation_data), ("test", arguments.test_data)):
        if other is not None:
            try:
                opened = open_other(other)
            except DataError as error:
                # Whoever opens data calls it `data`.
                error.args = (str(error).replace("`data`", f"`{part}_data`", 1), *error.args[1:])
                raise
            if part in tables:
                tables["train"].notes.append(
                    f"`{tables[part].source}` is not used: `{part}_data` is given in its place"
                )
            tables[part] = opened.get(part) or next(iter(opened.values()))
            if part not in opened and _is_same(tables[part].source, tables["train"].source):
                tables["train"].notes.append(
                    f"`{tables[part].source}` is the training part and the {part} part: measures will be too good; give "
                    f"other rows as `{part}_data`, or leave it out, so that a share is held out"
                )
    return tables


def _is_same(one: str, other: str) -> bool:
    """Whether two sources are one file or one folder."""
    return one == other or Path(one).resolve() == Path(other).resolve()
