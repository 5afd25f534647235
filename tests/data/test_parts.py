"""Names of parts."""

from __future__ import annotations

import pytest

from perceivers.data.parts import named_parts, part_of, parts_told
from perceivers.errors import DataError


@pytest.mark.parametrize(
    ("names", "part"),
    [
        (["train", "Training", "TRAIN", "trn", "train_set", "Training Set", "trainset"], "train"),
        (["val", "Valid", "validation", "dev", "eval", "devel", "evaluation"], "validation"),
        (["test", "Testing", "tst", "test-set"], "test"),
        (["trains", "tests", "", "cat", "all", "my set", "set"], None),
    ],
)
def test_parts_have_their_usual_names_in_any_case(names: list[str], part: str | None) -> None:
    assert [part_of(name) for name in names] == [part] * len(names)


def test_names_of_parts_are_found_among_others() -> None:
    assert named_parts(["Testing", "cat", "Training"], "d") == {"test": "Testing", "train": "Training"}
    assert named_parts(["cat", "dog"], "d") == {}


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (["X_train", "X_test", "notes"], {"train": "X_train", "test": "X_test"}),
        (["train-v2.1", "dev-v2.1"], {"train": "train-v2.1", "validation": "dev-v2.1"}),
        (["ItalyPower_TRAIN", "ItalyPower_TEST"], {"train": "ItalyPower_TRAIN", "test": "ItalyPower_TEST"}),
        (["01_train", "02_test"], {"train": "01_train", "test": "02_test"}),
        # Where a name is that of a part, the others are something else.
        (["train", "train_labels"], {"train": "train"}),
        (["train_test", "trainable", "latest"], {}),
    ],
)
def test_names_that_begin_or_end_with_a_part_are_found_where_that_is_asked_for(
    names: list[str], parts: dict[str, str]
) -> None:
    assert named_parts(names, "d", affixed=True) == parts
    if names[0] != "train":
        assert named_parts(names, "d") == {}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train", "Train"], "`d` holds 'train' and 'Train', which both mean the part train: rename one, or name"),
        (["val", "dev"], "`d` holds 'val' and 'dev', which both mean the part validation"),
        (["a_train", "b_train", "a_test"], "`d` holds parts of several data sets, a_train, b_train, a_test: name one"),
        (["a_train", "train_a"], "`d` holds 'a_train' and 'train_a', which both mean the part train"),
    ],
)  # fmt: skip
def test_names_that_can_mean_two_things_are_refused(names: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        named_parts(names, "d", affixed=True)


@pytest.mark.parametrize(
    ("name", "cells", "parts"),
    [
        ("split", ["train", "test", "train"], ["train", "test"]),
        ("Data Set", ["Training", " VAL ", "testing", None], ["train", "validation", "test"]),
        ("split", ["train", "train"], []),
        ("split", ["test", "validation"], []),
        ("split", ["train", "test", "wood"], []),
        ("set", [1, 2, 3], []),
        ("department", ["Training", "Development"], []),
    ],
)
def test_a_column_tells_parts_where_its_name_and_all_its_cells_say_so(
    name: str, cells: list[object], parts: list[str]
) -> None:
    assert parts_told(name, cells) == parts
