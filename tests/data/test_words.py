"""Names and counts in messages."""

from __future__ import annotations

from perceivers.data.words import counted, listed


def test_many_names_are_cut() -> None:
    assert listed("abc", 3) == "a, b, c"
    assert listed((str(index) for index in range(1005)), 2) == "0, 1 and 1,003 more"


def test_one_and_many_have_their_words() -> None:
    assert [counted(number, "file", "files") for number in (0, 1, 1000)] == [
        "0 files",
        "1 file",
        "1,000 files",
    ]
