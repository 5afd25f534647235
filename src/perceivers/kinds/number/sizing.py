"""How numbers are told to the model, from the number of training rows."""

from __future__ import annotations

from perceivers.kinds.number.options import NumberOptions

# Below this, waves learn noise.
ROWS_FOR_WAVES = 2_000


def number_options(num_rows: int, hidden: float) -> NumberOptions:
    """As many bins as there is evidence for, 64 rows or more in each, from 16 to 96; from 2,000 rows on waves beside them.

    docs/tables.md has what each brought on held-out rows.
    """
    return NumberOptions(
        number_encoding="combined" if num_rows >= ROWS_FOR_WAVES else "piecewise",
        number_bins=min(max(num_rows // 64, 16), 96),
        number_hidden=hidden,
    )
