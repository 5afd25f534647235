"""Classes such as `a;b`, which are perhaps several labels of a row: what the plan says of them."""

from __future__ import annotations

from collections.abc import Sequence

# What people write between labels.
SEPARATORS = (";", "|", ",")


def likely_labels_told(column: str, classes: Sequence[str]) -> str:
    """What to do where classes look like several labels each; "" where they do not.

    They do where two or more are divided, and all of them together have fewer parts than there are classes: `a`, `b`, `a;b`
    and `b;a`, say, and not `York, UK` and `Bath, UK`.

    Args:
        column: that is answered.
        classes: the different cells.
    """
    for separator in SEPARATORS:
        divided = [name for name in classes if len(_parts(name, separator)) > 1]
        parts = {part for name in classes for part in _parts(name, separator)}
        if len(divided) > 1 and len(parts) < len(classes):
            return (
                f"perhaps {len(parts)} labels, several a row: --target {column}:labels --label-separator "
                f'"{separator}"'
            )
    return ""


def _parts(name: str, separator: str) -> list[str]:
    return [part.strip() for part in name.split(separator) if part.strip()]
