"""Made films of seen and heard digits: always the same, their pictures and voices as their labels say."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from perceivers.data.bundled import bundled_tables
from perceivers.data.bundled.seen_and_heard import PARTS, PICTURES
from perceivers.processors.video.clips import PerceiverClipReader

pytest.importorskip("captcha")
READER = PerceiverClipReader(num_frames=12, frame_rate=10.0, height=32, width=32, samples_per_frame=800)


def test_parts_have_films_of_their_own_pictures():
    tables = bundled_tables("seen-and-heard")
    assert {part: len(table) for part, table in tables.items()} == PARTS
    bounds = sorted(PICTURES.values())
    assert all(first[1] <= second[0] for first, second in pairwise(bounds))


def test_labels_are_known_without_making_films_and_all_twenty_occur():
    table = bundled_tables("seen-and-heard")["train"]
    labels = {name for label in table.column("label") for name in label.split(",")}
    assert labels == {f"{how} {digit}" for how in ("seen", "heard") for digit in range(10)}


def test_a_film_is_the_same_every_time_and_moves_with_its_voice():
    table = bundled_tables("seen-and-heard")["test"]
    row = table[3]
    assert row["label"] == table.column("label")[3]
    assert row["video"] == table[3]["video"]
    film = READER.survey(row["video"]["bytes"], row["video"]["path"])
    assert (film.num_frames, film.has_sound, film.name) == (12, True, "test/003.mp4")
    clip = READER.read(film, 0)
    assert float(np.abs(clip.waveform).max()) > 0.02
    # A light digit on a dark ground, elsewhere at the end than at the beginning.
    assert int(clip.frames.max()) > 120
    assert float(clip.frames.mean()) < 100
    assert not np.allclose(clip.frames[0].astype(int), clip.frames[-1], atol=20)
