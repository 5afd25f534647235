"""Arguments of series classification: what does not fit together is named."""

from __future__ import annotations

from typing import Any

import pytest

from perceivers.errors import ConfigurationError
from perceivers.tasks.series_classification.options import SeriesClassificationArguments


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"missing": "drop"}, "`missing` must be one of stop, interpolate, mark, received 'drop'"),
        ({"normalization": "all"}, "`normalization` must be one of data, series, none, received 'all'"),
        ({"positions": "none"}, "`positions` must be one of relative, absolute, both, received 'none'"),
        ({"steps_per_patch": 0}, "`steps_per_patch` must be at least 1, received 0"),
        ({"jitter": -0.1}, "`jitter` must be at least 0, received -0.1"),
        ({"crop": 1.0}, r"`crop` must be in \[0, 1\), received 1.0"),
        ({"max_length": 7}, "`max_length` has no effect where `positions` are relative, received 7"),
        ({"num_heads": 5}, "`num_heads` must divide `latent_channels`"),
    ],
)
def test_what_does_not_fit_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SeriesClassificationArguments(**values)


def test_a_longest_series_may_be_given_with_absolute_positions() -> None:
    assert SeriesClassificationArguments(positions="both", max_length=7).max_length == 7
