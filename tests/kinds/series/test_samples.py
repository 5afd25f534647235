"""From rows to series, and the random change of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from perceivers.data.tables import ListTable
from perceivers.errors import DataError
from perceivers.kinds.series.files import SeriesColumns
from perceivers.kinds.series.samples import SeriesDecoder, SeriesSample, vary_series
from perceivers.tasks.series_classification.options import SeriesClassificationArguments

RAMP = SeriesSample(np.float32(np.arange(22).reshape(11, 2)), 3)


def decoder(**options: Any) -> SeriesDecoder:
    chosen = {"file_column": "path", "columns": SeriesColumns(), "allow_missing": False, **options}
    return SeriesDecoder("kind", ("up", "down"), **chosen)


def test_a_row_with_values_and_a_row_with_a_file_give_the_same(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.float32([[1, 2], [3, 4]]))
    table = ListTable([{"path": "a.npy", "kind": "down"}], "list.csv", root=tmp_path)
    from_file = decoder()(table[0], table)
    from_values = decoder()({"series": [[1, 2], [3, 4]], "kind": "down"}, table)
    assert from_file.label == from_values.label == 1
    assert from_file.values.tolist() == from_values.values.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([[1, 2]], {"num_channels": 3}, "must have 3 channels, received 2"),
        ([[1], [2], [3]], {"max_length": 2}, r"at most 2 steps long \(`max_length`\), received 3"),
        ([[1, None], [None, 4]], {}, "step 1, channel 2 is missing .and 1 more values.; take --missing"),
        ([[1, 2], [3, float("inf")]], {"allow_missing": True}, "step 2, channel 2 is infinite$"),
    ],
)
def test_what_the_model_cannot_take_is_named(values: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        decoder(**options).values({"series": values}, None)


def test_a_gap_is_taken_where_it_is_allowed() -> None:
    values = decoder(allow_missing=True).values({"series": [[1, None]]}, None)
    assert np.isnan(values).tolist() == [[False, True]]


def test_a_row_without_a_file_and_an_unknown_class_are_named() -> None:
    with pytest.raises(DataError, match="the column 'path' must name a file, received None"):
        decoder().values({"path": None}, None)
    with pytest.raises(
        DataError, match="has the class 'level' in the column 'kind', which is not one of up, down"
    ):
        decoder()({"series": [[1]], "kind": "level"}, None)


@pytest.mark.parametrize("field", ["crop", "time_stretch", "time_warp"])
def test_changes_of_time_leave_the_channels_together(field: str) -> None:
    chosen = SeriesClassificationArguments(**{field: 0.5})
    for seed in range(20):
        varied = vary_series(RAMP, chosen, np.random.default_rng(seed))
        assert np.allclose(varied.values[:, 1] - varied.values[:, 0], 1.0, atol=1e-5)
        assert varied.values.min() >= 0
        assert varied.values.max() <= 21
        assert varied.label == 3
        assert varied.gains is None
        assert varied.noise is None
        low, high = {"crop": (6, 11), "time_stretch": (6, 16), "time_warp": (11, 11)}[field]
        assert low <= len(varied.values) <= high


def test_changes_of_time_do_change_it() -> None:
    for field in ("crop", "time_stretch", "time_warp"):
        chosen = SeriesClassificationArguments(**{field: 0.5})
        results = {vary_series(RAMP, chosen, np.random.default_rng(s)).values.tobytes() for s in range(20)}
        assert len(results) > 5, field


def test_jitter_is_noise_of_the_asked_deviation_as_long_as_the_series() -> None:
    long = SeriesSample(np.zeros((4_000, 3), dtype=np.float32), 0)
    chosen = SeriesClassificationArguments(jitter=0.2, crop=0.5)
    varied = vary_series(long, chosen, np.random.default_rng(0))
    assert varied.noise is not None
    assert varied.noise.shape == varied.values.shape
    assert float(varied.noise.std()) == pytest.approx(0.2, rel=0.05)


def test_scaling_and_dropout_draw_gains_for_each_channel() -> None:
    varied = vary_series(RAMP, SeriesClassificationArguments(scaling=0.5), np.random.default_rng(0))
    assert varied.gains is not None
    assert varied.gains.shape == (2,)
    dropped = [
        vary_series(
            RAMP, SeriesClassificationArguments(channel_dropout=0.5), np.random.default_rng(seed)
        ).gains
        for seed in range(20)
    ]
    assert {tuple(gains.tolist()) for gains in dropped if gains is not None} == {(1, 1), (1, 0), (0, 1)}
