"""Django's messages in 24 languages, read from its compiled catalogues without importing it."""

from __future__ import annotations

import gettext
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from perceivers.data.tables import ListTable, Table
from perceivers.errors import MissingExtraError

# The languages in Latin script with the most messages under the rule of `tables`, each with a two-letter code: no regional
# variants, which differ in few messages.
LANGUAGES = (
    "ca", "cs", "da", "de", "es", "et", "fi", "fr", "ga", "gd", "gl", "it",
    "lt", "lv", "ms", "nl", "pl", "pt", "ro", "sk", "sl", "sq", "sv", "tr",
)  # fmt: skip
SHORTEST = 14
"""Characters; shorter messages are mostly names and numbers, which many languages share."""


def tables() -> dict[str, Table]:
    """Give one row a message, with columns `text`, `label` (the language's two letters) and `message` (the English text).

    All catalogues of the package count, those of the framework and of its applications, with every form of a plural. Left
    out are messages of fewer than 14 characters, untranslated ones, and those that a language has already. Rows of one
    `message` say the same in 24 languages, with the same names and markers inside, and belong into one part.
    """
    rows = []
    for language in LANGUAGES:
        seen: set[str] = set()
        for message, text in _translations(language):
            if len(text) >= SHORTEST and text != message and text not in seen:
                seen.add(text)
                rows.append({"text": text, "label": language, "message": message})
    names = [f"django-messages/{row['label']}/{index:05d}" for index, row in enumerate(rows)]
    return {"train": ListTable(rows, "django-messages", names)}


def _translations(language: str) -> Iterator[tuple[str, str]]:
    """English and translated texts of all catalogues of a language, by path; contexts are left off."""
    for path in _catalogues(language):
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)
        # What gettext has read; it offers no public way to list it. A plural's key is (English, number of the form).
        entries: dict[str | tuple[str, int], str] = catalogue._catalog  # type: ignore[attr-defined]
        for key, text in entries.items():
            message = key if isinstance(key, str) else key[0]
            if message:
                yield message.rpartition("\x04")[2], text


def _catalogues(language: str) -> list[Path]:
    ending = f"/locale/{language}/LC_MESSAGES/django.mo"
    try:
        found = [file for file in files("django") or () if str(file).endswith(ending)]
    except PackageNotFoundError as error:
        raise MissingExtraError("django", "samples", "The data set `django-messages`") from error
    return sorted(Path(str(file.locate())) for file in found)
