"""Series to the model's input: scale, gaps, gains and noise by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from perceivers.errors import CheckpointError
from perceivers.kinds.series.processor import SeriesProcessor
from perceivers.kinds.series.samples import SeriesSample

NAN = float("nan")
VALUES = np.float32([[1, 10], [3, 30]])


def processor(normalization: str = "data", missing: str = "stop") -> SeriesProcessor:
    return SeriesProcessor(mean=(1.0, 10.0), std=(2.0, 5.0), normalization=normalization, missing=missing)


@pytest.mark.parametrize(
    ("normalization", "expected"),
    [("data", [[0, 0], [1, 4]]), ("series", [[-1, -1], [1, 1]]), ("none", [[1, 10], [3, 30]])],
)
def test_each_normalisation_scales_as_it_says(normalization: str, expected: list[list[float]]) -> None:
    assert processor(normalization).of_one(SeriesSample(VALUES, 0)).tolist() == expected


def test_gains_and_noise_come_after_the_scale_and_channels_left_out_stay_silent() -> None:
    sample = SeriesSample(VALUES, 0, gains=np.float32([3, 0]), noise=np.float32([[0.5, 7], [0.25, 7]]))
    assert processor().of_one(sample).tolist() == [[0.5, 0], [3.25, 0]]
    alone = SeriesSample(VALUES, 0, noise=np.float32([[0.5, 7], [0.25, 7]]))
    assert processor().of_one(alone).tolist() == [[0.5, 7], [1.25, 11]]


def test_gaps_are_filled_before_the_scale_or_stay() -> None:
    sample = SeriesSample(np.float32([[1, NAN], [NAN, NAN], [5, NAN]]), 0)
    assert processor(missing="interpolate").of_one(sample).tolist() == [[0, 0], [1, 0], [2, 0]]
    kept = processor(missing="mark").of_one(sample)
    assert np.array_equal(kept, [[0, NAN], [NAN, NAN], [2, NAN]], equal_nan=True)


def test_shorter_series_end_with_zeros_that_do_not_count() -> None:
    batch = processor("none")([SeriesSample(VALUES, 0), SeriesSample(VALUES[:1], 1)])
    assert batch["inputs"].tolist() == [[[1, 10], [3, 30]], [[1, 10], [0, 0]]]
    assert batch["attention_mask"].tolist() == [[True, True], [True, False]]


def test_what_is_saved_is_read_again(tmp_path: Path) -> None:
    processor("series", "mark").save_pretrained(tmp_path)
    assert SeriesProcessor.from_pretrained(tmp_path) == processor("series", "mark")


@pytest.mark.parametrize("text", ["", "{}", '{"mean": [1.0], "std": [1.0], "scale": 3}'])
def test_a_file_that_holds_something_else_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "preprocessor_config.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"preprocessor_config.json` does not hold the scale of series"):
        SeriesProcessor.from_pretrained(tmp_path)
