"""Bundled data written out as a user's own files would be: in class folders, or as a table with files beside it."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from perceivers.arguments.data import DataArguments
from perceivers.data.bundled import BUNDLED, bundled_tables
from perceivers.data.rows import load_splits
from perceivers.data.splits import PartName
from perceivers.data.tables import FILE_COLUMN, LABEL_COLUMN
from perceivers.errors import DataError
from perceivers.kinds.cells import ending
from perceivers.kinds.sound.drawing import wave_file
from perceivers.kinds.sound.reading import RATE_COLUMN
from perceivers.processors.optical_flow.files import write_flow

PAIR_SUFFIX = "_flow.flo"
# What Middlebury's files hold where the motion is not known.
UNKNOWN_MOTION = 1.666666752e9


def write_samples(
    name: str, folder: Path, *, split: PartName = "test", count: int | None = None
) -> list[Path]:
    """Write a bundled data set as files that every command takes for `--data` or as inputs.

    Pictures become PNG, sounds 16-bit WAV and series CSV files (a row a step), in one sub-folder a class where there are
    classes; pairs of frames with flow become two PPM files and a .flo file; files are copied; everything else is one CSV
    table with the columns of the data set, called after the part. Pictures and sounds in its cells are written beside it,
    in a folder of the same name with one sub-folder a column, and the table has their paths from where it lies.

    Args:
        name: a bundled data set.
        folder: where they are written; made if needed.
        split: part to write, divided as `perceivers train` does by default.
        count: how many samples, from the first on; None for all.

    Returns:
        The files written.
    """
    if name not in BUNDLED:
        raise DataError(f"`name` must be one of {', '.join(BUNDLED)}, received {name!r}")
    if count is not None and count < 1:
        raise DataError(f"`count` must be at least 1, received {count}")
    tables = bundled_tables(name)
    columns = tables["train"].columns
    label = LABEL_COLUMN if LABEL_COLUMN in columns else None
    splits = load_splits(DataArguments(data=name, unreadable="trust"), tables, _whole_row, labels=label)
    part = splits.part(split)
    indices = range(min(len(part), count or len(part)))
    if not indices:
        raise DataError(f"`split` {split!r} of {name!r} holds no samples")
    folder.mkdir(parents=True, exist_ok=True)
    writer = next((kind for kind in WRITERS if kind in columns), None)
    if writer is None:
        return _write_table((part[index] for index in indices), folder / f"{split}.csv")
    suffix, write = WRITERS[writer]
    written = []
    for index in indices:
        row: Mapping[str, Any] = part[index]
        own_file = row.get(FILE_COLUMN)
        stem = _file_name(str(own_file) if own_file else part.name(index))
        place = folder if label is None else folder / _file_name(str(row[label]), whole=True)
        place.mkdir(exist_ok=True)
        path = place / f"{stem}{suffix or Path(str(own_file)).suffix}"
        write(row, path)
        written.append(path)
    return written


def _whole_row(row: Mapping[str, Any], table: Any) -> Mapping[str, Any]:
    return row


def _file_name(name: str, *, whole: bool = False) -> str:
    """The last part of a name, without what file systems do not take; without its suffix unless `whole`."""
    last = name if whole else Path(name).stem
    return re.sub(r"[^\w.+-]+", "-", last).strip("-") or "sample"


def _write_picture(row: Mapping[str, Any], path: Path) -> None:
    Image.fromarray(row["image"]).save(path)


def _write_sound(row: Mapping[str, Any], path: Path) -> None:
    _write_samples(row["audio"], row[RATE_COLUMN], path)


def _write_samples(waveform: np.ndarray, sampling_rate: int, path: Path) -> None:
    path.write_bytes(wave_file(waveform, int(sampling_rate)))


def _write_series(row: Mapping[str, Any], path: Path) -> None:
    series = row["series"]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([f"channel_{index + 1}" for index in range(series.shape[1])])
        # An empty cell is a missing value.
        # The shortest digits that give the same float32 back.
        writer.writerows([["" if np.isnan(value) else str(value) for value in step] for step in series])


def _write_pair(row: Mapping[str, Any], path: Path) -> None:
    """The flow, and the frames beside it, called as FlyingChairs calls them."""
    stem = path.name.removesuffix(PAIR_SUFFIX)
    for column, end in (("first", "img1"), ("second", "img2")):
        Image.fromarray(row[column]).save(path.with_name(f"{stem}_{end}.ppm"))
    write_flow(path, torch.from_numpy(np.nan_to_num(row["flow"], nan=UNKNOWN_MOTION)))


def _copy_file(row: Mapping[str, Any], path: Path) -> None:
    shutil.copyfile(row[FILE_COLUMN], path)


def _write_table(rows: Iterable[Mapping[str, Any]], path: Path) -> list[Path]:
    """The table and, after it, the files that its cells name."""
    written, lines = [path], []
    for number, row in enumerate(rows, start=1):
        line = dict(row)
        for column, cell in row.items():
            suffix, write = _file_of_cell(cell)
            if write is not None:
                place = path.with_suffix("") / _file_name(column, whole=True) / f"{number:04d}{suffix}"
                place.parent.mkdir(parents=True, exist_ok=True)
                write(cell, place)
                written.append(place)
                line[column] = place.relative_to(path.parent).as_posix()
        lines.append(line)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    return written


def _file_of_cell(cell: Any) -> tuple[str, Callable[[Any, Path], None] | None]:
    """Suffix of the file that a cell needs, and what writes it; None for one that a table holds itself."""
    if isinstance(cell, np.ndarray) and cell.dtype == np.uint8:
        return ".png", lambda pixels, path: Image.fromarray(pixels).save(path)
    if isinstance(cell, Mapping) and "array" in cell:
        return ".wav", lambda sound, path: _write_samples(sound["array"], sound[RATE_COLUMN], path)
    if isinstance(cell, Mapping) and isinstance(cell.get("bytes"), bytes):
        return ending(cell), lambda stored, path: _write_content(stored["bytes"], path)
    return "", None


def _write_content(content: bytes, path: Path) -> None:
    path.write_bytes(content)


# Column that says what a data set holds -> suffix of its files (None: the file's own), and what writes one.
WRITERS: Mapping[str, tuple[str | None, Callable[[Mapping[str, Any], Path], None]]] = {
    "image": (".png", _write_picture),
    "audio": (".wav", _write_sound),
    "series": (".csv", _write_series),
    "flow": (PAIR_SUFFIX, _write_pair),
    FILE_COLUMN: (None, _copy_file),
}
