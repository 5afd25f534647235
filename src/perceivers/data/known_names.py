"""Names that a model knows, found in whatever form another file or program gives them."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from numbers import Real
from typing import Any

TRUTHS = ("true", "false")


class KnownNames:
    """Names with their ids.

    A cell is found by its text. What the same value is called elsewhere is found where only one name can be meant: TRUE,
    true and a truth value; of names that are all whole numbers 1.0 and 1, since a gap makes many programs write all numbers
    of a column so; and by a number the name that stands for it, such as 02134 by 2134.

    Args:
        names: of the ids 0, 1, ...
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._ids = {name: index for index, name in enumerate(names)}
        self._truths = _of_one_name((name.lower(), name) for name in names if name.lower() in TRUTHS)
        wholes = {name: name.removesuffix(".0") for name in names}
        are_whole = all(map(is_whole, wholes.values()))
        self._wholes = _of_one_name((whole, name) for name, whole in wholes.items()) if are_whole else {}
        numbers = ((_number(name), name) for name in names)
        self._numbers = _of_one_name((number, name) for number, name in numbers if number is not None)

    def find(self, cell: Any) -> int | None:
        """The id of what a cell names; None where it is none of the names."""
        name = self.name_of(cell)
        return None if name is None else self._ids[name]

    def name_of(self, cell: Any) -> str | None:
        """The name itself."""
        text = str(cell).strip()
        if text in self._ids:
            return text
        name = self._truths.get(text.lower()) or self._wholes.get(text.removesuffix(".0"))
        if name is None and isinstance(cell, Real) and not isinstance(cell, bool) and math.isfinite(cell):
            name = self._numbers.get(Decimal(str(cell)))
        return name


@lru_cache(maxsize=256)
def known_names(names: tuple[str, ...]) -> KnownNames:
    """The same for names that are asked about often."""
    return KnownNames(names)


def is_whole(name: str) -> bool:
    """Whether a name is a whole number in digits."""
    return name.removeprefix("-").isdecimal()


def _of_one_name(forms: Iterable[tuple[Hashable, str]]) -> Mapping[Hashable, str]:
    """Name by form, of the forms that one name has."""
    found: dict[Hashable, str | None] = {}
    for form, name in forms:
        found[form] = None if form in found else name
    return {form: name for form, name in found.items() if name is not None}


def _number(name: str) -> Decimal | None:
    # Not what Decimal reads beside digits: nan, 1e5, 1_000.
    if not set(name) <= set("+-.0123456789"):
        return None
    try:
        return Decimal(name)
    except InvalidOperation:
        return None
