"""How films are seen, heard and learned, from their lengths, rates and pictures."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perceivers.arguments.advice import Advice
from perceivers.kinds.image.sizing import Looks
from perceivers.kinds.passes import stem_learning
from perceivers.kinds.video.options import VideoOptions
from perceivers.kinds.video.sizing import Films, video_learning, video_options

COLOURS = Looks([(480, 640)], grey=False, photographs=True)


def films(*seconds: float, rate: float | None = 30.0) -> Films:
    return Films(seconds, rate, COLOURS, has_sound=True)


@pytest.mark.parametrize(
    ("seconds", "rate", "frames", "at"),
    [
        # A short one at nearly its own rate; a second at 16 Hz; 3 s at 5 Hz; 10 s at 1.6 Hz; the first 10 s of an hour.
        (0.5, 30.0, 12, 25.0),
        (1.0, 30.0, 16, 16.0),
        (1.2, 10.0, 12, 10.0),
        (3.0, 25.0, 15, 5.0),
        (10.0, 29.97, 16, 1.6),
        (3600.0, 25.0, 16, 1.6),
        # A single picture of a moment; one picture in two seconds.
        (0.01, 25.0, 1, 25.0),
        (4.0, 0.6, 2, 0.5),
    ],
)
def test_a_clip_is_the_whole_film_in_sixteen_pictures_at_most(seconds, rate, frames, at):
    options = video_options(films(seconds, rate=rate))
    assert (options.num_frames, options.frame_rate) == (frames, at)
    assert options.sampling_rate == 16_000


def test_clips_are_as_long_as_the_film_in_the_middle_and_longer_films_give_several():
    assert video_options(films(2.0, 2.0, 2.1)).num_test_clips == 1
    options = video_options(films(1.0, 2.0, 9.0))
    assert options.num_frames / options.frame_rate == 2.0
    assert options.num_test_clips == 3


def test_pictures_are_as_large_as_those_of_pictures_alone_and_sound_is_coarser_in_long_clips():
    short, long = video_options(films(2.0)), video_options(films(5.0))
    assert (short.height, short.width) == (64, 64)
    assert (short.video_stem_widths, short.video_first_pool) == ((16, 64, 128, 256), 2)
    assert short.video_grid == (16, 4, 4)
    assert (short.mel_hop_milliseconds, long.mel_hop_milliseconds) == (10, 20)
    assert short.video_bands == 8
    assert short.video_motion
    assert not video_options(films(0.01)).video_motion


def test_only_films_with_both_lose_one_and_none_is_mirrored():
    options = video_options(films(2.0))
    assert (options.mirror, options.video_dropped, options.audio_dropped, options.gain) == (
        0.0,
        0.1,
        0.1,
        6.0,
    )
    silent = video_options(replace(films(2.0), has_sound=False))
    assert (silent.video_dropped, silent.audio_dropped, silent.gain) == (0.0, 0.0, 0.0)
    blind = video_options(replace(films(2.0), looks=None, rate=None))
    assert (blind.video_form, blind.sound_form, blind.video_dropped) == ("patches", "stem", 0.0)


def test_films_that_are_seen_a_few_times_are_changed_less():
    few, many = video_options(films(2.0), 100), video_options(films(2.0), 100_000)
    assert (few.shift, few.scale) == (0.1, 0.15)
    assert 0 < many.shift < 0.1
    assert 0 < many.scale < 0.15


def test_the_loop_is_that_of_the_convolutions_of_all_pictures_and_of_the_sound():
    options = VideoOptions(
        num_frames=3, height=8, width=8, frame_rate=10.0, audio_samples_per_frame=800, video_form="stem",
        video_frames_per_patch=1, video_stem_widths=(5, 7), sound_form="stem", sound_stem_widths=(2,), num_mel_bins=11,
    )  # fmt: skip
    # Pictures: 64 places of 9 x 3 x 5 weights, 64 of 9 x 5 x 7. Sound: 2,400 samples are 31 frames of 80, 31 x 11 of 9 x 2.
    cost = 3 * (64 * 9 * 3 * 5 + 64 * 9 * 5 * 7) + 31 * 11 * 9 * 2
    assert video_learning(10**6, options) == stem_learning(10**6, cost, pictures=3)
    changed = replace(options, video_motion=True)
    assert video_learning(10**6, changed) == stem_learning(10**6, cost + 3 * 64 * 9 * 3 * 5, pictures=3)
    assert video_learning(10**6, VideoOptions()) == Advice()


def test_a_step_takes_as_many_films_as_make_128_pictures_and_four_at_least():
    assert [stem_learning(1_000, 1e6, pictures=each).batch_size for each in (1, 3, 12, 16, 100)] == [
        32,
        32,
        10,
        8,
        4,
    ]
    assert stem_learning(10, 1e6, pictures=16).batch_size == 1
