"""How the texts of mixed tables are read, from the number of training rows."""

from __future__ import annotations

from math import log2

from perceivers.kinds.text.options import TextOptions

# Of few rows most words are hidden: what is left of a text must do, and no word alone is learned by heart.
FEW_ROWS, MOST_HIDDEN = 1_000, 0.7


def text_options(num_rows: int) -> TextOptions:
    """Words and runs of letters: without weights that were trained before, tables are too small to learn reading from bytes.

    The share of hidden words was chosen on held-out rows of a table of 512 (0.7 of 0.2, 0.5 and 0.7); twice the rows have 0.1
    less, down to none. Rows of the n-grams' table grow with those of the data, from 8,192 to 65,536.
    """
    octaves = log2(max(num_rows, FEW_ROWS) / FEW_ROWS)
    return TextOptions(
        text_reading="ngrams",
        hide=round(max(MOST_HIDDEN - 0.1 * octaves, 0.0), 2),
        ngram_rows=2 ** min(13 + int(octaves / 2), 16),
    )
