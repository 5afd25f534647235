"""Texts as HTML: each word's background follows the weight of its bytes, and nothing in a text is markup."""

from __future__ import annotations

import re

from perceivers.kinds.text.drawing import shaded_words


def test_words_are_shaded_by_their_share_of_the_heaviest() -> None:
    html = shaded_words(b"ab c", [0.1, 0.3, 0.9, 0.2])
    # The space weighs nothing; 0.4 for the first word, 0.2 for the second.
    assert re.findall(r"rgba\(209, 73, 91, ([\d.]+)\)\">(\w+)<", html) == [("0.55", "ab"), ("0.28", "c")]


def test_a_text_is_no_markup() -> None:
    html = shaded_words("<b>é</b>\n".encode(), [0.0] * 10)
    assert "&lt;b&gt;é&lt;/b&gt;</span>\n" in html
    assert "0.00" in html
