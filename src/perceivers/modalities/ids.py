"""Ids that stand for no entry of a vocabulary: what readers of data and models of them have in common."""

from __future__ import annotations

#: Of a category: no value; of n-grams: none, which fills up rows.
MISSING = NOTHING = 0
#: A value, or a text, of which nothing is known.
UNKNOWN = 1
#: Ids before those of what is known.
NUM_RESERVED = 2
#: What stands for an n-gram's weight of 1: weights are whole numbers, as ids are.
WEIGHT_UNIT = 2**16
