"""Errors in the words of whoever hears them: without advice that names options which nobody can give there."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from perceivers.errors import DataError

# What was received, and names: whatever stands in them is nobody's option.
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")
_PLACE = re.compile("\0(\\d+)\0")
# Options that a trained run is asked with.
OF_ASKING = ("decimal", "unreadable")


def without_options(
    text: str, but: Collection[str] = (), reworded: Mapping[str, str] = MappingProxyType({})
) -> str:
    """An error without the advice that names options: "expected a number, received 'heavy'; empty the cell".

    Advice stands behind a semicolon or a colon, alternatives are divided by ", or".

    Args:
        text: as `perceivers train` says it.
        but: options, without their dashes, that can be given where it is heard.
        reworded: words of tables -> those of whoever hears it; what was received stays as it is.
    """
    quoted: list[str] = []

    def put_away(found: re.Match[str]) -> str:
        quoted.append(found[0])
        return f"\0{len(quoted) - 1}\0"

    bare = _QUOTED.sub(put_away, text.replace("\0", ""))
    clauses = [kept for clause in bare.split("; ") if (kept := _clause_without(clause, but))]
    said = "; ".join(clauses)
    for word, other in reworded.items():
        said = said.replace(word, other)
    return _PLACE.sub(lambda found: quoted[int(found[1])], said)


@contextmanager
def advising(*options: str) -> Iterator[None]:
    """A DataError is raised with no other options in it than these."""
    try:
        yield
    except DataError as error:
        error.args = (without_options(str(error), options), *error.args[1:])
        raise


def _clause_without(clause: str, but: Collection[str]) -> str:
    first, *others = clause.split(", or ")
    kept = [each for each in others if _unknown(each, but) is None]
    found = _unknown(first, but)
    if found is None:
        return ", or ".join([first, *kept])
    head, colon, _ = first[: found.start()].rpartition(": ")
    advice = ", or ".join(kept)
    return f"{head}: {advice}" if colon and advice else head if colon else advice


def _unknown(text: str, but: Collection[str]) -> re.Match[str] | None:
    """The first option that is not among some."""
    return next((found for found in _OPTION.finditer(text) if found[1] not in but), None)
