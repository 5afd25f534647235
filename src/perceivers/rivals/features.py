"""Cells of a table as the numbers that trees can divide: categories numbered, texts as topics, dates taken apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

# Kinds of columns that trees can read.
READABLE = ("number", "category", "text", "date")
# Beyond, histogram trees take the numbers of categories as if they had an order.
MOST_CATEGORIES = 255
TOPICS = 64
DATE_PARTS = ("year", "month", "day", "weekday", "hour", "days")


def tree_features(
    train: Mapping[str, Sequence[Any]], test: Mapping[str, Sequence[Any]], kinds: Mapping[str, str], seed: int
) -> tuple[np.ndarray, np.ndarray, list[bool]]:
    """Both tables as numbers; whatever is learned for it is learned from the training rows.

    Args:
        train: column -> cells, None where one is missing.
        test: alike; a column that it lacks is missing in every row.
        kinds: column -> one of READABLE.
        seed: of the topics of texts.

    Returns:
        Features float64 [rows, features] of the training rows and of the test rows, NaN where missing; and which features
        are numbers of categories.
    """
    rows = len(next(iter(test.values()))) if test else 0
    blocks: list[tuple[np.ndarray, np.ndarray]] = []
    is_category: list[bool] = []
    for name, kind in kinds.items():
        cells = train[name], test.get(name, [None] * rows)
        if kind == "category":
            known = sorted({str(cell) for cell in cells[0] if not _is_missing(cell)})
            block = _numbered(cells[0], known), _numbered(cells[1], known)
            is_category.append(len(known) <= MOST_CATEGORIES)
        else:
            if kind == "text":
                block = _topics(cells[0], cells[1], seed)
            else:
                of_one = _number if kind == "number" else _date_parts
                block = _stacked(cells[0], of_one), _stacked(cells[1], of_one)
            is_category.extend([False] * block[0].shape[1])
        blocks.append(block)
    first, second = (np.concatenate(part, axis=1) for part in zip(*blocks, strict=True))
    return first, second, is_category


def _numbered(cells: Sequence[Any], known: Sequence[str]) -> np.ndarray:
    """[rows, 1]: the number of each category; NaN where it is missing or not known."""
    places = {name: float(index) for index, name in enumerate(known)}
    return np.array([[math.nan if _is_missing(cell) else places.get(str(cell), math.nan)] for cell in cells])


def _topics(train: Sequence[Any], test: Sequence[Any], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """[rows, up to 64]: words and pairs of words, weighed by tf-idf and reduced by a singular value decomposition."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts, asked = ([("" if cell is None else str(cell)) for cell in cells] for cells in (train, test))
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    try:
        weights = vectorizer.fit_transform(texts)
    except ValueError:
        # Not a single word in any row.
        return np.empty((len(texts), 0)), np.empty((len(asked), 0))
    count = min(TOPICS, min(weights.shape) - 1)
    if count < 1:
        return weights.toarray(), vectorizer.transform(asked).toarray()
    reduction = TruncatedSVD(count, random_state=seed)
    return reduction.fit_transform(weights), reduction.transform(vectorizer.transform(asked))


def _stacked(cells: Sequence[Any], of_one: Any) -> np.ndarray:
    return np.array([of_one(cell) for cell in cells], dtype=np.float64)


def _number(cell: Any) -> list[float]:
    try:
        value = math.nan if cell is None else float(cell)
    except (TypeError, ValueError):
        value = math.nan
    return [value if math.isfinite(value) else math.nan]


def _date_parts(cell: Any) -> list[float]:
    """Year, month, day, weekday (Monday is 0), hour, and days since 1970; NaN where there is no date."""
    moment = _moment(cell)
    if moment is None:
        return [math.nan] * len(DATE_PARTS)
    days = (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() / 86_400.0
    parts = (moment.year, moment.month, moment.day, moment.weekday(), moment.hour)
    return [*(float(part) for part in parts), days]


def _moment(cell: Any) -> datetime | None:
    """A date, a time, or the text of one as ISO 8601 writes it; times without a zone count as UTC."""
    if isinstance(cell, np.datetime64):
        cell = None if np.isnat(cell) else cell.astype("datetime64[us]").item()
    if isinstance(cell, str):
        try:
            cell = datetime.fromisoformat(cell.strip())
        except ValueError:
            return None
    if isinstance(cell, date) and not isinstance(cell, datetime):
        cell = datetime(cell.year, cell.month, cell.day)
    # pandas has a time that is none, and is not equal to itself.
    if not isinstance(cell, datetime) or cell != cell:
        return None
    return cell.replace(tzinfo=UTC) if cell.tzinfo is None else cell


def _is_missing(cell: Any) -> bool:
    return cell is None or cell == "" or (isinstance(cell, float) and math.isnan(cell))
