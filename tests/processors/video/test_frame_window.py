"""Frames at another rate: each is the picture shown nearest to its time. Worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from perceivers.processors.video.decoding import Picture
from perceivers.processors.video.frame_window import FrameWindow, whole_frames


def shown(rate: float, first: int, count: int | None, num_frames: int, times: list[float]) -> list[int]:
    """Numbers of the pictures shown, for pictures at these times."""
    window = FrameWindow(rate, first, count, lambda picture: np.array([picture.frame]))
    for number, time in enumerate(times):
        window.add(Picture(time, number))
    return window.until(num_frames).flatten().tolist()


def test_at_the_same_rate_every_picture_is_a_frame():
    assert shown(10.0, 0, None, 4, [0.0, 0.1, 0.2, 0.3]) == [0, 1, 2, 3]


def test_a_lower_rate_takes_the_nearest_pictures():
    # 4 Hz: 0, 0.25, 0.5 and 0.75 s; pictures change at 0.05, 0.15 … s, and at 0.25 s the one of 0.3 s takes over.
    assert shown(4.0, 0, None, 4, [index / 10 for index in range(9)]) == [0, 3, 5, 8]


def test_a_higher_rate_repeats_pictures():
    assert shown(10.0, 0, None, 6, [0.0, 0.3]) == [0, 0, 1, 1, 1, 1]


def test_a_window_begins_at_its_first_frame_and_is_then_full():
    assert shown(10.0, 3, 2, 2, [index / 10 for index in range(9)]) == [3, 4]
    window = FrameWindow(10.0, 0, 2, lambda picture: np.array([picture.frame]))
    filled = []
    for number in range(4):
        window.add(Picture(number / 10, number))
        filled.append(window.is_full)
    assert filled == [False, False, True, True]


def test_pictures_at_uneven_times_are_shown_until_half_way_to_the_next():
    # Changes at 0.2 and 0.45 s: frames at 0, 0.1 … 0.5 s.
    assert shown(10.0, 0, None, 6, [0.0, 0.4, 0.5]) == [0, 0, 1, 1, 1, 2]


def test_a_picture_is_brought_to_size_once_and_only_if_it_is_shown():
    fitted: list[int] = []

    def fit(picture: Picture) -> np.ndarray:
        fitted.append(picture.frame)
        return np.array([picture.frame])

    window = FrameWindow(5.0, 0, None, fit)
    for number in range(6):
        window.add(Picture(number / 10, number))
    assert window.until(3).flatten().tolist() == [0, 2, 4]
    assert fitted == [0, 2, 4]


def test_without_pictures_there_are_no_frames():
    assert shown(10.0, 0, None, 4, []) == []


@pytest.mark.parametrize(
    ("seconds", "expected"), [(1.0, 25), (0.99999, 25), (0.999, 24), (0.039, 0), (5.28, 132)]
)
def test_a_hair_s_breadth_below_a_whole_number_of_frames_is_whole(seconds, expected):
    assert whole_frames(seconds, 25.0) == expected
