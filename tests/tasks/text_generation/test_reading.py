"""Documents: whole numbers in every form, pieces of few documents, groups."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.tasks.text_generation.prompts import prompt_of
from perceivers.tasks.text_generation.reading import (
    Document,
    events_of,
    in_pieces,
    joined_events,
    piece_length,
)


@pytest.mark.parametrize(
    "cell", ["60 62\n64", "60, 62; 64", [60, 62, 64], np.array([60.0, 62.0, 64.0]), " 60 62 64 "]
)
def test_whole_numbers_are_read_in_every_form(cell) -> None:
    assert events_of(cell, "the column 'notes'").tolist() == [60, 62, 64]


@pytest.mark.parametrize("cell", ["", None, "a b", [1.5], [], "1 nan", {}])
def test_what_is_no_whole_number_is_named(cell) -> None:
    with pytest.raises(
        DataError, match="must have whole numbers in the column 'notes', a list or a text such as"
    ):
        events_of(cell, "the column 'notes'")


def test_a_prompt_that_has_no_events_is_no_column() -> None:
    with pytest.raises(
        DataError, match="must have whole numbers in the prompt 'sixty', a list or a text such as"
    ):
        prompt_of("sixty", b"sixty", True)


def test_rows_of_single_events_are_gathered_by_document_in_their_order() -> None:
    table = ListTable([{"n": str(3 * i), "d": "ba"[i % 2]} for i in range(5)], "t")
    joined = joined_events(table, "n", "d")
    assert [row["n"].tolist() for row in (joined[0], joined[1])] == [[0, 6, 12], [3, 9]]
    assert joined.name(0) == "t, b"
    assert joined_events(table, "n", None)[0]["n"].tolist() == [0, 3, 6, 9, 12]
    several = ListTable([{"n": "1 2"}, {"n": "3"}], "t")
    assert joined_events(several, "n", None) is several
    with pytest.raises(DataError, match="`t, row 2`: must have whole numbers"):
        joined_events(ListTable([{"n": 1}, {"n": "x"}], "t"), "n", None)


def test_few_documents_are_cut_where_they_are_divided() -> None:
    long = Document("long", np.arange(200_000) % 250)
    short = Document("short", np.arange(100))
    table = in_pieces([long, short], "t", 17, divides=True)
    pieces = [row["piece"] for row in (table[index] for index in range(len(table)))]
    assert len(pieces) == round(200_000 / piece_length(200_100, 17)) + 1
    assert [each.is_end for each in pieces[-2:]] == [True, True]
    assert not any(each.is_end for each in pieces[:-2])
    assert np.array_equal(np.concatenate([each.values for each in pieces[:-1]]), long.values)
    assert table.name(0).startswith("long, tokens 0 to ")
    assert len(in_pieces([long, short], "t", 17, divides=False)) == 2
    grouped = in_pieces(
        [Document("a", long.values, "g"), Document("b", short.values, "h")], "t", 17, divides=True
    )
    assert [grouped[index]["group"] for index in range(2)] == ["g", "h"]
    assert len(in_pieces([short] * 50, "t", 17, divides=True)) == 50


@pytest.mark.parametrize(("total", "expected"), [(1_000_000, 10_000), (100_000, 4_096), (1_000, 100), (5, 1)])
def test_pieces_are_a_hundredth_but_not_too_short(total, expected) -> None:
    assert piece_length(total, 13) == expected
    assert piece_length(1_000_000, 1_024) == 16_384
