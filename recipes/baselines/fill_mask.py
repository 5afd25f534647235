"""Byte n-grams with both contexts, guessing the very bytes that recipes/fill_mask.yaml hides in its test texts.

A hidden byte is guessed from the nearest known bytes on its left and on its right, however far they are, for all bytes of its
word are hidden. Counts know the distance, since two bytes and three bytes behind a space different letters stand. How the
orders are discounted and how both sides are weighed is chosen on the validation texts.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from perceivers.arguments import DataArguments, from_mapping, read_recipe
from perceivers.kinds.text.words import word_spans
from perceivers.processors.tokenizer.byte_codec import FIRST_BYTE_ID
from perceivers.processors.tokenizer.byte_tokenizer import PerceiverTokenizer
from perceivers.tasks.fill_mask.options import FillMaskArguments
from perceivers.tasks.fill_mask.task import FillMask

RECIPE = Path(__file__).parents[1] / "fill_mask.yaml"
LONGEST = 6
# Bytes from the nearest known one at which counts begin to be shared.
FARTHEST = 8
DISCOUNTS = (0.5, 1.0, 2.0, 4.0, 8.0)
POWERS = (0.5, 0.75, 1.0)
# Stands where the text is over, and where the next word is hidden, too.
UNKNOWN = -1


class Side:
    """Distributions of a byte given up to LONGEST known bytes on one side, by distance.

    Args:
        step: -1 for the left side, 1 for the right.
    """

    def __init__(self, step: int) -> None:
        self.step = step
        self.counts: list[dict[Hashable, Counter[int]]] = [defaultdict(Counter) for _ in range(LONGEST + 1)]

    def contexts(self, text: list[int], word: tuple[int, int], place: int) -> Iterator[Hashable]:
        """What is known of a byte, from the least to the most: its distance and the word's length, then bytes."""
        start, end = word
        distance = min(place - start if self.step < 0 else end - 1 - place, FARTHEST)
        yield min(place - start, FARTHEST), min(end - 1 - place, FARTHEST)
        known = start - 1 if self.step < 0 else end
        seen = []
        for _ in range(LONGEST):
            byte = text[known] if 0 <= known < len(text) else UNKNOWN
            if byte == UNKNOWN and seen and seen[-1] == UNKNOWN:
                return
            seen.append(byte)
            known += self.step
            yield distance, *seen

    def learn(self, text: list[int], word: tuple[int, int]) -> None:
        """Count a word's bytes."""
        for place in range(*word):
            for order, context in enumerate(self.contexts(text, word, place)):
                self.counts[order][context][text[place]] += 1

    def guess(self, text: list[int], word: tuple[int, int], place: int, discount: float) -> np.ndarray:
        """Probability of each byte, [256]: an order's counts, and `discount` x (different bytes seen) of the order below."""
        found = np.full(256, 1.0 / 256)
        for order, context in enumerate(self.contexts(text, word, place)):
            counted = self.counts[order].get(context)
            if counted is None:
                break
            weight = discount * len(counted)
            found *= weight
            for byte, count in counted.items():
                found[byte] += count
            found /= counted.total() + weight
        return found


def main() -> None:
    """Print the bits per masked byte of the test texts."""
    task = FillMask(from_mapping(FillMaskArguments, read_recipe(RECIPE)["model"]))
    splits = task.load_data(DataArguments(data=read_recipe(RECIPE)["data"]["data"]))
    left, right = Side(-1), Side(1)
    prior: dict[Hashable, Counter[int]] = defaultdict(Counter)
    for text in sorted({sample.text for sample in every(splits.train)}):
        known = list(text)
        for word in word_spans(text):
            left.learn(known, word)
            right.learn(known, word)
            for place in range(*word):
                prior[places(word, place)][text[place]] += 1
    validation, test = (
        [asked for sample in every(part) for asked in hidden_bytes(task, sample)]
        for part in (splits.validation, splits.test)
    )
    choices = {
        (discount, power): bits(left, right, prior, validation, discount, power)
        for discount, power in itertools.product(DISCOUNTS, POWERS)
    }
    best = min(choices, key=choices.__getitem__)
    print(json.dumps({"n-grams of both sides, bits per masked byte": bits(left, right, prior, test, *best)}))


def every(samples: Any) -> Iterator[Any]:
    """All samples of a part."""
    return (samples[index] for index in range(len(samples)))


def places(word: tuple[int, int], place: int) -> tuple[int, int]:
    """How many bytes of its word stand before and behind a byte."""
    return min(place - word[0], FARTHEST), min(word[1] - 1 - place, FARTHEST)


def hidden_bytes(task: FillMask, sample: Any) -> Iterator[tuple[list[int], tuple[int, int], int, int]]:
    """Text with UNKNOWN where bytes are hidden, the hidden word, the place of a byte in it, and that byte."""
    tokenizer = PerceiverTokenizer()
    batch = task.collate(tokenizer, [sample])
    # One further for [CLS].
    hidden = (batch["positions"][0][batch["targets"][0] >= 0] - 1).tolist()
    truth = (batch["targets"][0][batch["targets"][0] >= 0] - FIRST_BYTE_ID).tolist()
    text = list(sample.piece)
    for place, byte in zip(hidden, truth, strict=True):
        if text[place] != byte:
            raise AssertionError("the batch asks for other bytes than the text has")
    words = [word for word in word_spans(sample.piece) if word[0] in set(hidden)]
    for place in hidden:
        text[place] = UNKNOWN
    for place, byte in zip(hidden, truth, strict=True):
        yield text, next(word for word in words if word[0] <= place < word[1]), place, byte


def bits(left: Side, right: Side, prior: Any, asked: list[Any], discount: float, power: float) -> float:
    """Mean of -log2 of the true bytes: product of both sides over what both know already, to a power that is chosen."""
    total = 0.0
    for text, word, place, byte in asked:
        base = np.full(256, 1e-3)
        for value, count in prior[places(word, place)].items():
            base[value] += count
        base /= base.sum()
        sides = left.guess(text, word, place, discount) * right.guess(text, word, place, discount) / base
        found = sides**power * base ** (1.0 - power)
        total -= np.log2(found[byte] / found.sum())
    return float(total / len(asked))


if __name__ == "__main__":
    main()
