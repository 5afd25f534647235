"""Whole numbers divided and rounded up, also while a program is exported for any size."""

from __future__ import annotations


def ceil_division(number: int, by: int) -> int:
    """`number` / `by`, rounded up.

    Not `-(-number // by)`: where `number` is a size that an exported program leaves open, ONNX rounds what is negative
    towards 0, which is one too few here.

    Args:
        number: 0 or more.
        by: 1 or more.
    """
    return (number + by - 1) // by
