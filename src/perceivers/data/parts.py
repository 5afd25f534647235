"""What the parts of a data set are called: training, validation, test, in any case and by the usual names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from perceivers.data.evenly import evenly_spread
from perceivers.data.numbers import is_missing
from perceivers.errors import DataError

# Lower case; `part_of` looks a name up in any case.
PART_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("train", "training", "trn", "trainset", "trainingset"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "valset", "validationset"), "validation"),
    **dict.fromkeys(("dev", "devel", "development", "devset", "eval", "evaluation"), "validation"),
    **dict.fromkeys(("test", "testing", "tst", "testset"), "test"),
}
# Words of the names of columns that say which part each row is of; others, such as department, mean other things.
_DIVIDING = frozenset(
    ("split", "splits", "part", "partition", "set", "subset", "dataset", "usage", "phase", "fold")
)
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def part_of(name: str) -> str | None:
    """The part that a folder, a file without its ending, or a split of a hub is called like; None for other names."""
    words = _BETWEEN_WORDS.split(name.lower())
    # "test set" is "testset".
    return PART_NAMES.get("".join(words) if words[-1] == "set" else name.lower())


def may_divide(name: str) -> bool:
    """Whether a column's name admits that it says which part each row is of, whatever its cells are."""
    return not _DIVIDING.isdisjoint(_BETWEEN_WORDS.split(name.lower()))


def parts_told(name: str, cells: Sequence[Any]) -> list[str]:
    """The parts that a column says its rows are of, as one called split with train and test does; none of every other.

    Args:
        name: of the column.
        cells: its cells; each that is not empty must be the name of a part.
    """
    if not may_divide(name):
        return []
    some = [cell for cell in evenly_spread(cells) if not is_missing(cell)]
    parts = {part_of(cell.strip()) if isinstance(cell, str) else None for cell in some}
    if len(parts) < 2 or "train" not in parts or None in parts:
        return []
    return [part for part in ("train", "validation", "test") if part in parts]


def part_by_last_word(stem: str) -> str | None:
    """The part that the last word of a name tells, as that of ItalyPower_TRAIN; None where it tells none."""
    return part_of(_BETWEEN_WORDS.split(stem)[-1])


def named_parts(
    names: Iterable[str], where: str, *, stem_of: Callable[[str], str] = str, affixed: bool = False
) -> dict[str, str]:
    """Which of some names are those of parts.

    Args:
        names: of folders or files.
        where: what holds them, for errors.
        stem_of: from a name to what of it counts, such as a file's name without its ending.
        affixed: whether, where no name is that of a part, those count that begin or end with one beside the same other words,
            as X_train and X_test do.

    Returns:
        Name by part.

    Raises:
        DataError: two names mean one part, or they are parts of several data sets.
    """
    named = [(part, name) for name in names if (part := part_of(stem_of(name))) is not None]
    if not named and affixed:
        found = [(*told, name) for name in names if (told := _affixed(stem_of(name))) is not None]
        if len({words for _, words, _ in found}) > 1:
            listed = ", ".join(name for *_, name in found)
            raise DataError(
                f"`{where}` holds parts of several data sets, {listed}: name one as `data`, and its parts as "
                "`validation_data` and `test_data`"
            )
        named = [(part, name) for part, _, name in found]
    parts: dict[str, str] = {}
    for part, name in named:
        if part in parts:
            raise DataError(
                f"`{where}` holds {parts[part]!r} and {name!r}, which both mean the part {part}: rename one, or name the "
                "parts with `data`, `validation_data` and `test_data`"
            )
        parts[part] = name
    return parts


def parts_with_affixes(names: Iterable[str]) -> dict[str, str]:
    """Name by part of names that begin or end with a part's beside the same other words; none where these differ.

    Args:
        names: of folders, as train_images and test_images.
    """
    found = [(*told, name) for name in names if (told := _affixed(name)) is not None]
    parts = {part: name for part, _, name in found}
    return parts if len({words for _, words, _ in found}) == 1 and len(parts) == len(found) else {}


def _affixed(stem: str) -> tuple[str, tuple[str, ...]] | None:
    """Part that the first or the last word of a name tells, and its other words; None if neither or both do."""
    words = [word for word in _BETWEEN_WORDS.split(stem.lower()) if word]
    if len(words) < 2:
        return None
    if len(words) == 2 and words[0].isdecimal() and words[1] in PART_NAMES:
        # 01_train and 02_test, in the order in which they are used.
        return PART_NAMES[words[1]], ()
    first, last = PART_NAMES.get(words[0]), PART_NAMES.get(words[-1])
    if (first is None) == (last is None):
        return None
    return (first, tuple(words[1:])) if first is not None else (last or "", tuple(words[:-1]))
