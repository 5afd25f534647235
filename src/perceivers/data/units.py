"""A cell of a table as a number with a unit around it: 12 kg, -$5, 45 %, 8.7M."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from perceivers.data.numbers import MISSING_WORDS, looks_like_number

# Of a longer cell nobody says that it is a number with a unit.
MOST_LETTERS = 64
# Units of which is kept what is known of them.
MOST_KEPT = 1_024
# Powers of ten that a number is multiplied by, by the words behind it in lower case.
POWERS = {"k": 3, "m": 6, "mn": 6, "b": 9, "bn": 9, "t": 12, "tn": 12}

_SIGNS = "$\u00a2-\u00a5\u0e3f\u20a0-\u20cf\ufdfc\uff04"
# Of ISO 4217 the currencies of most trade, without those that are words: ALL, CUP, MAD, PEN, TOP, TRY.
_CODES = (
    "AED|ARS|AUD|BDT|BGN|BRL|CAD|CHF|CLP|CNY|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|ISK|JPY|KES|KRW|KZT|LKR|MXN|MYR|NGN|"
    "NOK|NZD|PHP|PKR|PLN|QAR|RON|RSD|RUB|SAR|SEK|SGD|THB|TWD|TZS|UAH|USD|UYU|VND|ZAR"
)
# With letters before its sign, as US$ has them.
_CURRENCY = rf"(?:[A-Za-z]{{0,3}}[{_SIGNS}]|{_CODES}|Rs\.?)"
_IS_CURRENCY = re.compile(_CURRENCY)
_WORDS = "|".join(re.escape(word) for word in sorted(MISSING_WORDS - {""}, key=len, reverse=True))
# What stands in the place of the number is not looked at closely: whoever reads it tells what is wrong with it.
_NUMBER = rf"(?:[+-]?(?:\d(?:[\d.,'\u2019\s]*\d)?|\.\d+)(?:[eE][+-]?\d+)?|(?i:[+-]?inf|{_WORDS})(?![^\W\d_]))"
_CELL = re.compile(
    rf"(?P<open>\()?(?P<sign>[+-])?(?P<before>{_CURRENCY}\s*)?(?P<inner>\()?(?P<number>{_NUMBER})(?P<behind>\s*[^\d\s()].{{0,15}}?)?(?P<close>\))?"
)
# m2 and m^3, the only digits in a unit.
_POWER_OF_UNIT = re.compile(r"(?<![^\W\d_])((?:[dckm\u00b5\u03bc]?m|ft|in|yd|mi|s)\^?)[23](?!\w)")
_MARKS = frozenset("\u00b0/\u00b2\u00b3%\u2030+\"'\u2032\u2033\u00b7^. ")
_MULTIPLE = re.compile(rf"(\s*(?:k|mn?|bn?|tn?))(\s*(?:[{_SIGNS}]|{_CODES}))?", re.IGNORECASE)
# Behind a number these make a place in a row, or a time of the day.
_NO_UNITS = frozenset({"st", "nd", "rd", "th", "am", "pm", "a.m.", "p.m."})


@dataclass(frozen=True)
class Measured:
    """The parts of a cell.

    Args:
        number: as it is written, with the sign wherever that stood; or a word for a missing one.
        before: a currency, and the space behind it.
        behind: a unit, and the space before it.
        is_bracketed: whether there are brackets: ($5) and $(5) are -$5 to accountants.
    """

    number: str
    before: str
    behind: str
    is_bracketed: bool

    @property
    def has_unit(self) -> bool:
        """Whether there is anything beside the number."""
        return bool(self.before or self.behind)

    @property
    def is_number(self) -> bool:
        """Whether the number is one, and no word or code."""
        return looks_like_number(self.number)


def measured(cell: str) -> Measured | None:
    """The parts of a cell; None where it is no number with a unit, nor without one."""
    text = cell.strip()
    found = _CELL.fullmatch(text) if len(text) <= MOST_LETTERS else None
    if found is None or bool(found["open"]) + bool(found["inner"]) != bool(found["close"]):
        return None
    behind = found["behind"] or ""
    if behind and not _is_unit(behind.strip()):
        return None
    return Measured(
        (found["sign"] or "") + found["number"], found["before"] or "", behind, bool(found["close"])
    )


# A column has few units, and many cells.
@lru_cache(MOST_KEPT)
def _is_unit(text: str) -> bool:
    bare = _POWER_OF_UNIT.sub(r"\1", text)
    is_written_so = all(letter.isalpha() or letter in _MARKS or is_currency(letter) for letter in bare)
    return (
        is_written_so
        and text[0] not in ".^"
        and text.count(" ") <= 2
        and text.casefold().split()[0] not in _NO_UNITS
    )


def is_currency(text: str) -> bool:
    """Whether a text is the sign or the code of a currency, without spaces around it."""
    return any(_IS_CURRENCY.fullmatch(each) for each in (text, text.upper()))


@lru_cache(MOST_KEPT)
def unit_key(before: str, behind: str) -> tuple[str, str]:
    """What is equal of two cells with the same unit, up to case, spaces, the plural's s, and a currency's side."""
    front, back = ("".join(text.split()) for text in (before, behind))
    if not front and is_currency(back):
        front, back = back, ""
    is_plural = len(back) > 2 and back.endswith("s") and back[-2].islower()
    return front.casefold(), (back[:-1] if is_plural else back).casefold()


def is_same_unit(first: str, second: str) -> bool:
    """Whether two units of one key are the same: mW and MW are not, kg and KG are.

    Args:
        first: what stands behind a number.
        second: behind another one.
    """
    first, second = first.strip(), second.strip()
    return not (first[1:] == second[1:] and {first[:1], second[:1]} == {"m", "M"})


@lru_cache(MOST_KEPT)
def multiple_in(behind: str) -> tuple[str, str] | None:
    """What stands behind a number as a multiple, k, M, B or the like, and a currency behind that; None where it is none."""
    found = _MULTIPLE.fullmatch(behind)
    return None if found is None else (found[1], found[2] or "")


def power_of(multiple: str) -> int:
    """The power of ten of what `multiple_in` gave first; 0 of nothing."""
    return POWERS.get(multiple.strip().lower(), 0)
