"""Django's messages: 24 languages, one text a row, the same message in all of them."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest

from perceivers.data.bundled import BUNDLED, bundled_tables
from perceivers.data.bundled import django_messages as reader
from perceivers.errors import MissingExtraError


def test_a_row_is_a_message_in_one_of_24_languages() -> None:
    pytest.importorskip("django")
    table = bundled_tables("django-messages")["train"]
    rows = [table[index] for index in range(len(table))]
    counts = Counter(row["label"] for row in rows)
    assert sorted(counts) == sorted(reader.LANGUAGES)
    assert len(counts) == 24
    # Enough of each, and no language is most of the table.
    assert 300 < min(counts.values()) <= max(counts.values()) < 0.1 * len(rows)
    assert all(len(row["text"]) >= reader.SHORTEST and row["text"] != row["message"] for row in rows)
    assert len({(row["label"], row["text"]) for row in rows}) == len(rows)
    germans = {row["text"] for row in rows if row["label"] == "de" and row["message"] == "Enter a valid URL."}
    assert germans == {"Bitte eine gültige Adresse eingeben."}
    assert table.name(0).startswith(f"django-messages/{rows[0]['label']}/")
    assert BUNDLED["django-messages"].package.lower() == "django"


def test_without_the_package_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(reader, "files", absent)
    with pytest.raises(MissingExtraError, match=r"perceivers\[samples\]"):
        reader.tables()
