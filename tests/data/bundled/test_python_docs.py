"""Python's help topics: no paragraph twice."""

from __future__ import annotations

from perceivers.data.bundled import BUNDLED, bundled_tables
from perceivers.data.bundled.python_docs import unique_paragraphs


def test_a_paragraph_stays_in_the_longest_topic_that_has_it() -> None:
    topics = {
        "short": "shared\n\nonly here",
        "long": "first\n  \nshared\n\nlast of the long one",
        "quoted": "shared",
    }
    assert unique_paragraphs(topics) == {
        "short": "only here",
        "long": "first\n\nshared\n\nlast of the long one",
    }


def test_a_paragraph_that_stands_twice_in_one_topic_stays() -> None:
    assert unique_paragraphs({"a": "x\n\ny\n\nx"}) == {"a": "x\n\ny\n\nx"}


def test_topics_are_rows_without_common_paragraphs() -> None:
    table = bundled_tables("python-docs")["train"]
    rows = [table[index] for index in range(len(table))]
    assert table.columns == ("topic", "text")
    assert len(rows) > 50
    assert sum(len(row["text"]) for row in rows) > 300_000
    seen: set[str] = set()
    for row in rows:
        own = {part.strip() for part in row["text"].split("\n\n")}
        assert not own & seen
        seen |= own - {""}
    assert table.name(0) == f"python-docs/{rows[0]['topic']}"
    assert "python-docs" in BUNDLED
