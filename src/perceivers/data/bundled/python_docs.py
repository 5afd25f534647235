"""The Python documentation's help topics, as the standard library ships them."""

from __future__ import annotations

import re

from perceivers.data.tables import ListTable, Table

_BLANK_LINES = re.compile(r"\n\s*\n")


def tables() -> dict[str, Table]:
    """Give one row a topic, with columns `topic` and `text` (English, with code).

    Many topics quote others. A paragraph that several have stands in the longest of them alone, so that no part of a
    division holds what another one holds; topics of which nothing is left are left out.
    """
    from pydoc_data.topics import topics

    unique = unique_paragraphs(topics)
    rows = [{"topic": topic, "text": text} for topic, text in unique.items()]
    return {"train": ListTable(rows, "python-docs", [f"python-docs/{topic}" for topic in unique])}


def unique_paragraphs(topics: dict[str, str]) -> dict[str, str]:
    """Keep each paragraph in the longest text that has it; texts in their order, empty ones left out."""
    seen: set[str] = set()
    kept: dict[str, str] = {}
    for topic in sorted(topics, key=lambda topic: (-len(topics[topic]), topic)):
        paragraphs = [part for part in _BLANK_LINES.split(topics[topic]) if part.strip()]
        new = [part for part in paragraphs if part.strip() not in seen]
        seen.update(part.strip() for part in paragraphs)
        if new:
            kept[topic] = "\n\n".join(new).strip("\n")
    return {topic: kept[topic] for topic in topics if topic in kept}
