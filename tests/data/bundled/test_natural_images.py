"""The pictures that scikit-image ships, against its own reader."""

from __future__ import annotations

import importlib.metadata

import numpy as np
import pytest

from perceivers.data.bundled import natural_images
from perceivers.errors import MissingExtraError


def test_pictures_are_those_of_the_package() -> None:
    data = pytest.importorskip("skimage.data")
    (table,) = natural_images.tables().values()
    pictures = {table.name(index): table[index]["image"] for index in range(len(table))}
    assert len(pictures) == 17
    assert np.array_equal(pictures["natural-images/chelsea.png"], data.chelsea())
    assert np.array_equal(pictures["natural-images/brick.png"], data.brick())
    assert np.array_equal(pictures["natural-images/rocket.jpg"], data.rocket())
    assert {picture.dtype for picture in pictures.values()} == {np.dtype(np.uint8)}
    assert {picture.ndim for picture in pictures.values()} == {2, 3}


def test_the_pair_that_flow_is_measured_on_is_not_among_them() -> None:
    assert not any("motorcycle" in name for name in natural_images.NAMES)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(natural_images, "files", absent)
    with pytest.raises(
        MissingExtraError, match=r'`natural-images` needs the package `scikit-image`.*"perceivers\[samples\]"'
    ):
        natural_images.tables()
    # A release that ships other files is as good as none.
    monkeypatch.setattr(natural_images, "files", lambda name: [])
    with pytest.raises(MissingExtraError):
        natural_images.tables()
