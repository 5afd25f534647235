"""Made sums: always the same, right by hand, no picture in two parts, and no column that tells an answer alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
import pytest

from perceivers.data.bundled import bundled_tables
from perceivers.data.bundled.arithmetic import (
    BONUSES,
    CLOSINGS,
    COLUMNS,
    FIRST_DIGITS,
    NOTES,
    OPENINGS,
    PARTS,
    PICTURES,
    SECOND_DIGITS,
    SHOPS,
    MadeSums,
)
from perceivers.data.tables import Table

pytest.importorskip("captcha")


@pytest.fixture(scope="module")
def tables() -> dict[str, Table]:
    return bundled_tables("arithmetic")


@pytest.fixture(scope="module")
def known(tables: dict[str, Table]) -> dict[str, list[dict[str, object]]]:
    return {part: known_rows(table) for part, table in tables.items()}


def digit_of_picture() -> dict[bytes, int]:
    rows = bundled_tables("digits")["train"]
    return {rows[index]["image"].tobytes(): int(rows[index]["label"]) for index in range(len(rows))}


def known_rows(table: Table) -> list[dict[str, object]]:
    """What each row says to one who can see, hear and read."""
    assert isinstance(table, MadeSums)
    digits = digit_of_picture()
    rows = []
    for index, values in enumerate(
        zip(*(table.column(name) for name in ("first", "second", "note", "bonus", "shop")), strict=True)
    ):
        first, second, note, bonus, shop = values
        rows.append(
            {
                "first": digits[first.tobytes()],
                "second": digits[second.tobytes()],
                "sign": {"P": 1, "M": -1}[table._drawn(index).sign],
                "note": 7 if "seven" in note.lower() else 0,
                "bonus": bonus,
                "shop": shop,
            }
        )
    return rows


def test_parts_have_rows_and_pictures_of_their_own(tables: dict[str, Table]) -> None:
    assert {part: len(table) for part, table in tables.items()} == PARTS
    assert all(table.columns == COLUMNS for table in tables.values())
    assert all(first[1] <= second[0] for first, second in pairwise(sorted(PICTURES.values())))
    seen = [
        {picture.tobytes() for name in ("first", "second") for picture in table.column(name)}
        for table in tables.values()
    ]
    assert not any(first & second for first, second in pairwise([*seen, seen[0]]))


def test_a_row_is_the_same_every_time_and_by_column(tables: dict[str, Table]) -> None:
    again = bundled_tables("arithmetic")["test"]
    row, other = tables["test"][7], again[7]
    assert tuple(row) == COLUMNS
    for name in ("first", "second"):
        assert row[name].dtype == np.uint8
        assert row[name].shape == (8, 8)
        assert np.array_equal(row[name], other[name])
        assert np.array_equal(row[name], again.column(name)[7])
    assert row["sign"]["sampling_rate"] == 8_000
    assert row["sign"]["array"].dtype == np.float32
    assert np.array_equal(row["sign"]["array"], other["sign"]["array"])
    for name in ("note", "bonus", "shop", "result", "parity"):
        assert row[name] == other[name] == again.column(name)[7]
    assert not np.array_equal(row["sign"]["array"], tables["test"][8]["sign"]["array"])


def test_the_result_is_the_sum_that_one_sees_hears_and_reads(
    tables: dict[str, Table], known: dict[str, list[dict[str, object]]]
) -> None:
    for part, table in tables.items():
        results, parities = table.column("result"), table.column("parity")
        for row, result, parity in zip(known[part], results, parities, strict=True):
            expected = row["first"] + row["sign"] * row["second"] + row["note"] + (row["bonus"] or 0.0)
            assert result == expected
            assert parity == ("even" if expected % 2 == 0 else "odd")


def test_every_digit_wording_and_gap_occurs(
    tables: dict[str, Table], known: dict[str, list[dict[str, object]]]
) -> None:
    rows = known["train"]
    assert {str(row["first"]) for row in rows} == FIRST_DIGITS
    assert {str(row["second"]) for row in rows} == SECOND_DIGITS
    assert {row["bonus"] for row in rows} == set(BONUSES)
    assert {row["shop"] for row in rows} == set(SHOPS)
    notes = set(tables["train"].column("note"))
    texts = [
        f"{opening}{words}{end}."
        for o in NOTES
        for words in NOTES[o]
        for opening in OPENINGS
        for end in CLOSINGS
    ]
    assert notes == {text[0].upper() + text[1:] for text in texts}


def test_no_column_alone_tells_whether_a_result_is_odd_and_two_together_do(
    tables: dict[str, Table], known: dict[str, list[dict[str, object]]]
) -> None:
    rows, parities = known["train"], tables["train"].column("parity")

    def best(*names: str) -> float:
        """Share of right answers of the best guess for each combination of these columns."""
        counts: defaultdict[tuple[object, ...], Counter[str]] = defaultdict(Counter)
        for row, parity in zip(rows, parities, strict=True):
            counts[tuple(row[name] for name in names)][parity] += 1
        return sum(max(count.values()) for count in counts.values()) / len(rows)

    assert best("first", "note") == 1.0
    for name in ("first", "second", "sign", "note", "bonus", "shop"):
        assert best(name) < 0.56
    # All but one of the two are no better.
    assert best("second", "sign", "note", "bonus") < 0.6
    assert best("first", "second", "sign", "bonus") < 0.65


def test_the_result_needs_every_column_but_the_shop(
    tables: dict[str, Table], known: dict[str, list[dict[str, object]]]
) -> None:
    rows, results = known["train"], np.array(tables["train"].column("result"))

    def explained(*names: str) -> float:
        """Share of the variance that the means of each combination of these columns explain."""
        groups: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            groups[tuple(row[name] for name in names)].append(index)
        means = np.empty(len(rows))
        for group in groups.values():
            means[group] = results[group].mean()
        return 1.0 - float(np.var(results - means) / np.var(results))

    needed = ("first", "second", "sign", "note", "bonus")
    assert explained(*needed) == 1.0
    for name in needed:
        assert explained(*(other for other in needed if other != name)) < 0.9, name
        assert explained(name) < 0.5, name
