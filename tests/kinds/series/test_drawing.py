"""A series drawn: few and many channels, gaps, nothing; and on a page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from perceivers.kinds.series.drawing import draw_series, series_html


def random_series(channels: int, steps: int = 7) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((steps, channels)).astype(np.float32)


def drawn(shown: np.ndarray | None) -> Any:
    figure = Figure()
    draw_series(figure, [figure.add_gridspec(1, 1)[0, 0]], shown, "folder/$a$.csv")
    figure.canvas.draw()
    return figure.axes[0]


@pytest.mark.parametrize(("channels", "steps"), [(2, 7), (1, 1)])
def test_few_channels_are_lines(channels: int, steps: int) -> None:
    axes = drawn(random_series(channels, steps))
    assert len(axes.lines) == channels + 1, "and one at the mean"
    assert not axes.images
    assert axes.get_title(loc="left") == "folder/$a$.csv"


def test_many_channels_are_rows_of_colours() -> None:
    axes = drawn(random_series(13))
    assert axes.images[0].get_array().shape == (13, 7)


def test_gaps_stay_empty_and_an_absent_series_leaves_its_place_empty() -> None:
    series = random_series(3)
    series[2, 1] = np.nan
    assert np.isnan(drawn(series).lines[1].get_ydata()[2])
    assert not drawn(None).lines


def test_a_page_has_a_line_a_channel_without_its_gaps() -> None:
    series = np.float32([[0, 3], [np.nan, -3], [0, -9]])
    html = series_html(series, "a <b>")
    assert html.count("<polyline") == 2
    # 240 pixels wide and 48 high, the mean in the middle, 3 deviations at the edges.
    assert 'points="0.0,24.0 240.0,24.0"' in html
    assert 'points="0.0,0.0 120.0,48.0 240.0,48.0"' in html
    assert "a &lt;b&gt;" in html
    assert series_html(None, "x") == ""
