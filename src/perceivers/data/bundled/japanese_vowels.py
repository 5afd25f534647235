"""Nine speakers saying two vowels, as sktime ships them, read without importing it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from perceivers.data.tables import ListTable, Table
from perceivers.errors import MissingExtraError
from perceivers.processors.series.ts import read_ts

FOLDER = "sktime/datasets/data/JapaneseVowels"
PARTS = {"train": "JapaneseVowels_TRAIN.ts", "test": "JapaneseVowels_TEST.ts"}


def tables() -> dict[str, Table]:
    """Give the data set's own two parts: the task is to tell who speaks.

    Returns:
        `train`, 270 rows, and `test`, 370 rows, with columns `series` (float32 [7 to 29 steps, 12 channels]: coefficients of
        linear prediction) and `label`, "1" to "9".
    """
    found: dict[str, Table] = {}
    for part, name in PARTS.items():
        rows = [{"series": series.values, "label": str(series.label)} for series in read_ts(_path(name))]
        names = [f"japanese-vowels/{part}-{index:03d}" for index in range(len(rows))]
        found[part] = ListTable(rows, f"japanese-vowels, {part} part", names)
    return found


def _path(name: str) -> Path:
    try:
        (file,) = (file for file in files("sktime") or () if str(file) == f"{FOLDER}/{name}")
    except (PackageNotFoundError, ValueError) as error:
        raise MissingExtraError("sktime", "samples", "The data set `japanese-vowels`") from error
    return Path(str(file.locate()))
