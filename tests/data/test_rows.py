"""Samples from rows: decoding, division, unreadable ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from perceivers.arguments import DataArguments
from perceivers.data.rows import RowSamples, class_id, load_splits, names_of_classes
from perceivers.data.tables import ListTable, require_columns
from perceivers.errors import DataError


def double(row: Mapping[str, Any], table: Any) -> int:
    if row["x"] is None:
        raise DataError("has no number")
    return 2 * int(row["x"])


def table_of(count: int, **columns: Any) -> ListTable:
    rows = [{"x": index, **{name: make(index) for name, make in columns.items()}} for index in range(count)]
    return ListTable(rows, "numbers")


def load(table: ListTable, **options: Any) -> Any:
    how = {name: options.pop(name) for name in ("labels", "groups", "labels_are_numbers") if name in options}
    return load_splits(DataArguments(data="numbers", **options), {"train": table}, double, **how)


def values(part: Any) -> list[int]:
    return [part[index] for index in range(len(part))]


def test_samples_are_decoded_when_they_are_asked_for() -> None:
    samples = RowSamples(table_of(5), [3, 1], double)
    assert values(samples) == [6, 2]
    assert samples.name(0) == "numbers, row 4"
    assert values(samples.select([1])) == [2]


def test_a_row_that_cannot_be_decoded_is_named() -> None:
    samples = RowSamples(ListTable([{"x": 1}, {"x": None}], "numbers"), [0, 1], double)
    with pytest.raises(DataError, match=r"^`numbers, row 2`: has no number$"):
        samples[1]


def test_every_row_lands_in_one_part() -> None:
    splits = load(table_of(50), test_fraction=0.2, validation_fraction=0.25)
    parts = [values(part) for part in (splits.train, splits.validation, splits.test)]
    assert [len(part) for part in parts] == [30, 10, 10]
    assert sorted(value for part in parts for value in part) == list(range(0, 100, 2))


def test_every_class_has_its_share() -> None:
    splits = load(table_of(40, label=lambda index: "ab"[index % 4 == 0]), labels="label", test_fraction=0.5)
    assert sum(value % 8 == 0 for value in values(splits.test)) == 5
    assert len(splits.test) == 20


def test_small_and_large_numbers_have_their_share() -> None:
    table = table_of(200, price=lambda index: str(index / 7))
    splits = load(table, labels="price", labels_are_numbers=True, test_fraction=0.1, validation_fraction=0.0)
    assert [
        sum(40 * place <= value < 40 * place + 40 for value in values(splits.test)) for place in range(10)
    ] == [2] * 10


def test_a_part_without_answers_is_named() -> None:
    tables = {"train": table_of(5, label=str), "test": table_of(3)}
    with pytest.raises(DataError) as error:
        load_splits(DataArguments(data="numbers"), tables, double, labels="label")
    assert str(error.value) == (
        "`numbers` has no column 'label', unlike the training part: rows without answers are for predict; give others as "
        "`test_data`, or the training table alone as `data`, of which a share is held out"
    )


def test_groups_stay_together() -> None:
    splits = load(table_of(60, document=lambda index: index // 6), groups="document", test_fraction=0.3)
    documents = [
        {value // 12 for value in values(part)} for part in (splits.train, splits.validation, splits.test)
    ]
    assert [len(names) for names in documents] == [6, 1, 3]
    assert not documents[0] & documents[1]
    assert not (documents[0] | documents[1]) & documents[2]


def test_parts_of_their_own_are_not_divided() -> None:
    tables = {"train": table_of(5), "validation": table_of(2), "test": table_of(3)}
    splits = load_splits(DataArguments(data="numbers"), tables, double)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [5, 2, 3]


def torn() -> ListTable:
    return ListTable([{"x": None if index in (4, 7) else index} for index in range(20)], "numbers")


def test_an_unreadable_row_stops_before_training() -> None:
    with pytest.raises(DataError) as error:
        load(torn())
    assert str(error.value) == (
        "`numbers, row 5`: has no number (and 1 more); mend it, remove it, or leave it out with --unreadable skip"
    )


def test_unreadable_rows_may_be_left_out_and_are_reported() -> None:
    splits = load(torn(), unreadable="skip")
    assert splits.unreadable == ("`numbers, row 5`: has no number", "`numbers, row 8`: has no number")
    assert len(splits.train) + len(splits.validation) + len(splits.test) == 18


def test_rows_may_be_trusted_until_they_are_met() -> None:
    splits = load(torn(), unreadable="trust")
    assert splits.unreadable == ()
    with pytest.raises(DataError, match="has no number"):
        values(splits.part("all"))


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match="`numbers` must have a column 'label', received x, kind"):
        load(table_of(3, kind=str), labels="label")
    require_columns(table_of(3, kind=str), "x", "kind")


def test_class_names_are_in_their_natural_order() -> None:
    table = ListTable([{"label": value} for value in ("b", "10", 9, "a", "9", "-1")], "numbers")
    assert names_of_classes(table, "label") == ("-1", "9", "10", "a", "b")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "a"], "`numbers` must hold two classes or more, received only 'a'"),
        (["a", None], "`numbers, row 2` has no value in the column 'label'"),
        (["a", ""], "`numbers, row 2` has no value in the column 'label'"),
    ],
)
def test_classes_that_cannot_be_used_are_named(labels: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        names_of_classes(ListTable([{"label": label} for label in labels], "numbers"), "label")


def test_a_class_has_its_index() -> None:
    assert class_id(10, ("9", "10"), "label") == 1
    with pytest.raises(DataError, match="has the class '7' in the column 'label', which is not one of 9, 10"):
        class_id(7, ("9", "10"), "label")
    # A gap among whole numbers makes many programs write 1.0 for 1.
    assert class_id("1.0", ("0", "1"), "label") == class_id(1, ("0.0", "1.0"), "label") == 1
    for value, names in (("1.10", ("1.1", "2")), ("1.0", ("1", "1.5")), ("01", ("0", "1"))):
        with pytest.raises(DataError, match=f"has the class '{value}'"):
            class_id(value, names, "label")
    many = [str(number) for number in range(23)]
    with pytest.raises(DataError, match="18, 19 and 3 more"):
        class_id("x", many, "label")
