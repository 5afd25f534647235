"""Arguments of audio classification: what does not fit together is named."""

from __future__ import annotations

from typing import Any

import pytest

from perceivers.errors import ConfigurationError
from perceivers.tasks.audio_classification.options import AudioClassificationArguments


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"answer": "two"}, "`answer` must be one of one-class, several-labels, received 'two'"),
        ({"input_form": "mfcc"}, "`input_form` must be one of log-mel, raw, stem, received 'mfcc'"),
        ({"label_separator": ""}, "`label_separator` must be one character or more, received 0"),
        ({"sampling_rate": 0}, "`sampling_rate` must be at least 1, received 0"),
        ({"clip_seconds": 0.0}, "`clip_seconds` must be above 0, received 0.0"),
        ({"hop_milliseconds": -1.0}, "`hop_milliseconds` must be above 0, received -1.0"),
        ({"gain": -1.0}, "`gain` must be at least 0, received -1.0"),
        ({"speed": 1.0}, r"`speed` must be in \[0, 1\), received 1.0"),
        (
            {"num_mel_bins": 64, "bins_per_patch": 7},
            r"`bins_per_patch` must divide `num_mel_bins` \(64\), received 7",
        ),
        (
            {"clip_seconds": None, "evaluation_clips": 3},
            "`evaluation_clips` needs `clip_seconds`.* received 3",
        ),
        ({"input_form": "raw", "time_masks": 1}, "need `input_form` log-mel or stem, received raw"),
        ({"mixup": -0.1}, "`mixup` must be at least 0, received -0.1"),
        (
            {"mixup": 0.2, "clip_seconds": None},
            "`mixup` averages .* `clip_seconds`, received log-mel and None",
        ),
        ({"mixup": 0.2, "input_form": "raw"}, "`mixup` averages .* received raw and 1.0"),
        ({"trim_decibels": 0.0}, "`trim_decibels` must be above 0, received 0.0"),
        ({"stem_widths": ()}, "`stem_widths` must be one whole number or more, each at least 1, received"),
        ({"stem_blocks": -1}, "`stem_blocks` must be at least 0, received -1"),
        ({"stem_first_pool": 3}, "`stem_first_pool` must be 1 or 2, received 3"),
        ({"num_layers": 0}, "`num_layers` must be at least 1, received 0"),
    ],
)
def test_what_does_not_fit_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        AudioClassificationArguments(**values)


def test_a_clip_is_whole_patches_long_where_sound_is_raw() -> None:
    chosen = {"sampling_rate": 1_000, "clip_seconds": 0.105, "samples_per_patch": 16}
    assert AudioClassificationArguments(**chosen).clip_samples == 105
    assert AudioClassificationArguments(**chosen, input_form="raw").clip_samples == 112
    assert AudioClassificationArguments(clip_seconds=None).clip_samples is None
