"""Formats of files: what a file without an ending is, and which formats are one kind of file."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path, PurePath

BEGINNING = 64
# Formats that hold the same in other ways. Beside files of one of these kinds the others are previews, textures, notes.
KINDS_OF_FILE = (
    frozenset({".off", ".ply", ".obj", ".stl", ".xyz", ".pts", ".pcd"}),
    frozenset({".npy", ".npz"}),
    frozenset({".csv", ".tsv", ".txt", ".json"}),
    frozenset(
        {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".avif"}
        | {".pgm", ".ppm", ".pbm", ".pnm", ".jp2"}
    ),
)
# A file that lies beside one of its own name in another format of its kind is most likely the same again.
MOSTLY = 0.95
# An ending is short and has a letter: those of `scan.0012` and `v1.2 final` are parts of the name.
_ENDING = re.compile(r"\.(?=\w*[a-z])\w{1,8}", re.IGNORECASE)

_BEGINNINGS: tuple[tuple[bytes, int, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", 0, ".png"),
    (b"\xff\xd8\xff", 0, ".jpg"),
    (b"GIF8", 0, ".gif"),
    (b"BM", 0, ".bmp"),
    (b"II*\0", 0, ".tif"),
    (b"MM\0*", 0, ".tif"),
    (b"WEBP", 8, ".webp"),
    (b"ftypavif", 4, ".avif"),
    (b"WAVE", 8, ".wav"),
    (b"fLaC", 0, ".flac"),
    (b"OggS", 0, ".ogg"),
    (b"ID3", 0, ".mp3"),
    (b"AIFF", 8, ".aiff"),
    (b"AVI ", 8, ".avi"),
    (b"\x1aE\xdf\xa3", 0, ".mkv"),
    (b"ftyp", 4, ".mp4"),
    (b"\x93NUMPY", 0, ".npy"),
    (b"ply\n", 0, ".ply"),
    (b"ply\r\n", 0, ".ply"),
    (b"OFF\n", 0, ".off"),
)


def ending_of(name: str | PurePath) -> str:
    """The ending of a file's name, lower case with the dot; "" where it has none."""
    suffix = PurePath(name).suffix.lower()
    return suffix if _ENDING.fullmatch(suffix) else ""


def format_by_content(path: Path) -> str:
    """The ending that a file without one would have, by its first bytes; "" where they tell nothing or cannot be read."""
    try:
        with path.open("rb") as file:
            beginning = file.read(BEGINNING)
    except OSError:
        return ""
    return next(
        (ending for mark, place, ending in _BEGINNINGS if beginning[place : place + len(mark)] == mark), ""
    )


def of_one_kind(formats: Iterable[str], suffixes: Sequence[str]) -> set[str]:
    """Which of some formats are the samples, where others that could be read lie beside them.

    Points come before arrays, arrays before tables, tables before pictures; formats that are of none of these kinds stay.

    Args:
        formats: endings of the files that were found.
        suffixes: endings that could be read.
    """
    found = set(formats)
    kinds = [kind for kind in KINDS_OF_FILE if kind & set(suffixes)]
    first = next((kind for kind in kinds if kind & found), None)
    if first is None:
        return found
    later = set().union(*(kind for kind in kinds if kind != first))
    return found - later


def written_twice(names: Sequence[tuple[PurePath, str]], suffixes: Sequence[str]) -> set[str]:
    """Formats of points whose files lie beside files of the same name in an earlier format.

    Pictures and sounds are often numbered anew in every format, so that `1.jpg` and `1.png` are two; points are converted.

    Args:
        names: files, each with its format.
        suffixes: endings that could be read, the first preferred.
    """
    points = KINDS_OF_FILE[0]
    stems: dict[str, set[PurePath]] = {}
    for name, form in names:
        if form in points:
            stems.setdefault(form, set()).add(name.with_suffix(""))
    return _twins(stems, [each for each in suffixes if each in stems])


def _twins(stems: dict[str, set[PurePath]], order: Sequence[str]) -> set[str]:
    seen: Collection[PurePath] = set()
    twice: set[str] = set()
    for form in order:
        own = stems[form]
        if len(own & set(seen)) >= MOSTLY * len(own):
            twice.add(form)
        else:
            seen = set(seen) | own
    return twice
