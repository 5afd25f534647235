"""A table of sums: two handwritten digits, a spoken sign, a sentence and a number; made of what two packages ship.

One must look, listen and read for it: no column alone tells the result or whether it is odd.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from perceivers.data.bundled import captcha_audio, digits
from perceivers.data.tables import LABEL_COLUMN, Table

COLUMNS = ("first", "second", "sign", "note", "bonus", "shop", "result", "parity")
# Rows of each part, and the pictures that they are made of: no picture is in two parts.
PARTS = {"train": 3000, "validation": 300, "test": 500}
PICTURES = {"train": (0, 1000), "validation": (1000, 1250), "test": (1250, 1797)}
# Digits that are shown. `second` and `bonus` are even, and so is the difference that `sign` makes: whether a result is odd
# depends on `first` and `note` together, and on neither alone.
FIRST_DIGITS, SECOND_DIGITS = frozenset("0279"), frozenset("048")
# What is said, and what it does to the second digit: the beginning of plus and of minus. They sound nothing alike.
SIGNS = {"P": 1, "M": -1}
# What is written, and what it adds.
NOTES: Mapping[int, Sequence[str]] = {
    0: ("leave it as it is", "nothing to add", "no more than that", "just the sum"),
    7: ("add seven to it", "seven more", "raise it by seven", "and seven on top"),
}
OPENINGS = ("", "Hello, ", "Good morning, ", "For the book: ", "As always: ")
CLOSINGS = ("", ", please", ", thank you", ", says Anna", ", says Tom")
# None is a gap in the table, and adds nothing.
BONUSES = (-6.0, -2.0, 2.0, 6.0, None)
# Where the sum was made: it does not matter.
SHOPS = ("harbour", "market", "station")


@dataclass(frozen=True)
class Sum:
    """What a row is made of, each drawn without regard to the others.

    Args:
        first: place of its picture.
        second: place of its picture.
        sign: what is said, one of SIGNS.
        added: what the note adds.
        note: what is written.
        bonus: None for a gap.
        shop: one of SHOPS.
    """

    first: int
    second: int
    sign: str
    added: int
    note: str
    bonus: float | None
    shop: str


class MadeSums(Table):
    """Rows that are made when they are asked for, each the same every time.

    Args:
        part: "train", "validation" or "test".
        pictures: rows of all handwritten digits.
        takes: samples and rate in Hz of each spoken character.
    """

    def __init__(self, part: str, pictures: Table, takes: Mapping[str, tuple[np.ndarray, int]]) -> None:
        super().__init__(f"arithmetic, {part} part", COLUMNS)
        self._part, self._number = part, list(PARTS).index(part)
        first, last = PICTURES[part]
        self._pictures = [pictures[index] for index in range(first, last)]
        self._first, self._second = (
            [place for place, row in enumerate(self._pictures) if row[LABEL_COLUMN] in shown]
            for shown in (FIRST_DIGITS, SECOND_DIGITS)
        )
        self._takes = takes
        self._sums: dict[int, Sum] = {}

    def __len__(self) -> int:
        """See Table."""
        return PARTS[self._part]

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        """See Table."""
        drawn = self._drawn(index)
        return {name: self._cell(name, index, drawn) for name in COLUMNS}

    def column(self, name: str) -> Sequence[Any]:
        """See Table."""
        return [self._cell(name, index, self._drawn(index)) for index in range(len(self))]

    def cells_at(self, indices: Sequence[int], names: Sequence[str]) -> dict[str, list[Any]]:
        """See Table; no others are made."""
        return {name: [self._cell(name, index, self._drawn(index)) for index in indices] for name in names}

    def _cell(self, name: str, index: int, drawn: Sum) -> Any:
        if name in ("first", "second"):
            return self._pictures[getattr(drawn, name)]["image"]
        if name == "sign":
            take, rate = self._takes[drawn.sign]
            said = captcha_audio.changed_take(take, rate, (11, self._number, index))
            return {"array": said, "sampling_rate": rate}
        if name == "result":
            return self._result(drawn)
        if name == "parity":
            return "odd" if self._result(drawn) % 2 else "even"
        return getattr(drawn, name)

    def _result(self, drawn: Sum) -> float:
        first, second = (int(self._pictures[place][LABEL_COLUMN]) for place in (drawn.first, drawn.second))
        return first + SIGNS[drawn.sign] * second + drawn.added + (drawn.bonus or 0.0)

    def _drawn(self, index: int) -> Sum:
        """What a row is made of, drawn once: it is asked for each of its columns."""
        if index not in self._sums:
            self._sums[index] = self._draw(index)
        return self._sums[index]

    def _draw(self, index: int) -> Sum:
        generator = np.random.default_rng((self._number, index, 3))

        def one_of(choices: Sequence[Any]) -> Any:
            return choices[int(generator.integers(len(choices)))]

        first, second = one_of(self._first), one_of(self._second)
        sign, added = one_of(list(SIGNS)), one_of(list(NOTES))
        note = f"{one_of(OPENINGS)}{one_of(NOTES[added])}{one_of(CLOSINGS)}."
        return Sum(first, second, sign, added, note[0].upper() + note[1:], one_of(BONUSES), one_of(SHOPS))


def tables() -> dict[str, Table]:
    """Give `train`, 3,000 rows, `validation`, 300, and `test`, 500.

    Returns:
        Tables with the columns `first` and `second`, pictures uint8 [8, 8] in [0, 255]; `sign`, a mapping with the
        `array` of a sound, float32 [num_samples] in [-1, 1], and its `sampling_rate` in Hz: "P" for plus or "M" for minus;
        `note`, a sentence that adds seven or nothing; `bonus`, a number or None; `shop`, a name that does not matter; and
        `result`, first ± second + what the note adds + bonus, with its `parity`, "even" or "odd".
        There is one voice: no other speaker would be understood.
    """
    pictures, takes = digits.tables()["train"], captcha_audio.takes()
    return {part: MadeSums(part, pictures, takes) for part in PARTS}
