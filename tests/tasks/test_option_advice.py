"""Advice that names an option is given where the option is, and nowhere else."""

from __future__ import annotations

import pytest

from perceivers.errors import DataError
from perceivers.tasks.option_advice import OF_ASKING, advising, without_options

COMMA = (
    "received '0,5', which looks like a decimal comma: add --decimal comma, or write the number with a point"
)
KIND = "expected a number, received 'heavy'; empty the cell if nobody knows it, or name another kind: --column a=date"


def test_options_that_can_be_given_are_advised_and_others_are_not() -> None:
    assert without_options(COMMA, OF_ASKING) == COMMA
    assert (
        without_options(KIND, OF_ASKING)
        == "expected a number, received 'heavy'; empty the cell if nobody knows it"
    )
    assert (
        without_options("torn; mend it, or leave it out with --unreadable skip", ("decimal",))
        == "torn; mend it"
    )
    assert without_options("give one, --white-level 7 or --decimal comma, or mend it", OF_ASKING) == "mend it"


def test_an_error_is_raised_again_without_them() -> None:
    with (
        pytest.raises(
            DataError, match=r"^expected a number, received 'heavy'; empty the cell if nobody knows it$"
        ),
        advising("decimal"),
    ):
        raise DataError(KIND)
