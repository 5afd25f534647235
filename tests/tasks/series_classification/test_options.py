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
        ({"tokens": "words"}, "`tokens` must be one of steps, patterns, both, received 'words'"),
        ({"pattern_dilations": 0}, "`pattern_dilations` must be at least 1, received 0"),
        ({"pattern_thresholds": 0}, "`pattern_thresholds` must be at least 1, received 0"),
        ({"outline_steps": 0}, "`outline_steps` must be at least 1, received 0"),
        ({"pattern_channels": 0}, "`pattern_channels` must be at least 1, received 0"),
        ({"pattern_dropout": 1.0}, r"`pattern_dropout` must be in \[0, 1\), received 1.0"),
        ({"pattern_learning_rate": 0.0}, "`pattern_learning_rate` must be above 0, received 0.0"),
        ({"mixup": -0.1}, "`mixup` must be at least 0, received -0.1"),
        ({"num_heads": 5}, "`num_heads` must divide `latent_channels`"),
    ],
)
def test_what_does_not_fit_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SeriesClassificationArguments(**values)


def test_a_longest_series_may_be_given_with_absolute_positions() -> None:
    assert SeriesClassificationArguments(positions="both", max_length=7).max_length == 7


def test_which_axis_of_arrays_is_time_is_said_by_the_user_alone() -> None:
    assert SeriesClassificationArguments().channels_first is False
    assert SeriesClassificationArguments(channels_first=True).channels_first is True
