"""perceivers.data.units, and the forms that columns write them in; numbers are worked out by hand."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceivers.data.unit_columns import unit_form_of
from perceivers.data.unit_forms import UnitForm
from perceivers.data.units import Measured, measured
from perceivers.errors import DataError

PARTS = {
    "12 kg": ("12", "", " kg"),
    "-3.5mi": ("-3.5", "", "mi"),
    "72°F": ("72", "", "°F"),
    "$1,234.5": ("1,234.5", "$", ""),
    "-US$ 5": ("-5", "US$ ", ""),
    "€-5": ("-5", "€", ""),
    "1 234,5 EUR": ("1 234,5", "", " EUR"),
    "Rs. 7": ("7", "Rs. ", ""),
    "$12/hr": ("12", "$", "/hr"),
    "1.5e-7 mol/l": ("1.5e-7", "", " mol/l"),
    "65 m2": ("65", "", " m2"),
    "12 kg/m³": ("12", "", " kg/m³"),
    "12 sq. ft.": ("12", "", " sq. ft."),
    "- kg": ("-", "", " kg"),
    "n/a %": ("n/a", "", " %"),
    "12": ("12", "", ""),
}


@pytest.mark.parametrize("text", PARTS)
def test_a_cell_has_parts(text: str) -> None:
    assert measured(f" {text} ") == Measured(*PARTS[text], is_bracketed=False)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "kg",
            "A12",
            "Room 7",
            "user_34",
            "Q3",
            "v2",
            "12-B",
            "1st",
            "2ND",
            "3 pm",
            "5½",
            "12 x2",
            "infection",
            "3rd class",
            "2. Divorced",
            "-kg",
        ),
        *("12 kg of flour and more", "($5", "$5)", "16:9", "#1", "1/2", "<5 kg", "x" * 65),
    ],
)
def test_other_cells_have_none(text: str) -> None:
    assert measured(text) is None


# Column -> its form as people are told it, and its numbers.
COLUMNS: dict[tuple[Any, ...], tuple[str, list[float | None]]] = {
    ("12 kg", "7.5kg", "- kg", "n/a", "3 KG"): ("`0.0 kg`", [12.0, 7.5, None, None, 3.0]),
    ("12", "13 kg", 14, "15.0 kg", "1kg"): ("`0.0 kg`", [12.0, 13.0, 14.0, 15.0, 1.0]),
    ("0", "$4.99", "0", 0, "0.0", "-$1"): ("`$0.00`", [0.0, 4.99, 0.0, 0.0, 0.0, -1.0]),
    ("5M", "0", "7M", 0.0): ("`0M`", [5.0, 0.0, 7.0, 0.0]),
    ("300 K", "300", "310 K"): ("`0 K`", [300.0, 300.0, 310.0]),
    ("-$5", "$-5.25", "($5)", "$7", "5 $", "$(2)"): ("`$0.00`", [-5.0, -5.25, -5.0, 7.0, 5.0, -2.0]),
    ("12 USD", "USD 5", "13 usd"): ("`0 USD`", [12.0, 5.0, 13.0]),
    ("45%", "7 %"): ("`0%`", [45.0, 7.0]),
    ("10+", "5+"): ("`0+`", [10.0, 5.0]),
    ("5 lbs", "1 lb", "6 lbs"): ("`0 lbs`", [5.0, 1.0, 6.0]),
    ("1.5e-7 mol", "1e400 mol"): ("`0 mol`", [1.5e-7, math.inf]),
    ("5m", "7m"): ("`0m`", [5.0, 7.0]),
    ("5k", "7k"): ("`0k`", [5.0, 7.0]),
    ("8.7M", "201k", "1.1m", "2bn"): (
        "`0.0k`, `0.0M`, `0.0bn`, multiplied out",
        [8_700_000.0, 201_000.0, 1_100_000.0, 2e9],
    ),
    ("1.2k", "950", "3.4k"): ("`0.0`, `0.0k`, multiplied out", [1_200.0, 950.0, 3_400.0]),
    ("$1.2M", "$300k", "$950", "($2k)"): (
        "`$0.0`, `$0.0k`, `$0.0M`, multiplied out",
        [1_200_000.0, 300_000.0, 950.0, -2_000.0],
    ),
    ("$300k", "$20k"): ("`$0k`, multiplied out", [300_000.0, 20_000.0]),
    ("3 M€", "0.5 M€"): ("`0.0 M€`, multiplied out", [3_000_000.0, 500_000.0]),
}


@pytest.mark.parametrize("cells", COLUMNS)
def test_a_column_has_a_form_that_reads_its_numbers(cells: tuple[Any, ...]) -> None:
    form = unit_form_of(cells)
    assert form is not None
    said, numbers = COLUMNS[cells]
    assert form.described() == said
    assert [form.number_of(cell, "point") for cell in cells] == numbers
    assert UnitForm.of_state(json.loads(json.dumps(form.state()))) == form


@pytest.mark.parametrize(
    "cells",
    [
        [],
        ["1", "2"],
        ["A12", "A13"],
        ["007 kg", "008 kg"],
        ["12 kg", "300 g"],
        ["12 kg", "tall"],
        ["1", "2", "3 kg"],
        ["5'11\"", "6'2\""],
        ["5 mW", "5 MW"],
        ["300K", "300", "310K"],
        ["5M", "7", "8M"],
        ["0", "1", "3+", "3+", "0"],
        ["3M", "6M", "2T", "4T"],
        ["12A", "13B", "14C"],
        ["($5)", "($7)", "$8"],
        ["(5 kg)", "(7 kg)", "8 kg"],
    ],
)  # fmt: skip
def test_a_column_that_may_be_something_else_has_none(cells: list[str]) -> None:
    assert unit_form_of(cells) is None


def test_a_few_cells_may_be_something_else() -> None:
    assert unit_form_of([*["1 kg"] * 49, "tall"], mostly=0.98) is not None
    assert unit_form_of([*["1 kg"] * 48, "tall"], mostly=0.98) is None
    assert unit_form_of([*["1 kg"] * 48, "tall", "- kg", "? kg"], mostly=0.98) is None


KILOS = UnitForm(behind=" kg")
DOLLARS = UnitForm("$", multiples=("", "k", "M"), decimals=1)
THOUSANDS = UnitForm(behind="k", takes_numbers=False)


@pytest.mark.parametrize(
    ("form", "cell", "message"),
    [
        (KILOS, "300 g", "a number such as 12 kg, received '300 g'"),
        (KILOS, "$12 kg", "such as 12 kg"),
        (KILOS, "(5 kg)", "such as 12 kg"),
        (KILOS, "kg", "such as 12 kg"),
        (KILOS, "12 5 kg", "expected a number, received '12 5 kg'"),
        (KILOS, "1,234.5 kg", "received '1,234.5 kg', whose thousands .*--decimal grouped"),
        (KILOS, "0,5 kg", "received '0,5 kg', which looks like a decimal comma: add --decimal comma"),
        (KILOS, "1 234 kg", "received '1 234 kg', whose thousands are divided by spaces"),
        (UnitForm(behind=" mW"), "5 MW", "such as 12 mW"),
        (DOLLARS, "€5", r"such as \$12M, received '€5'"),
        (DOLLARS, "(-$5)", r"such as \$12M"),
        (UnitForm(multiples=("k", "M")), "5t", "such as 12M, received '5t'"),
        (THOUSANDS, "950", "such as 12k, received '950'"),
        (THOUSANDS, 950.0, "such as 12k, received 950.0"),
        (KILOS, [1], "expected a number"),
    ],
)
def test_what_is_no_number_of_a_form_is_refused(form: UnitForm, cell: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        form.number_of(cell, "point")


def test_numbers_are_read_as_they_are_written_everywhere() -> None:
    assert KILOS.number_of("1.234,5 kg", "comma") == 1234.5
    assert KILOS.number_of("1,234.5 kg", "grouped") == 1234.5
    assert UnitForm(multiples=("k", "M")).number_of("1B", "point") == 1e9
    assert DOLLARS.number_of("$2t", "point") == 2e12
    assert KILOS.number_of(float("nan"), "point") is None


@pytest.mark.parametrize(
    ("form", "number", "text"),
    [
        (KILOS, 12.4, "12 kg"),
        (KILOS, -0.3, "0 kg"),
        (KILOS, math.inf, "inf"),
        (UnitForm("$", decimals=2), -1234.5, "-$1234.50"),
        (UnitForm("$", decimals=2, decimal="grouped", is_grouped=True), -1234.5, "-$1,234.50"),
        (UnitForm(behind=" €", decimals=2, decimal="comma"), 1234.5, "1234,50 €"),
        (UnitForm(behind=" mol", decimals=None), 1.5e-7, "1.5e-07 mol"),
        (DOLLARS, 999_960.0, "$1M"),
        (DOLLARS, 8_743_210.0, "$8.7M"),
        (DOLLARS, 201_000.0, "$201k"),
        (DOLLARS, -950.25, "-$950.2"),
        (DOLLARS, 0.0, "$0"),
        (UnitForm("$", multiples=("", "M")), 950_000.0, "$950000"),
        (UnitForm(multiples=("k", "M"), decimals=0), 100_000.0, "100k"),
        (UnitForm(multiples=("k", "M"), decimals=1, decimal="comma"), 1_500_000.0, "1,5M"),
    ],
)  # fmt: skip
def test_numbers_are_written_in_a_form(form: UnitForm, number: float, text: str) -> None:
    assert form.written(number) == text


def test_decimals_and_commas_are_those_of_the_column() -> None:
    comma, grouped = (
        unit_form_of(cells, decimal=decimal)  # type: ignore[arg-type]
        for cells, decimal in (
            (["12,50 €", "7 €"], "comma"),
            (["$1,234.5", "$7", "$8", "9.25", 0.1 + 0.2], "grouped"),
        )
    )
    assert comma == UnitForm(behind=" €", decimals=2, decimal="comma")
    assert grouped == UnitForm("$", decimals=2, decimal="grouped", is_grouped=True)


FORMS = st.builds(
    UnitForm,
    before=st.sampled_from(["", "$", "USD ", "€ ", "R$"]),
    behind=st.sampled_from(["", " kg", "%", "/h", " m2", "+", '"']),
    decimals=st.integers(0, 5),
    decimal=st.sampled_from(["point", "comma"]),
).filter(lambda form: bool(form.before or form.behind)) | st.builds(
    UnitForm,
    before=st.sampled_from(["", "$"]),
    decimals=st.integers(0, 5),
    decimal=st.just("grouped"),
    behind=st.just(" €"),
    is_grouped=st.booleans(),
)


@given(FORMS, st.integers(-(10**12), 10**12))
def test_what_is_written_is_read_again(form: UnitForm, digits: int) -> None:
    number = digits / 10 ** (form.decimals or 0)
    text = form.written(number)
    assert form.number_of(text, form.decimal) == number
    again = unit_form_of([text], decimal=form.decimal)
    assert again is not None
    assert again.number_of(text, form.decimal) == number


@given(st.integers(-(10**6), 10**6), st.sampled_from([0, 3, 6]))
def test_multiples_that_are_written_are_read_again(digits: int, power: int) -> None:
    number = float(f"{digits}e{power - 1}")
    again = DOLLARS.number_of(DOLLARS.written(number), "point")
    assert again is not None
    # Half of the last of at least two digits; and what has no more digits than the column, exactly.
    assert abs(again - number) <= 0.0501 * abs(number)
    assert again == number or abs(digits) >= 10_000


@given(st.text(alphabet="0123456789:.,+-$€ kMBgmn%/()eE'\"a²", max_size=20))
def test_any_text_has_a_form_that_reads_it_as_it_says_or_none(text: str) -> None:
    form = unit_form_of([text])
    if form is None:
        return
    try:
        number = form.number_of(text, "point")
    except DataError:
        return
    assert number is not None
    if math.isfinite(number) and form.decimals is not None:
        assert form.number_of(form.written(number), "point") == pytest.approx(number, rel=1e-9)
