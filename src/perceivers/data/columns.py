"""Columns that tell nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def why_no_data(name: str, cells: Sequence[Any]) -> str | None:
    """Why a column tells nothing, in words; None where it may tell something."""
    return "the same everywhere" if len(set(map(str, cells))) < 2 else None
