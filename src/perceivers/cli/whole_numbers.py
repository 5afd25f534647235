"""Options that hold whole numbers: a fraction is refused, where the command line would round it without a word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, get_args

from cyclopts import Parameter, Token, convert


def holds_whole_numbers(hint: Any) -> bool:
    """Whether a type takes whole numbers, and no others.

    Args:
        hint: such as `int | None`, `tuple[int, ...]`, or either of them with annotations.
    """
    parts = _parts(hint)
    return int in parts and float not in parts


def whole(hint: Any, tokens: Sequence[Token]) -> Any:
    """What the words of an option say: a converter of cyclopts.

    Args:
        hint: its type.
        tokens: its words.

    Raises:
        ValueError: one of them is a number with a fraction.
    """
    for token in tokens:
        if _has_fraction(token.value):
            # Of one word, cyclopts says itself which option it is.
            option = f"{token.keyword or 'the value'} " if len(tokens) > 1 else ""
            raise ValueError(f'{option}must be a whole number, received "{token.value}"')
    return convert(hint, tokens)


def _parts(hint: Any) -> set[Any]:
    inner = get_args(hint)
    return {hint}.union(*(_parts(each) for each in inner if each is not Ellipsis)) if inner else {hint}


def _has_fraction(word: str) -> bool:
    try:
        return not float(word).is_integer()
    except (ValueError, OverflowError):
        # No number at all, or a word that the option has: not for this to judge.
        return False


# What a command's own options are annotated with.
Whole = Annotated[int, Parameter(converter=whole)]
MaybeWhole = Annotated[int | None, Parameter(converter=whole)]
