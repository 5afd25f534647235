"""Clips of a sound."""

from __future__ import annotations

import numpy as np

from perceivers.kinds.sound.value import clip_starts, cut_clips


def test_clips_are_spread_from_the_beginning_to_the_end() -> None:
    sound = np.arange(11, dtype=np.float32)
    assert [clip.tolist() for clip in cut_clips(sound, 5, 3)] == [
        [0, 1, 2, 3, 4],
        [3, 4, 5, 6, 7],
        [6, 7, 8, 9, 10],
    ]
    assert [clip.tolist() for clip in cut_clips(sound, 5, 1)] == [[3, 4, 5, 6, 7]]


def test_a_sound_that_is_no_longer_than_a_clip_is_one_clip_in_the_middle_of_silence() -> None:
    sound = np.arange(3, dtype=np.float32)
    assert [clip.tolist() for clip in cut_clips(sound, 5, 2)] == [[0, 0, 1, 2, 0]]
    assert [clip.tolist() for clip in cut_clips(sound, 3, 2)] == [[0, 1, 2]]


def test_a_sound_that_is_heard_whole_is_not_cut() -> None:
    sound = np.arange(7, dtype=np.float32)
    assert cut_clips(sound, None, 3)[0] is sound
    assert clip_starts(7, None, 3) == [0.5]
