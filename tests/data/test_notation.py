"""perceivers.data.notation: which notation a table has, and that no number is ever read as another one than was meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceivers.data.frames import ColumnTable
from perceivers.data.notation import NOTATIONS, Notation, notation_beside, notation_of, settle_notation
from perceivers.data.numbers import Decimal, number_of
from perceivers.data.some_cells import SomeCells, cells_with_texts
from perceivers.errors import DataError

OPEN = "--decimal grouped or --decimal comma says which"


def table(**columns: Sequence[Any]) -> list[SomeCells]:
    return [
        SomeCells(name, cells, [f"t.csv, row {number}" for number in range(1, len(cells) + 1)])
        for name, cells in columns.items()
    ]


def decimal_of(*cells: Any, **others: Sequence[Any]) -> Decimal:
    return notation_of(table(x=cells, **others)).decimal


def test_every_notation_that_numbers_are_read_in_is_tried() -> None:
    assert get_args(Decimal) == NOTATIONS


@pytest.mark.parametrize(
    ("cell", "form"),
    [
        ("1,234,567", "{}"),
        (" -1,234.50 ", "{}"),
        ("$1,234.50", "${}"),
        ("1,234.5 kg", "{} kg"),
        ("($1,234.50)", "${}"),
        ("EUR 1,234.5", "EUR {}"),
    ],
)
def test_some_numbers_can_only_have_thousands_divided_by_commas(cell: str, form: str) -> None:
    assert decimal_of(form.format(7), form.format("1,234"), cell) == "grouped"


@pytest.mark.parametrize(
    ("cell", "form"),
    [
        *((cell, "{}") for cell in ("0,5", "12,25", "-,5", "1.234,5", "0,123", "1234,567", " 1,5e-7")),
        ("12,50 €", "{} €"),
        ("€ 12,5", "€ {}"),
        ("12,5 %", "{}%"),
        ("8,7M", "{}k"),
    ],
)
def test_some_numbers_can_only_have_a_decimal_comma(cell: str, form: str) -> None:
    assert decimal_of(form.format(7), form.format("1,234"), cell) == "comma"


def test_numbers_without_commas_say_nothing_else_than_a_point() -> None:
    assert notation_of([]) == notation_of(table(x=["12.5", "7", None, "NA"], y=[1.5, None])) == Notation()
    assert notation_of(table(x=[], y=[None, ""])) == Notation()


def test_a_comma_that_can_be_both_is_open_and_stays_an_error() -> None:
    found = notation_of(table(y=["12", "7"], x=["950", "1,234", "1,235"]))
    assert found.decimal == "point"
    assert found.note == (
        f"the comma of '1,234' (`t.csv, row 2`, column 'x') divides thousands or stands before a fraction: {OPEN}"
    )


@pytest.mark.parametrize(
    ("other", "decimal"), [("12.5", "grouped"), ("0.123", "grouped"), ("1.234", "point"), ("-1.234", "point")]
)
def test_it_divides_thousands_where_another_number_has_a_point_that_cannot_divide_them(
    other: str, decimal: Decimal
) -> None:
    assert decimal_of("1,234", y=[other]) == decimal
    # Typed numbers do not say how others are written.
    assert decimal_of("1,234", y=[12.5]) == "point"
    assert decimal_of("1,234 kg", "7 kg", y=[f"{other} m", "1 m"]) == decimal


@pytest.mark.parametrize("sign", ["$", "-$", "US$", "NT$ ", "£", "¥", "₹ ", "₩"])
def test_it_divides_thousands_behind_a_sign_of_languages_that_write_them_so(sign: str) -> None:
    assert decimal_of(f"{sign}1,234", f"{sign}5") == "grouped"
    # The table has one notation.
    assert decimal_of("1,235", y=[f"{sign}1,234", f"{sign}5"]) == "grouped"


@pytest.mark.parametrize(
    "cell", ["€1,234", "R$1,234", "1,234 $", "1,234 USD", "USD 1,234", "1,234 kg", "₺1,234"]
)
def test_other_currencies_and_units_leave_it_open(cell: str) -> None:
    found = notation_of(table(x=[cell, cell.replace("1,234", "2,345")]))
    assert found.decimal == "point"
    assert found.note.endswith(OPEN)


def test_the_note_names_the_choice_a_cell_and_how_to_overrule_it() -> None:
    assert notation_of(table(x=["1", "1,234.5"])).note == (
        "numbers are read with --decimal grouped: the commas of '1,234.5' (`t.csv, row 2`, column 'x') divide thousands; "
        "--decimal point or comma overrules it"
    )
    assert notation_of(table(x=["0,5"])).note == (
        "numbers are read with --decimal comma: the comma of '0,5' (`t.csv, row 1`, column 'x') stands before a fraction; "
        "--decimal point or grouped overrules it"
    )
    assert (
        "of '1,234' (`t.csv, row 1`, column 'x') divides thousands, because '12.5' (`t.csv, row 2`, column 'y') has"
        in (notation_of(table(x=["1,234", "5"], y=["3", "12.5"])).note)
    )
    assert "as is usual where $ is written before a number" in notation_of(table(x=["$1,234"])).note


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ("1,234.5", "with commas that divide thousands"),
        ("12.5", "with a point before its fraction"),
        ("1.234", "with a point:"),
        ("$1,234", "with a comma that divides thousands, by the sign before it:"),
    ],
)
def test_cells_in_two_notations_are_both_named(other: str, what: str) -> None:
    with pytest.raises(DataError) as error:
        notation_of(table(y=[None, other], x=["0,5", "1"]))
    assert str(error.value).startswith(
        f"`t.csv, row 1`, column 'x' has '0,5', with a comma before its fraction, but `t.csv, row 2`, column 'y' has "
        f"{other!r}, {what}"
    )
    assert "say with --decimal which notation is meant" in str(error.value)


@pytest.mark.parametrize(
    "cells",
    [
        ["1,2,3", "4,5,6"],
        ["0,5 or so", "0,5"],
        ["about 1,234.5", "1,234.5", "none of it"],
        ["room 0,5", "room 1,5"],
        ["0,5 kg", "0,5 g", "0,5 m"],
        ["1:02,5", "2:03,5"],
        ["0,5", *["word"] * 3],
    ],
)
def test_lists_words_and_mixed_units_are_no_evidence(cells: list[str]) -> None:
    assert notation_of(table(x=cells)) == Notation()
    assert decimal_of("1,234.5", y=cells) == "grouped"


def test_two_strange_cells_of_a_hundred_do_not_silence_a_column() -> None:
    assert decimal_of(*["0,5"] * 98, "many", "few") == "comma"
    assert decimal_of(*["0,5"] * 97, "many", "few", "some") == "point"


VALUES = st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=7)


@st.composite
def written_table(draw: st.DrawFn, decimal: Decimal) -> tuple[list[list[str]], list[list[float]]]:
    """Columns of numbers that are all written in one notation, with the numbers that are meant."""
    columns, numbers = [], []
    for _ in range(draw(st.integers(1, 3))):
        # What has points in thousands and nothing else, 1.234, is a number with a point to everybody.
        places = draw(st.integers(1 if decimal == "comma" else 0, 3))
        divides = decimal == "grouped" or (decimal == "comma" and draw(st.booleans()))
        meant = [value / 10**places for value in draw(VALUES)]
        texts = [f"{number:{',' if divides else ''}.{places}f}" for number in meant]
        if decimal == "comma":
            texts = [text.translate(str.maketrans(",.", ".,")) for text in texts]
        columns.append(texts)
        numbers.append(meant)
    return columns, numbers


@given(st.data(), st.sampled_from(NOTATIONS))
def test_a_table_is_read_as_it_was_meant_or_its_commas_are_open(
    data: st.DataObject, decimal: Decimal
) -> None:
    columns, numbers = data.draw(written_table(decimal))
    found = notation_of(table(**{f"c{place}": cells for place, cells in enumerate(columns)}))
    if found.note.endswith(OPEN):
        # Nothing in the whole table can be read in one way alone.
        assert found.decimal == "point"
        assert decimal != "point"
        return
    read = [[number_of(cell, found.decimal) for cell in cells] for cells in columns]
    assert read == numbers


@given(written_table("grouped"), written_table("comma"), st.randoms())
def test_the_order_of_rows_and_columns_does_not_matter(grouped: Any, comma: Any, chance: Any) -> None:
    for columns, _ in (grouped, comma):
        mixed = [chance.sample(cells, len(cells)) for cells in chance.sample(columns, len(columns))]
        one = notation_of(table(**{f"c{place}": cells for place, cells in enumerate(columns)}))
        other = notation_of(table(**{f"c{place}": cells for place, cells in enumerate(mixed)}))
        assert one.decimal == other.decimal
        assert one.note.endswith(OPEN) == other.note.endswith(OPEN)


@given(written_table("grouped"), st.sampled_from(["0,5", "1.234,5", "12,25"]))
def test_what_only_one_notation_has_is_never_read_beside_a_cell_of_the_other(grouped: Any, cell: str) -> None:
    columns = table(own=["1,234,567"], **{f"c{place}": cells for place, cells in enumerate(grouped[0])})
    with pytest.raises(DataError, match="write all numbers alike"):
        notation_of([*columns, *table(other=[cell])])


def settled(asked: Any, **cells: Sequence[Any]) -> tuple[Notation, list[Decimal]]:
    tables: Any = {"train": ColumnTable(cells, "t.csv"), "test": ColumnTable({"x": ["7"]}, "u.csv")}
    found = settle_notation(tables, asked, lambda train: list(cells_with_texts(train, train.columns)))
    return found, [each.decimal for each in tables.values()]


def test_all_parts_are_read_as_the_training_table_is_written() -> None:
    found, decimals = settled("auto", x=["0,5", "7"])
    assert found.note.startswith("numbers are read with --decimal comma: the comma of '0,5' (`t.csv, row 1`")
    assert decimals == ["comma", "comma"]


def test_what_the_user_says_is_not_looked_for() -> None:
    assert settled("grouped", x=["0,5", "1,234.5"]) == (Notation("grouped"), ["grouped", "grouped"])
    assert settled("point", x=["0,5"]) == (Notation("point"), ["point", "point"])


def test_a_table_that_was_made_with_a_notation_keeps_it() -> None:
    train = ColumnTable({"x": ["1,234"]}, "t.csv")
    train.decimal = "grouped"
    assert settle_notation({"train": train}, "auto", lambda _: []) == Notation("grouped")


@pytest.mark.parametrize(
    ("known", "cells", "expected"),
    [
        ("point", ("0.5", "1.234"), "point"),
        ("point", ("3", "0,5"), "comma"),
        ("point", ("1.234,5", "7"), "comma"),
        ("point", ("1,234.5", "12.5"), "grouped"),
        ("point", ("$1,234", "$7"), "grouped"),
        ("point", ("1,234", "12.5"), "grouped"),
        ("grouped", ("1,234", "0,5"), "comma"),
        ("grouped", ("1,234", "12.5"), "grouped"),
        ("comma", ("12.5", "7"), "point"),
        ("comma", ("12.5", "1,234,567"), "grouped"),
        # What can be meant in two ways stays the run's, an error where it cannot be read so.
        ("point", ("1,234", "7"), "point"),
        ("comma", ("1.234", "7"), "comma"),
        ("comma", ("1,234", "7"), "comma"),
        # Two notations in one table are errors, row by row.
        ("point", ("0,5", "12.5"), "point"),
        ("comma", ("0,5", "12.5"), "comma"),
        ("point", ("1.234", "0,5"), "point"),
        ("point", (), "point"),
    ],
)
def test_a_table_that_a_run_is_asked_about_is_read_as_the_run_was_unless_it_can_only_be_read_otherwise(
    known: Decimal, cells: tuple[str, ...], expected: Decimal
) -> None:
    found = notation_beside(table(x=cells), known)
    assert found.decimal == expected
    assert bool(found.note) is (expected != known)
    if found.note:
        start = f"numbers are read with --decimal {expected}, where those that the run was trained on have --decimal {known}"
        assert found.note.startswith(start)
        assert found.note.endswith(f"; --decimal {known} overrules it")
