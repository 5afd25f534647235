"""Clips of a film: spread over it, or anywhere in it."""

from __future__ import annotations

import numpy as np
import torch

from perceivers.kinds.video.value import FilmClip, clip_starts
from perceivers.processors.video.clips import Film

FILM = FilmClip(Film("a.mp4", "a.mp4", "a.mp4", 9, True, True, 1.0))


def test_clips_are_spread_from_the_beginning_to_the_end():
    assert clip_starts(15, 3, 4) == [0, 4, 8, 12]
    assert clip_starts(9, 4, 3) == [0, 2, 5]
    assert clip_starts(11, 3, 1) == [4]
    assert clip_starts(3, 3, 3) == [0, 0, 0]


def test_a_film_is_cut_once():
    clips = FILM.spread(4, 3)
    assert [clip.start for clip in clips] == [0, 2, 5]
    assert clips[1].spread(4, 3) == [clips[1]]


def test_a_training_clip_begins_anywhere_and_is_as_loud_as_the_generator_says():
    varied = [FILM.vary(4, 6.0, np.random.default_rng(seed)) for seed in range(30)]
    assert FILM.vary(4, 6.0, np.random.default_rng(3)) == varied[3]
    assert {each.start for each in varied} == set(range(6))
    loudness = torch.tensor([each.loudness for each in varied])
    # 6 dB are a factor of 1.995.
    assert 0.5 <= float(loudness.abs().min()) < float(loudness.abs().max()) <= 1.9954
    assert 5 < int((loudness < 0).sum()) < 25
    assert FILM.vary(4, 0.0, np.random.default_rng(0)).loudness == 1.0
