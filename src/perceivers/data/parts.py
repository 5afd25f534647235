"""What the parts of a data set are called: training, validation, test, in any case and by the usual names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from perceivers.errors import DataError

# Lower case; `part_of` looks a name up in any case.
PART_NAMES: Mapping[str, str] = {
    "train": "train",
    "training": "train",
    "trn": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "eval": "validation",
    "test": "test",
    "testing": "test",
    "tst": "test",
}
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def part_of(name: str) -> str | None:
    """The part that a folder, a file without its ending, or a split of a hub is called like; None for other names."""
    return PART_NAMES.get(name.lower())


def named_parts(names: Sequence[str], where: str) -> dict[str, str]:
    """Which of some names are those of parts.

    Args:
        names: of folders, or of files without their endings.
        where: what holds them, for errors.

    Returns:
        Name by part: those that are called as parts are; where there are none, those that begin or end with the name of a
        part beside the same other words, as in X_train and X_test.

    Raises:
        DataError: two names mean one part.
    """
    exact = [(part, name) for name in names if (part := part_of(name)) is not None]
    if exact:
        return _once(exact, where)
    affixed = [(*found, name) for name in names if (found := _affixed(name)) is not None]
    if len({words for _, words, _ in affixed}) > 1:
        listed = ", ".join(name for *_, name in affixed)
        raise DataError(
            f"`{where}` holds parts of several data sets, {listed}: name one as `data`, and its parts as `validation_data` "
            "and `test_data`"
        )
    return _once([(part, name) for part, _, name in affixed], where)


def _affixed(name: str) -> tuple[str, tuple[str, ...]] | None:
    """Part that the first or the last word of a name tells, and its other words; None if neither or both do."""
    words = [word for word in _BETWEEN_WORDS.split(name.lower()) if word]
    if len(words) < 2:
        return None
    first, last = PART_NAMES.get(words[0]), PART_NAMES.get(words[-1])
    if (first is None) == (last is None):
        return None
    return (first, tuple(words[1:])) if first is not None else (last or "", tuple(words[:-1]))


def _once(found: Sequence[tuple[str, str]], where: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part, name in found:
        if part in parts:
            raise DataError(
                f"`{where}` holds {parts[part]!r} and {name!r}, which both mean the part {part}: rename one, or name the "
                "parts with `data`, `validation_data` and `test_data`"
            )
        parts[part] = name
    return parts
