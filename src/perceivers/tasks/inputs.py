"""What is read of a row: one input or several columns as one value, and the sample that all of them are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perceivers.kinds.base import Kind


@dataclass(frozen=True)
class Sample:
    """A row that was read.

    Args:
        values: one an input, None where it is absent.
        targets: one an answer, None where it is missing.
    """

    values: tuple[Any, ...]
    targets: tuple[Any, ...]


@dataclass(frozen=True)
class Input:
    """What is read of a row as one value.

    Args:
        name: of its modality in the model; "" where the kind's own names are enough.
        columns: that are read, in order.
        kind: what they hold.
    """

    name: str
    columns: tuple[str, ...]
    kind: Kind

    def modality(self, own: str) -> str:
        """Name in the model of what the kind calls `own`; a kind of a single modality has the input's name."""
        return "_".join(filter(None, (self.name, own)))

    @property
    def modality_names(self) -> dict[str, str]:
        """Names of the kind's modalities in the model, by those that the kind has for them."""
        return {own: self.modality(own) for own in self.kind.modality_names}
