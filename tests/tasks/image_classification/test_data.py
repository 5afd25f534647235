"""What is said of pictures before training: mistakes in tables and folders, and sets that are too dark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from perceivers.arguments import DataArguments
from perceivers.errors import DataError
from perceivers.tasks.image_classification.options import ImageClassificationArguments
from perceivers.tasks.image_classification.task import ImageClassification
from tiny_pictures import TINY, draw_classes


def test_mistakes_in_a_table_name_file_row_and_column(table: Path, tmp_path: Path) -> None:
    def load(text: str, **columns: str) -> Any:
        (tmp_path / "t.csv").write_text(text)
        chosen = ImageClassificationArguments(**TINY, **columns)
        return ImageClassification(chosen).load_data(DataArguments(data=str(tmp_path / "t.csv")))

    with pytest.raises(DataError, match=r"t\.csv` must have a column 'image', received photo, label"):
        load("photo,label\na.png,x\nb.png,y\n")
    with pytest.raises(DataError, match=r"t\.csv` must have a column 'kind', received image, label"):
        load("image,label\na.png,x\nb.png,y\n", label_column="kind")
    with pytest.raises(
        DataError, match=r"t\.csv, row 1`: `.*a\.png` cannot be read .* \(and 1 more\); mend it"
    ):
        load("image,label\na.png,x\nb.png,y\n")
    for name in ("a", "b", "c"):
        Image.new("L", (3, 2)).save(tmp_path / f"{name}.png")
    with pytest.raises(DataError, match=r"t\.csv, row 2`: has no value in the column 'image'"):
        load("image,label\na.png,x\n,y\nc.png,y\n")
    with pytest.raises(
        DataError, match=r"t\.csv` must hold two classes or more in the column 'label', received only 'x'"
    ):
        load("image,label\na.png,x\nb.png,x\n")


def test_an_empty_class_and_a_damaged_file_are_named(pictures: Path, tmp_path: Path) -> None:
    draw_classes(tmp_path, count=3)
    (tmp_path / "left" / "01.png").write_bytes(b"no picture")
    arguments = DataArguments(data=str(tmp_path))
    task = ImageClassification(ImageClassificationArguments(**TINY))
    with pytest.raises(DataError, match=r"left/01\.png` cannot be read as a picture: .*--unreadable skip"):
        task.load_data(arguments)
    splits = task.load_data(DataArguments(data=str(tmp_path), unreadable="skip"))
    assert len(splits.part("all")) == 5
    assert len(splits.unreadable) == 1
    (tmp_path / "middle").mkdir()
    with pytest.raises(DataError, match=r"middle` is a class without files \(\.png, "):
        task.load_data(arguments)


def test_links_to_nothing_are_pictures_that_cannot_be_read(tmp_path: Path) -> None:
    draw_classes(tmp_path, count=3)
    (tmp_path / "left" / "00.png").rename(tmp_path / "kept")
    (tmp_path / "left" / "00.png").symlink_to("gone")
    task = ImageClassification(ImageClassificationArguments(**TINY))
    with pytest.raises(DataError, match=r"left/00\.png` .* a link to nothing \(gone\).*--unreadable skip"):
        task.load_data(DataArguments(data=str(tmp_path)))
    splits = task.load_data(DataArguments(data=str(tmp_path), unreadable="skip"))
    assert (len(splits.part("all")), len(splits.unreadable)) == (5, 1)


def test_a_dark_set_of_deep_pictures_is_told_before_training(tmp_path: Path) -> None:
    for name, top in (("left", 4095), ("right", 900)):
        (tmp_path / name).mkdir()
        for index in range(4):
            pixels = np.full((6, 8), top - index, dtype=np.uint16)
            Image.fromarray(pixels).save(tmp_path / name / f"{index}.png")

    def plan(**chosen: Any) -> str:
        task = ImageClassification(ImageClassificationArguments(**TINY, **chosen))
        return "\n".join(map(str, task.plan(task.load_data(DataArguments(data=str(tmp_path))))))

    assert "the brightest value is 4095, where 65535 is white" in plan()
    assert "brightest" not in plan(white_level=4095.0)
