"""The kinds of data by name: one line each. A kind's own file is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from perceivers.data.evenly import evenly_spread
from perceivers.errors import ConfigurationError
from perceivers.kinds.base import Kind

# Name -> "module:class", in the order in which equal guesses are taken.
KINDS: dict[str, str] = {
    "image": "perceivers.kinds.image.kind:ImageKind",
    "sound": "perceivers.kinds.sound.kind:SoundKind",
    "series": "perceivers.kinds.series.kind:SeriesKind",
    "points": "perceivers.kinds.points.kind:PointsKind",
    "entities": "perceivers.kinds.entities.kind:EntitiesKind",
    "video": "perceivers.kinds.video.kind:VideoKind",
    "date": "perceivers.kinds.date.kind:DateKind",
    "number": "perceivers.kinds.number.kind:NumberKind",
    "category": "perceivers.kinds.category.kind:CategoryKind",
    "text": "perceivers.kinds.text.kind:TextKind",
}


def kind_class(name: str) -> type[Kind]:
    """Import and give the kind called `name`."""
    if name not in KINDS:
        raise ConfigurationError(f"a kind must be one of {', '.join(KINDS)}, received {name!r}")
    module, attribute = KINDS[name].split(":")
    found: type[Kind] = getattr(import_module(module), attribute)
    return found


def file_endings() -> tuple[str, ...]:
    """Endings, lower case with the dot, of the files that any kind reads."""
    return tuple(dict.fromkeys(suffix for name in KINDS for suffix in kind_class(name).suffixes))


def guess_kind(name: str, cells: Sequence[Any]) -> type[Kind] | None:
    """The kind that a column most likely holds; None where no kind takes such cells.

    Args:
        name: of the column.
        cells: its cells that are not empty, at least one.
    """
    kinds = [kind_class(each) for each in KINDS]
    some = evenly_spread(cells)
    sure = [kind.guess(name, some) for kind in kinds]
    best = max(range(len(kinds)), key=lambda index: sure[index])
    return kinds[best] if sure[best] > 0.0 else None
