"""How texts are read and learned, from the number of training texts and their lengths: pure functions, one place.

Chosen on held-out training texts of six sets between 1,300 and 8,600 texts, never on test texts; docs/learning_text.md says what
each choice brought.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2

from perceivers.arguments.advice import Advice
from perceivers.kinds.text.options import TextOptions

# Of few rows most words are hidden: what is left of a text must do, and no word alone is learned by heart.
FEW_ROWS, MOST_HIDDEN = 1_000, 0.7


def text_options(num_rows: int, lengths: Sequence[int] = ()) -> TextOptions:
    """How texts are read.

    Args:
        num_rows: training texts.
        lengths: bytes of some of them.
    """
    octaves = log2(max(num_rows, FEW_ROWS) / FEW_ROWS)
    return TextOptions(
        text_reading="ngrams",
        hide=round(max(MOST_HIDDEN - 0.1 * octaves, 0.0), 2),
        ngram_rows=2**17,
    )


def text_learning(num_rows: int) -> Advice:
    """The network and the loop for texts that are read as n-grams.

    Args:
        num_rows: training texts.
    """
    return Advice(epochs=10, batch_size=64, queries_per_answer=8, initializer_range=0.5)
