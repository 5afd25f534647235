"""What a user may choose about texts: what does not fit together is named."""

from __future__ import annotations

from typing import Any

import pytest

from perceivers.errors import ConfigurationError
from perceivers.kinds.text.options import TextOptions


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"max_length": 7}, "`max_length` must be at least 8, received 7"),
        (
            {"position_start": "zero"},
            "`position_start` must be one of random, waves, aligned, received 'zero'",
        ),
        ({"random_offset": -1}, "`random_offset` must be at least 0, received -1"),
        (
            {"max_length": 11, "random_offset": 4},
            "`random_offset` must be at most 3, which leaves text in `max_length`, received 4",
        ),
        (
            {"ngram_sizes": (3, 1)},
            r"`ngram_sizes` must be different numbers of at least 2, received \(3, 1\)",
        ),
        (
            {"ngram_sizes": (3, 3)},
            r"`ngram_sizes` must be different numbers of at least 2, received \(3, 3\)",
        ),
        ({"ngram_rows": 0}, "`ngram_rows` must be at least 1, received 0"),
        ({"text_reading": "letters"}, "`text_reading` must be one of bytes, ngrams, received 'letters'"),
        ({"ngram_texts": 0}, "`ngram_texts` must be at least 1, received 0"),
        ({"ngram_learning_rate": 0.0}, "`ngram_learning_rate` must be above 0, received 0.0"),
        ({"crop": 1.0}, r"`crop` must be in \[0, 1\), received 1.0"),
        ({"hide": -0.5}, r"`hide` must be in \[0, 1\), received -0.5"),
    ],
)
def test_how_texts_cannot_be_read_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        TextOptions(**values)
