"""The page shades what is unlikely and shows characters whole."""

from __future__ import annotations

from perceivers.processors.events import EventVocabulary
from perceivers.tasks.base import Prediction
from perceivers.tasks.text_generation.codes import ByteCodes, EventCodes
from perceivers.tasks.text_generation.continuing import Thought
from perceivers.tasks.text_generation.page import write_page


def page_of(tmp_path, thoughts, num_given, codes, *, is_file=False):
    values = {"written": "", "tokens": 2, "bits_per_token": 1.5, "ended": False}
    shown = {"thoughts": thoughts, "num_given": num_given, "codes": codes, "is_file": is_file}
    write_page([Prediction("prompt <1>", values, shown)], tmp_path / "page.html")
    return (tmp_path / "page.html").read_text()


def test_bytes_of_a_character_are_one_place_and_tags_are_text(tmp_path) -> None:
    first, second = (each + 6 for each in "é".encode())
    thoughts = [
        Thought(ord("<") + 6, None),
        Thought(first, 0.5, ((first, 0.5), (ord(" ") + 6, 0.25), (2, 0.1), (6, 0.05))),
        Thought(second, 0.5, ((second, 0.5),)),
        Thought(ord("a") + 6, 1.0, ((ord("a") + 6, 1.0),)),
    ]
    page = page_of(tmp_path, thoughts, 1, ByteCodes())
    assert '<span class="given">&lt;</span>' in page
    # A quarter together, so three quarters of the deepest shade.
    assert "rgba(209, 73, 91, 0.41)" in page
    assert "rgba(209, 73, 91, 0.00)" in page
    assert ">é</span>" in page
    assert "byte C3 50.0% of: byte C3 50.0%, space 25.0%, [end] 10.0%, byte 00 5.0%" in page
    assert "1.50 bits each; as many tokens as were asked for" in page
    assert "prompt &lt;1&gt;" not in page
    assert "prompt &lt;1&gt;" in page_of(tmp_path, thoughts, 1, ByteCodes(), is_file=True)


def test_events_are_places_of_their_own(tmp_path) -> None:
    thoughts = [Thought(3, None), Thought(4, 0.25, ((3, 0.75), (4, 0.25)))]
    page = page_of(tmp_path, thoughts, 1, EventCodes(EventVocabulary([60, 64])))
    assert '<span class="given">60 </span>' in page
    assert "64 25.0% of: 60 75.0%, 64 25.0%" in page
