"""The `.ts` format of time series archives (sktime, aeon, timeseriesclassification.com), read without those packages.

A header of `@` lines, then one series a line: channels divided by colons, steps by commas, the class at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from perceivers.errors import DataError
from perceivers.text_files import read_plain_text

FLAGS = {"true": True, "false": False}


@dataclass(frozen=True)
class SeriesLine:
    """One series of a `.ts` file.

    Args:
        values: float32 [num_steps, num_channels]; NaN where a value is missing.
        label: its class, or the number that is its target, as it is written; None in a file without either.
        line: line of the file, from 1.
    """

    values: np.ndarray
    label: str | None
    line: int


def read_ts(path: Path, *, takes_numbers: bool = False) -> list[SeriesLine]:
    """Read the series of a `.ts` file.

    Args:
        path: the file.
        takes_numbers: whether targets may be numbers (`@targetLabel true`); otherwise they must be classes, if there are any.

    Raises:
        DataError: the file does not follow the format, or has other targets; with its line.
    """
    try:
        text = read_plain_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"`{path}` cannot be read as text: {error}") from error
    series: list[SeriesLine] = []
    has_targets, dimensions, in_data = False, None, False
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        where = f"`{path}`, line {number}"
        if not in_data:
            key, _, value = content.partition(" ")
            key = key.lower()
            if not key.startswith("@"):
                raise DataError(
                    f"{where}: expected a header line that begins with @, received {content[:40]!r}"
                )
            if key == "@data":
                in_data = True
            elif key == "@timestamps" and _flag(value, where):
                raise DataError(
                    f"{where}: series with a time at every value (`@timeStamps true`) are not read; write them as a table "
                    "with a row a step"
                )
            elif key == "@targetlabel":
                has_targets = has_targets or _flag(value, where)
                if has_targets and not takes_numbers:
                    raise DataError(
                        f"{where}: the targets are numbers (`@targetLabel true`), expected classes (`@classLabel true …`); "
                        "numbers are learned as a table, with --target label"
                    )
            elif key == "@classlabel":
                has_targets = has_targets or _flag(value, where)
            elif key in ("@dimensions", "@dimension"):
                dimensions = _count(value, where)
            continue
        series.append(_series(content, has_targets, dimensions, where, number))
    if not series:
        raise DataError(f"`{path}` holds no series: expected one a line after @data")
    return series


def _series(content: str, has_targets: bool, dimensions: int | None, where: str, number: int) -> SeriesLine:
    channels = content.split(":")
    label = channels.pop().strip() if has_targets else None
    if label is not None and (not label or "," in label or not channels):
        raise DataError(
            f"{where}: expected a class or a number behind the last colon, as the header says, received {label!r}"
        )
    if dimensions is not None and len(channels) != dimensions:
        raise DataError(f"{where}: expected {dimensions} channels (`@dimensions`), received {len(channels)}")
    rows = [[_number(text, where) for text in channel.split(",")] for channel in channels]
    lengths = {len(row) for row in rows}
    if len(lengths) > 1:
        raise DataError(f"{where}: all channels must have as many steps, received {sorted(lengths)}")
    return SeriesLine(np.array(rows, dtype=np.float32).T, label, number)


def _number(text: str, where: str) -> float:
    if text.strip() == "?":
        return float("nan")
    try:
        return float(text)
    except ValueError as error:
        raise DataError(
            f"{where}: expected a number, or ? for a missing one, received {text[:40]!r}"
        ) from error


def _flag(value: str, where: str) -> bool:
    """The first word of a header line: true or false."""
    word = value.split()[0].lower() if value.split() else ""
    if word not in FLAGS:
        raise DataError(f"{where}: expected true or false, received {value!r}")
    return FLAGS[word]


def _count(value: str, where: str) -> int:
    if not value.strip().isdecimal() or int(value) < 1:
        raise DataError(f"{where}: expected a number of channels, at least 1, received {value!r}")
    return int(value)
