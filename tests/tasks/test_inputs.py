"""Values that were kept are those that are read, for every kind that keeps them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from perceivers.data.kept import KeptValues
from perceivers.data.tables import ListTable
from perceivers.errors import ConfigurationError
from perceivers.kinds.image.kind import ImageKind
from perceivers.kinds.image.options import ImageOptions
from perceivers.kinds.number.kind import NumberKind
from perceivers.kinds.number.options import NumberOptions
from perceivers.kinds.points.kind import PointsKind
from perceivers.kinds.points.options import PointOptions
from perceivers.kinds.series.kind import SeriesKind
from perceivers.kinds.series.options import SeriesOptions
from perceivers.kinds.sound.kind import SoundKind
from perceivers.kinds.sound.options import SoundOptions
from perceivers.tasks.inputs import Input


def write_picture(path: Path) -> str:
    Image.effect_noise((700, 500), 90).save(path / "a.png")
    return "a.png"


def write_sound(path: Path) -> str:
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(path / "a.wav", np.sin(np.arange(3000) * 0.1) * 0.5, 8_000)
    return "a.wav"


def write_points(path: Path) -> str:
    np.save(path / "a.npy", np.random.default_rng(0).normal(size=(50, 4)))
    return "a.npy"


def write_surface(path: Path) -> str:
    (path / "a.off").write_text("OFF\n4 2 0\n0 0 0\n1 0 0\n1 1 0\n0 1 0\n3 0 1 2\n3 0 2 3\n")
    return "a.off"


@pytest.mark.parametrize(
    ("kind", "write"),
    [
        (ImageKind(ImageOptions(image_channels=1, crop_area=0.5, flip=0.5)), write_picture),
        (ImageKind(ImageOptions()), write_picture),
        (SoundKind(SoundOptions(sampling_rate=4_000, clip_seconds=0.2, num_mel_bins=20)), write_sound),
        (PointsKind(PointOptions(num_points=40, rotation=20.0), 3, 1), write_points),
        (PointsKind(PointOptions(num_points=40), 3, 0), write_surface),
    ],
)
@pytest.mark.parametrize("megabytes", [0, 100])
def test_a_kept_value_is_the_one_that_is_read(kind: Any, write: Any, megabytes: int, tmp_path: Path) -> None:
    row = {"x": write(tmp_path)}
    table, each = ListTable([row], "t", root=tmp_path), Input("", ("x",), kind)
    kept = KeptValues(megabytes << 20, 100 << 20, tmp_path / "kept")
    plain = each.read(row, table)
    first, second = each.read(row, table, kept), each.read(row, table, kept)
    assert len(list((tmp_path / "kept").iterdir())) == (0 if megabytes else 1)
    for value in (first, second):
        for changed, expected in (
            (value, plain),
            (kind.vary(value, np.random.default_rng(3)), kind.vary(plain, np.random.default_rng(3))),
        ):
            received, wanted = kind.tensors([changed])[""], kind.tensors([expected])[""]
            assert torch.equal(received.values, wanted.values)
    # Nothing that was kept has been changed meanwhile.
    assert torch.equal(
        kind.tensors([each.read(row, table, kept)])[""].values, kind.tensors([plain])[""].values
    )


def test_a_file_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"x": write_picture(tmp_path)}
    table, each = ListTable([row], "t", root=tmp_path), Input("", ("x",), ImageKind(ImageOptions()))
    kept, count = KeptValues(100 << 20, 0), []
    read = ImageKind.read
    monkeypatch.setattr(ImageKind, "read", lambda *given: (count.append(1), read(*given))[1])
    for _ in range(3):
        each.read(row, table, kept)
    assert len(count) == 1
    assert each.read({"x": None}, table, kept) is None
    other = dataclasses.replace(each, kind=ImageKind(ImageOptions(image_channels=1)))
    other.read(row, table, kept)
    assert len(count) == 3


def test_kinds_that_keep_nothing_say_so() -> None:
    kind = NumberKind(NumberOptions())
    assert kind.kept() is None
    with pytest.raises(ConfigurationError, match="values of a number are not kept"):
        kind.pack(3.0)
    with pytest.raises(ConfigurationError, match="values of a number are not kept"):
        kind.unpack({})


def test_advice_is_told_as_the_user_of_a_table_gives_it() -> None:
    said = "take `--channels-first`, or `--missing mark`, see `missing`; `perceivers export RUN --output A`, `--start A`"
    alone = Input("series", ("my s",), SeriesKind(SeriesOptions()))
    assert alone.said(said) == said
    assert dataclasses.replace(alone, by_column=True).said(said) == (
        "take `--column-options 'my s:channels-first=true'`, or `--column-options 'my s:missing=mark'`, see `missing`; "
        "`perceivers export RUN --output A`, `--start A`"
    )
