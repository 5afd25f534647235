"""Whether a subclass changed what a part computes without changing what describes it, which is then not believed."""

from __future__ import annotations


def is_overridden(part: object, method: str, description: str) -> bool:
    """Whether `method` is defined further down the class hierarchy of `part` than `description` is.

    A subclass of a preprocessor that has its own `forward`, and inherits the `structures` of its base, makes other tokens
    than those say.
    """
    return _depth(part, method) < _depth(part, description)


def _depth(part: object, name: str) -> int:
    """How many classes lie between the part's own one and the one that defines `name`; one more than all where none does."""
    hierarchy = type(part).__mro__
    return next((depth for depth, each in enumerate(hierarchy) if name in vars(each)), len(hierarchy))
