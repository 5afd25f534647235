"""A cell that cannot be read is told with its column, and the other rows are answered."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

import perceivers

SMALL = {
    "num_latents": 3,
    "latent_channels": 8,
    "num_layers": 1,
    "num_heads": 2,
    "token_channels": 8,
    "steps": 2,
}


def test_a_value_that_cannot_be_read_names_its_column_and_the_other_rows_are_answered(tmp_path: Path) -> None:
    rows = []
    for index in range(23):
        path = tmp_path / f"{index}.png"
        Image.new("L", (7, 5), 11 * index).save(path)
        rows.append({"photo": str(path), "size": 1.5 * index, "sold": index % 2 == 0})
    predictor = perceivers.fit(rows, "sold", device="cpu", **SMALL)
    first, second = predictor([{"photo": str(tmp_path / "none.png"), "size": 1}, {**rows[0], "sold": None}])
    assert "in the column 'photo': " in str(first)
    assert isinstance(second, dict)
