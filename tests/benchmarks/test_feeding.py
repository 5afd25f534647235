"""The benchmark of feeding, end to end on the smallest recipe and a few photographs."""

from __future__ import annotations

import re
from pathlib import Path

import feeding
import pytest
from feeding import Fed, bundled_recipes, main, report, write_photographs
from PIL import Image


def test_a_recipe_is_fed_and_reported(tmp_path: Path) -> None:
    main(
        [
            "--recipes",
            "japanese_vowels",
            "--photographs",
            "0",
            "--batches",
            "2",
            "--output",
            str(tmp_path / "a.md"),
        ]
    )
    text = (tmp_path / "a.md").read_text()
    assert "# Feeding beside a training step" in text
    assert re.search(r"\| japanese_vowels +\| 32 ", text)


def test_the_share_is_what_feeding_adds_to_a_step() -> None:
    assert Fed("a", 8, 0.0, feeding=0.03, step=0.1).share == pytest.approx(0.3)
    # A worker that keeps up costs what it takes to receive a batch; one that does not is waited for.
    assert Fed("a", 8, 0.0, feeding=0.03, step=0.1, workers=1, received=0.002).share == pytest.approx(0.02)
    assert Fed("a", 8, 0.0, feeding=0.15, step=0.1, workers=1, received=0.002).share == pytest.approx(0.52)
    text = report([Fed("slow", 8, 0.0, 0.03, 0.1), Fed("fast", 8, 0.0, 0.01, 0.1)], "here")
    assert "30.0 % (missed)" in text
    assert re.search(r"10\.0 % +\|", text)
    assert "Missed: slow." in text
    # What stands right below a table is a row of it.
    assert "|\n\nAim: " in text
    assert "Reached by all." in report([Fed("fast", 8, 0.0, 0.01, 0.1)], "here")


def test_photographs_are_written_in_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "HEIGHT", 30)
    monkeypatch.setattr(feeding, "WIDTH", 40)
    told: list[str] = []
    write_photographs(tmp_path, 11, told.append)
    files = sorted(tmp_path.rglob("*.jpg"))
    assert [path.parent.name for path in files].count("left") == 6
    for path in files:
        with Image.open(path) as photograph:
            assert photograph.size == (40, 30)
    assert told == ["11 photographs, 0 MiB"]


def test_the_recipes_of_packaged_data_are_known() -> None:
    names = bundled_recipes()
    assert {"digits", "optical_flow", "video_autoencoding"} <= set(names)
    assert "spoken_digits" not in names
