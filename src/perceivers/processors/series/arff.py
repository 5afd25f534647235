"""Series in the `.arff` format of Weka, one a line: numeric attributes are steps, the nominal one is the class.

A header of `@attribute` lines, then values divided by commas; `?` is a missing one. The form that the UCR archive has for
series of one channel; those of several channels are relational there, and lie beside as `.ts` files.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from perceivers.errors import DataError
from perceivers.processors.series.ts import SeriesLine
from perceivers.text_files import read_plain_text

NUMERIC = frozenset({"numeric", "real", "integer"})
CLASS_NAMES = frozenset({"class", "target", "label"})


def read_arff(path: Path) -> list[SeriesLine]:
    """Read the series of an `.arff` file; what does not follow the format is a DataError with file and line."""
    try:
        text = read_plain_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"`{path}` cannot be read as text: {error}") from error
    attributes: list[tuple[str, str]] = []
    series: list[SeriesLine] = []
    in_data = False
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.strip()
        if not content or content.startswith("%"):
            continue
        where = f"`{path}`, line {number}"
        if in_data:
            series.append(_series(content, attributes, where, number))
        elif content.lower().startswith("@attribute"):
            attributes.append(_attribute(content[len("@attribute") :].strip(), where))
        elif content.lower() == "@data":
            in_data = True
            _class_place(attributes, where)
        elif not content.lower().startswith("@relation"):
            raise DataError(f"{where}: expected @attribute, @data or @relation, received {content[:40]!r}")
    if not series:
        raise DataError(f"`{path}` holds no series: expected one a line after @data")
    return series


def _attribute(text: str, where: str) -> tuple[str, str]:
    """Name and type."""
    if text[:1] in ("'", '"'):
        name, _, kind = text[1:].partition(text[0])
    else:
        name, _, kind = text.replace("\t", " ").partition(" ")
        if "{" in name:
            name, _, kind = text.partition("{")
            kind = "{" + kind
    kind = kind.strip()
    if kind.lower() == "relational":
        raise DataError(
            f"{where}: relational attributes (series of several channels) are not read; the archive has them as .ts files too"
        )
    if kind.lower() not in NUMERIC and not kind.startswith("{"):
        raise DataError(f"{where}: expected a numeric or a nominal attribute, received {kind[:40]!r}")
    return name, kind


def _class_place(attributes: list[tuple[str, str]], where: str) -> int | None:
    """Place of the class: the only nominal attribute, or a last one that is called so; None without classes."""
    nominal = [place for place, (_, kind) in enumerate(attributes) if kind.startswith("{")]
    if len(nominal) > 1:
        raise DataError(f"{where}: expected one nominal attribute, the class, received {len(nominal)}")
    if nominal:
        return nominal[0]
    return len(attributes) - 1 if attributes and attributes[-1][0].lower() in CLASS_NAMES else None


def _series(content: str, attributes: list[tuple[str, str]], where: str, number: int) -> SeriesLine:
    if content.startswith("{"):
        raise DataError(f"{where}: rows that name their places, {{1 0.5, ...}}, are not read")
    fields = next(csv.reader([content], quotechar="'", skipinitialspace=True))
    if len(fields) != len(attributes):
        raise DataError(f"{where}: expected {len(attributes)} values, received {len(fields)}")
    place = _class_place(attributes, where)
    label = None if place is None else fields.pop(place).strip()
    values = []
    for field in fields:
        try:
            values.append(float("nan") if field.strip() == "?" else float(field))
        except ValueError as error:
            raise DataError(
                f"{where}: expected a number, or ? for a missing one, received {field[:40]!r}"
            ) from error
    return SeriesLine(np.array(values, dtype=np.float32)[:, None], label, number)
