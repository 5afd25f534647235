"""A small table of a person's own: pictures, numbers with gaps, dates, names, sentences; an animal and a price to answer."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

ANIMALS = {
    "bird": (20, 200, "sings when the sun comes up"),
    "cat": (4.0, 90, "sleeps in the sun and likes fish"),
    "dog": (22.0, 20, "runs after every ball"),
}
SIDE = 11


def write_pets(folder: Path, count: int) -> list[dict[str, str]]:
    """Write `pets.csv`, its pictures, and `new.csv`: its first rows without answers.

    Returns:
        The rows of `pets.csv`.
    """
    chance = np.random.default_rng(0)
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    rows = []
    for index in range(count):
        animal = list(ANIMALS)[index % len(ANIMALS)]
        weight, shade, note = ANIMALS[animal]
        pixels = chance.integers(shade, shade + 40, (SIDE, SIDE, 3), dtype=np.uint8)
        name = f"photos/{index:03d}.png"
        Image.fromarray(pixels).save(folder / name)
        heavy = weight * chance.uniform(0.8, 1.25)
        rows.append(
            {
                "id": str(index + 1),
                "photo": name,
                "weight": "" if index % 7 == 3 else f"{heavy:.2f}",
                "born": f"20{10 + index % 13}-{1 + index % 12:02d}-{1 + index % 28:02d}",
                "house": ("farm", "flat", "garden")[int(chance.integers(3))],
                "note": note,
                "animal": animal,
                "price": f"{10 * heavy:.1f}",
            }
        )
    write_rows(folder / "pets.csv", rows)
    write_rows(
        folder / "new.csv",
        [{k: v for k, v in row.items() if k not in ("animal", "price")} for row in rows[:5]],
    )
    return rows


def write_rows(path: Path, rows: Sequence[Mapping[str, str]], delimiter: str = ",") -> None:
    """Write rows as a table of text."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
