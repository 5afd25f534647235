"""Formats of files: what a file without an ending is, and which files are samples where several formats lie together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePath

BEGINNING = 64
# Formats of numbers, in the order in which one of two that hold the same is preferred, and of pictures.
POINTS = (".off", ".ply", ".obj", ".stl", ".xyz", ".pts", ".pcd")
ARRAYS = (".npy", ".npz")
TABLES = (".csv", ".tsv", ".txt", ".json")
PICTURES = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".avif"}
    | {".pgm", ".ppm", ".pbm", ".pnm", ".jp2"}
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


def beside_the_samples(files: Sequence[tuple[PurePath, str]], suffixes: Sequence[str]) -> set[str]:
    """Formats that could be read but lie beside the samples: previews and textures, the same in another format, notes.

    Pictures beside files of numbers are none of the samples. Of numbers, a format is none that lies beside files of its names
    in an earlier format, as `1.txt` beside `1.ply`; pictures and sounds are often numbered anew in every format, so that
    `1.jpg` and `1.png` are two samples. Nor is a table of which a folder has one alone, beside points: a note, or a list.

    Args:
        files: those that were found, each with its format.
        suffixes: endings that could be read.
    """
    numbers = [form for form in (*POINTS, *ARRAYS, *TABLES) if form in suffixes]
    found = {form for _, form in files}
    if not numbers or not found & set(numbers):
        return set()
    beside = found & PICTURES
    stems: dict[str, list[PurePath]] = {}
    for name, form in files:
        if form in numbers:
            stems.setdefault(form, []).append(name.with_suffix(""))
    seen: set[PurePath] = set()
    for form in numbers:
        own = stems.get(form, [])
        is_lone = (
            form in TABLES
            and bool(found.intersection(POINTS))
            and len({stem.parent for stem in own}) == len(own)
        )
        if (
            seen
            and own
            and (len(seen.intersection(own)) >= MOSTLY * len(own) or (is_lone and len(own) < len(seen)))
        ):
            beside.add(form)
        elif form not in TABLES or not seen:
            seen.update(own)
    return beside
