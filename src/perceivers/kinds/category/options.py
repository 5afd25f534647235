"""What a user may choose about categories."""

from __future__ import annotations

from dataclasses import dataclass

from perceivers.arguments.base import require_at_least, require_share


@dataclass(frozen=True, kw_only=True)
class CategoryOptions:
    """How categories are told to the model."""

    category_rows: int = 3
    """Training rows that a category must have; rarer ones are taken for unknown, which is how the model learns what to do
    about categories that it has never seen."""
    category_hidden: float = 0.0
    """While training, the share in [0, 1) of categories that are hidden: the model then learns to do without."""

    def __post_init__(self) -> None:
        require_at_least(1, self, "category_rows")
        require_share(self, "category_hidden")
