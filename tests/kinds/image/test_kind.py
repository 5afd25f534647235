"""Pictures as a kind of data: guessed, read, batched, shown."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.kinds.image.kind import ImageKind
from perceivers.kinds.image.options import ImageOptions
from perceivers.kinds.image.reading import Picture
from perceivers.kinds.registry import guess_kind, kind_class

STILL: dict[str, Any] = {
    "image_height": 5,
    "image_width": 7,
    "shift": 0.0,
    "rotation": 0.0,
    "scale": 0.0,
}


def png() -> bytes:
    file = io.BytesIO()
    Image.new("L", (3, 5), 31).save(file, "png")
    return file.getvalue()


@pytest.fixture
def kind() -> ImageKind:
    return ImageKind(ImageOptions(**STILL))


@pytest.mark.parametrize(
    "cells",
    [["a.png", "b.JPEG"] * 9, [png()], [{"bytes": png(), "path": None}], [np.zeros((8, 8), np.uint8)]],
)
def test_columns_of_pictures_are_known(cells: list[Any]) -> None:
    assert guess_kind("x", cells) is ImageKind


@pytest.mark.parametrize("cells", [["a.png", "see a.png of mine"], ["a.wav", "b.wav"], ["a cat", "a dog"]])
def test_columns_of_other_things_are_not(cells: list[Any]) -> None:
    assert ImageKind.guess("image", cells) == 0.0


def test_a_cell_is_read_relative_to_its_table_and_an_empty_one_is_absent(
    kind: ImageKind, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(png())
    rows = [{"photo": "a.png"}, {"photo": ""}, {"photo": None}, {"photo": "b.png"}]
    table = ListTable(rows, "pets", root=tmp_path)
    value = kind.read(rows[0], ["photo"], table)
    assert value is not None
    assert (value.image.size, value.is_framed) == ((3, 5), False)
    assert kind.read(rows[1], ["photo"], table) is None
    assert kind.read(rows[2], ["photo"], table) is None
    assert kind.read({}, ["photo"], table) is None
    with pytest.raises(DataError, match=r"b\.png` cannot be read as a picture"):
        kind.read(rows[3], ["photo"], table)


def test_whole_batches_are_shifted_turned_and_scaled(kind: ImageKind) -> None:
    pixels = torch.rand(2, 3, 5, 7)
    assert kind.augment({"": pixels})[""] is pixels
    for name, amount in (("shift", 0.3), ("rotation", 20.0), ("scale", 0.3), ("jitter", 0.3)):
        changed = ImageKind(ImageOptions(**{**STILL, name: amount})).augment({"": pixels})
        assert changed[""].shape == pixels.shape
        assert not torch.equal(changed[""], pixels)


@pytest.mark.parametrize(
    ("changed", "tokens"),
    [({}, 5 * 7), ({"input_form": "conv", "stem_padding": "same"}, 2 * 2), ({"input_form": "stem"}, 2 * 2)],
)
def test_tokens_are_counted(changed: dict[str, Any], tokens: int) -> None:
    assert ImageKind(ImageOptions(**{**STILL, **changed})).num_tokens == tokens


def test_advice_follows_the_pictures_that_can_be_read() -> None:
    table = ListTable([{"photo": "absent.png"}], "pets.csv")
    advised = ImageKind.advise(["absent.png", np.zeros((28, 28), dtype=np.uint8)], table, 300, 0.0)
    assert (advised.input_form, advised.image_height, advised.image_channels) == ("stem", 28, 1)
    assert ImageKind(advised).learning(300).num_latents == 16
    assert ImageKind.advise(["absent.png"], table, 300, 0.0) == ImageOptions()


def test_advice_follows_pictures_as_they_are_read_with_the_white_level_that_was_given(tmp_path: Path) -> None:
    # Brighter than files of floating-point numbers are.
    Image.fromarray(np.full((28, 28), 200.0, dtype=np.float32)).save(tmp_path / "x.tif")
    table = ListTable([{"photo": "x.tif"}], "pets.csv", root=tmp_path)
    assert ImageKind.advise(["x.tif"], table, 300, 0.0) == ImageOptions()
    advised = ImageKind.advise(["x.tif"], table, 300, 0.0, {"white_level": 255.0})
    assert (advised.input_form, advised.image_height, advised.image_channels) == ("stem", 28, 1)


def test_names_of_modalities_are_known_where_the_form_has_no_modality() -> None:
    assert ImageKind(ImageOptions(**STILL, input_form="learned")).modality_names == ("",)
    (name,) = ImageKind(ImageOptions(**STILL)).modalities()
    assert name == ""


def test_what_is_shown_is_what_the_model_saw(kind: ImageKind) -> None:
    weights, grids = {"": torch.arange(6.0)}, {"": (2, 3)}
    shown = kind.show(Picture(Image.new("L", (640, 64))), weights, grids)
    assert shown is not None
    assert shown.image.size == (320, 32)
    assert shown.attention.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert 'alt="photo"' in kind.html(shown, ["photo"])
    assert kind.show(None, weights, grids) is None


def test_the_image_processors_settings_are_left_for_others(kind: ImageKind, tmp_path: Path) -> None:
    kind.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "preprocessor_config.json").read_text())
    assert saved["size"] == {"height": 5, "width": 7}
    assert kind_class("image") is ImageKind
