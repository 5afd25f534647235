"""scikit-learn's digits."""

from __future__ import annotations

import importlib.metadata

import numpy as np
import pytest

from perceivers.data.bundled import digits
from perceivers.errors import MissingExtraError


def test_the_digits_are_1797_pictures_of_8_by_8_with_their_full_range() -> None:
    (table,) = digits.tables().values()
    assert len(table) == 1797
    images = np.stack(table.column("image"))
    assert (images.shape, images.dtype) == ((1797, 8, 8), np.dtype(np.uint8))
    assert (images.min(), images.max()) == (0, 255)
    assert list(table.column("label"))[:10] == list("0123456789")
    # The first row of the package's first digit is 0, 0, 5, 13, 9, 1, 0, 0 of 16.
    assert images[0, 0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]
    assert table.name(17) == "digits/0017"


@pytest.mark.parametrize("present", [None, []])
def test_without_the_package_or_its_file_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, present: list[object] | None
) -> None:
    def found(name: str) -> list[object]:
        if present is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return present

    monkeypatch.setattr(digits, "files", found)
    with pytest.raises(
        MissingExtraError, match=r'`digits` needs the package `scikit-learn`.*"perceivers\[samples\]"'
    ):
        digits.tables()
