"""Byte n-grams with both contexts, guessing the very bytes that recipes/fill_mask.yaml hides in its test texts.

A hidden byte is guessed from the nearest known bytes on its left and on its right, see `perceivers.rivals.both_sides`. How
the orders are discounted and how both sides are weighed is chosen on the validation texts.

    python recipes/baselines/fill_mask.py
"""

from __future__ import annotations

import functools
import itertools
import json
from pathlib import Path
from typing import Any

from perceivers.arguments import DataArguments, from_mapping, read_recipe
from perceivers.kinds.text.words import word_spans
from perceivers.rivals.both_sides import BothSides
from perceivers.rivals.reading import read_evenly
from perceivers.tasks.fill_mask.beside import counted_texts, measured
from perceivers.tasks.fill_mask.options import FillMaskArguments
from perceivers.tasks.fill_mask.task import FillMask

RECIPE = Path(__file__).parents[1] / "fill_mask.yaml"
DISCOUNTS = (0.5, 1.0, 2.0, 4.0, 8.0)
POWERS = (0.3, 0.4, 0.5, 0.75, 1.0)


def main() -> None:
    """Print the bits per masked byte of the test texts."""
    task = FillMask(from_mapping(FillMaskArguments, read_recipe(RECIPE)["model"]))
    splits = task.load_data(DataArguments(data=read_recipe(RECIPE)["data"]["data"]))
    texts, _ = counted_texts(splits.train)
    counts = BothSides().fit(texts, word_spans)
    validation, test = (
        list(read_evenly(part, task.hidden_window, most=len(part)))
        for part in (splits.validation, splits.test)
    )

    def bits(asked: Any, discount: float, power: float) -> float:
        chances = functools.partial(counts.probabilities, discount=discount, power=power)
        return measured(chances, asked)["bits_per_masked_byte"]

    best = min(itertools.product(DISCOUNTS, POWERS), key=lambda choice: bits(validation, *choice))
    print(json.dumps({"n-grams of both sides, bits per masked byte": bits(test, *best), "chosen": best}))


if __name__ == "__main__":
    main()
