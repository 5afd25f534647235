"""Errors about a question say nothing of options; what was received stays as it is."""

from __future__ import annotations

import pytest

from perceivers.tasks.asking.wording import in_words_of_a_question


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("is damaged", "is damaged"),
        (
            "expected a number, received 'heavy'; empty the cell if nobody knows it, or name another kind: --column a=date",
            "expected a number, received 'heavy'; leave it out if nobody knows it",
        ),
        (
            "received '0,5', which looks like a decimal comma: add --decimal comma, or write the number with a point",
            "received '0,5', which looks like a decimal comma: write the number with a point",
        ),
        (
            "received '1,500', whose comma divides: add --decimal grouped or --decimal comma, or write it without it",
            "received '1,500', whose comma divides: write it without it",
        ),
        (
            "the value of step 2 is missing; take `--missing interpolate` or `--missing mark`",
            "the value of step 2 is missing",
        ),
        (
            "has 9 bytes, more than 5; raise it (`--max-length NUMBER`), or cut long texts (`--truncate`)",
            "has 9 bytes, more than 5",
        ),
        (
            "received 7: give a larger `--coordinate-range NUMBER`, or take `--normalization sphere` or "
            "`--normalization box`",
            "received 7",
        ),
        ("is missing; take `--column-options 'a:missing=mark'`", "is missing"),
        ("row 2 is torn; mend it, or leave it out with --unreadable skip", "row 2 is torn; mend it"),
        # Nobody's options.
        (
            "expected a number, received '--fast; --slow, or it\\'s'; empty the cell",
            "expected a number, received '--fast; --slow, or it\\'s'; leave it out",
        ),
        ("a--b is unknown", "a--b is unknown"),
    ],
)
def test_advice_that_names_options_is_left_out(said: str, expected: str) -> None:
    assert in_words_of_a_question(said) == expected
