"""How numbers are told to the model, from the number of training rows."""

from __future__ import annotations

from perceivers.kinds.number.options import NumberOptions

# Below this, waves learn noise.
ROWS_FOR_WAVES = 2_000


def number_options(num_rows: int, hidden: float) -> NumberOptions:
    """As many bins as there is evidence for, 64 rows or more in each, from 16 to 96; from 2,000 rows on waves beside them.

    Fewer rows are told by their values: of what follows from numbers in a straight line, little is needed to learn it. Waves
    need ranks, which are spread evenly.

    docs/tables.md has what each brought on held-out rows.
    """
    has_waves = num_rows >= ROWS_FOR_WAVES
    return NumberOptions(
        number_encoding="combined" if has_waves else "piecewise",
        number_scale="ranks" if has_waves else "values",
        number_bins=min(max(num_rows // 64, 16), 96),
        number_hidden=hidden,
    )
