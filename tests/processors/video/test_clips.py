"""Clips of films: which pictures, which samples, and what a film must be; whole, by windows, and from memory."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from perceivers.errors import CheckpointError, ConfigurationError, DataError
from perceivers.processors.audio.resampling import resample
from perceivers.processors.video.clip_cache import ClipCache
from perceivers.processors.video.clips import PerceiverClipReader
from perceivers.processors.video.decoding import Picture
from perceivers.processors.video.processor import PerceiverVideoProcessor
from tiny_films import grey_frames, moving_square, tone, write_film

READER = PerceiverClipReader(num_frames=3, frame_rate=10.0, height=6, width=10, samples_per_frame=800)
GENERATOR = np.random.default_rng(0)
NOISE = GENERATOR.uniform(-0.9, 0.9, size=(1, 24_000)).round(3)


@pytest.fixture(scope="module")
def grey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 frames at 10 Hz, 2 s, with 3 s of noise at 8 kHz."""
    path = tmp_path_factory.mktemp("films") / "grey.mkv"
    return write_film(path, frames=grey_frames(20), waveform=NOISE)


def values(frames: np.ndarray) -> list[int]:
    """The value of each grey frame, in tens."""
    assert (frames == frames[:, :1, :1, :1]).all()
    return [(int(frame[0, 0, 0]) - 5) // 10 for frame in frames]


def test_a_survey_tells_length_and_content(grey):
    film = READER.survey(grey)
    assert (film.num_frames, film.has_video, film.has_sound, film.gain) == (20, True, True, 1.0)
    assert film.name == str(grey)


def test_a_clip_is_its_frames_and_the_samples_that_belong_to_them(grey):
    film = READER.survey(grey)
    clip = READER.read(film, 7)
    assert clip.frames.shape == (3, 3, 6, 10)
    assert clip.frames.dtype == np.uint8
    assert values(clip.frames) == [7, 8, 9]
    expected = NOISE[0, 7 * 800 : 10 * 800]
    assert (clip.waveform.shape, clip.waveform.dtype) == ((2400,), np.float32)
    assert np.allclose(clip.waveform, expected, atol=2 / 32767)


def test_first_and_last_clip_are_whole(grey):
    film = READER.survey(grey)
    assert values(READER.read(film, 0).frames) == [0, 1, 2]
    assert values(READER.read(film, 17).frames) == [17, 18, 19]


@pytest.mark.parametrize(
    ("frame_rate", "first", "expected"),
    # At 5 Hz every other picture; at 20 Hz each twice, and the middle between two pictures belongs to the later one.
    [(5.0, 0, [0, 2, 4]), (5.0, 3, [6, 8, 10]), (20.0, 10, [5, 6, 6])],
)
def test_frames_are_the_pictures_nearest_in_time(grey, frame_rate, first, expected):
    reader = replace(READER, frame_rate=frame_rate, samples_per_frame=800)
    film = reader.survey(grey)
    assert film.num_frames == 2 * frame_rate
    assert values(reader.read(film, first).frames) == expected


@pytest.mark.parametrize("first", [0, 1, 9, 17])
def test_windows_hold_what_resampling_the_whole_film_gives(tmp_path, first):
    sound = GENERATOR.uniform(-0.5, 0.5, size=(1, 22_050))
    path = write_film(tmp_path / "film.mov", frames=moving_square(20), waveform=sound, sampling_rate=11_025)
    reader = replace(READER, samples_per_frame=400)
    film = reader.survey(path)
    whole = resample(torch.from_numpy(np.round(sound[0] * 32767) / 32768).float(), 11_025, 4000)
    clip = reader.read(film, first)
    assert np.allclose(clip.waveform, whole[first * 400 : (first + 3) * 400].clamp(-1, 1).numpy(), atol=1e-5)


def test_a_cache_gives_the_same_clips_without_the_film(tmp_path):
    path = write_film(tmp_path / "film.mkv", frames=grey_frames(20), waveform=NOISE)
    fresh, kept = READER, replace(READER, cache=ClipCache(10**6))
    film = kept.survey(path)
    assert film == fresh.survey(path)
    expected = [fresh.read(film, first) for first in (0, 5, 17)]
    path.unlink()
    for first, clip in zip((0, 5, 17), expected, strict=True):
        again = kept.read(film, first)
        assert np.array_equal(again.frames, clip.frames)
        assert np.allclose(again.waveform, clip.waveform, atol=1e-6)
    with pytest.raises(DataError, match=r"film\.mkv` does not exist"):
        fresh.read(film, 0)


def test_another_film_at_the_same_place_is_another_film(tmp_path):
    path = write_film(tmp_path / "film.mkv", frames=grey_frames(20), waveform=NOISE)
    kept = replace(READER, cache=ClipCache(10**6))
    assert values(kept.read(kept.survey(path), 0).frames) == [0, 1, 2]
    write_film(path, frames=grey_frames(20)[::-1], waveform=NOISE)
    assert values(kept.read(kept.survey(path), 0).frames) == [19, 18, 17]


def test_a_full_cache_keeps_no_more_and_other_processes_start_with_an_empty_one(tmp_path):
    first, second = (
        write_film(tmp_path / f"{name}.mkv", frames=grey_frames(20), waveform=NOISE) for name in "ab"
    )
    # A film takes 20 x (3 x 6 x 10 + 4 x 800) bytes.
    cache = ClipCache(20 * 3380 + 20 * 3380 - 1)
    reader = replace(READER, cache=cache)
    films = [reader.survey(path) for path in (first, second)]
    assert cache.get(films[0].key) is not None
    assert cache.get(films[1].key) is None
    assert pickle.loads(pickle.dumps(cache)).get(films[0].key) is None


def test_compressed_films_are_read_alike_in_windows_and_whole(tmp_path):
    path = write_film(tmp_path / "film.mp4", frames=moving_square(30), waveform=tone(24_000, 440))
    reader = replace(READER, height=24, width=32)
    kept = replace(reader, cache=ClipCache(10**7))
    film = kept.survey(path)
    for first in (0, 13, 27):
        window, whole = reader.read(film, first), kept.read(film, first)
        assert np.array_equal(window.frames, whole.frames)
        assert np.allclose(window.waveform, whole.waveform, atol=1e-4)
    # The square of the first frame starts at its left edge, four fifths of the way to 0.44 of full scale and more.
    assert int(whole.frames[:, 0].max()) > 200
    assert 0.4 < float(np.abs(whole.waveform).max()) < 0.6


def test_the_largest_middle_part_is_cut(tmp_path):
    frames = np.zeros((4, 6, 10, 3), dtype=np.uint8)
    frames[:, :, 2:8] = 255
    path = write_film(tmp_path / "film.mkv", frames=frames)
    reader = replace(READER, height=3, width=3)
    assert (reader.read(reader.survey(path), 0).frames == 255).all()


@pytest.mark.parametrize("size", [(5, 7), (61, 31), (2, 3)])
def test_pictures_are_those_of_the_processor_bit_for_bit(size: tuple[int, int]) -> None:
    pixels = GENERATOR.integers(0, 256, (23, 47, 3), dtype=np.uint8)
    picture = Picture(0.0, SimpleNamespace(to_ndarray=lambda format: pixels, rotation=0))
    received = replace(READER, height=size[0], width=size[1]).fit(picture)
    expected = PerceiverVideoProcessor(num_frames=1, size=size)(pixels[None]).image[0, 0]
    assert received.dtype == np.uint8
    assert np.array_equal(received.astype(np.float32) / 255, expected.numpy())


def test_sound_is_brought_to_full_scale_by_the_film_s_loudest_sample(tmp_path):
    sound = np.zeros((1, 16_000))
    sound[0, 100], sound[0, 12_000] = 0.05, -0.2
    path = write_film(tmp_path / "film.mkv", frames=grey_frames(20), waveform=sound)
    reader = replace(READER, normalize_sound=True)
    for whole in (True, False):
        film = reader.survey(path, whole=whole)
        assert film.gain == pytest.approx(5.0, rel=1e-3)
        assert float(reader.read(film, 0).waveform[100]) == pytest.approx(0.25, rel=2e-3)
    assert READER.survey(path).gain == 1.0


def test_silence_stays_silence(tmp_path):
    path = write_film(tmp_path / "film.mkv", frames=grey_frames(5), waveform=np.zeros((1, 4000)))
    reader = replace(READER, normalize_sound=True)
    film = reader.survey(path)
    assert film.gain == 1.0
    assert (reader.read(film, 0).waveform == 0).all()


def test_channels_are_averaged(tmp_path):
    sound = np.stack([np.full(4000, 0.5), np.full(4000, -0.1)])
    path = write_film(tmp_path / "film.mkv", frames=grey_frames(5), waveform=sound)
    clip = READER.read(READER.survey(path), 1)
    assert np.allclose(clip.waveform, 0.2, atol=1e-3)


def test_without_sound_there_is_silence_and_without_pictures_black(tmp_path):
    silent = write_film(tmp_path / "silent.mkv", frames=grey_frames(5))
    heard = write_film(tmp_path / "heard.mkv", waveform=NOISE)
    film = READER.survey(silent)
    assert (film.has_video, film.has_sound) == (True, False)
    assert (READER.read(film, 1).waveform == 0).all()
    for cache in (None, ClipCache(10**6)):
        reader = replace(READER, cache=cache)
        film = reader.survey(heard)
        assert (film.num_frames, film.has_video, film.has_sound) == (30, False, True)
        clip = reader.read(film, 10)
        assert (clip.frames == 0).all()
        assert np.allclose(clip.waveform, NOISE[0, 8000:10_400], atol=1e-3)


def test_content_is_read_as_a_file_is(grey):
    content = grey.read_bytes()
    film = READER.survey(content, "row 3")
    assert (film.name, film.num_frames) == ("row 3", 20)
    assert np.array_equal(READER.read(film, 4).frames, READER.read(READER.survey(grey), 4).frames)
    assert film.key == READER.survey(content).key != READER.survey(content + b"\0").key


def test_a_header_can_be_believed(grey):
    film = READER.survey(grey, whole=False)
    # The container says how long it is: as long as its sound, 3 s.
    assert film.num_frames == 30


def test_errors_name_the_film(tmp_path, grey):
    with pytest.raises(DataError, match=r"none\.mp4` does not exist"):
        READER.survey(tmp_path / "none.mp4")
    text = tmp_path / "text.mp4"
    text.write_text("this is no film")
    with pytest.raises(
        DataError, match=r"text\.mp4` cannot be read as a film, it is damaged or of unknown kind"
    ):
        READER.survey(text)
    with pytest.raises(
        ConfigurationError, match=r"grey\.mkv` with 3 frames from there on, 0 to 17, received 18"
    ):
        READER.read(READER.survey(grey), 18)


def test_a_film_that_was_cut_off_is_noticed(tmp_path):
    frames = GENERATOR.integers(0, 255, size=(60, 32, 32, 3)).astype(np.uint8)
    path = write_film(tmp_path / "film.mkv", frames=frames, waveform=NOISE)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3])
    with pytest.raises(DataError, match=r"film\.mkv`.*(cut off|damaged)"):
        READER.survey(path)


def test_a_film_with_damaged_pictures_is_noticed(tmp_path):
    frames = GENERATOR.integers(0, 255, size=(40, 32, 32, 3)).astype(np.uint8)
    path = write_film(tmp_path / "film.mp4", frames=frames)
    content = bytearray(path.read_bytes())
    content[2000 : len(content) // 2] = bytes(len(content) // 2 - 2000)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"film\.mp4`.*(cut off|damaged)"):
        READER.survey(path)


def test_settings_are_saved_and_loaded(tmp_path):
    reader = PerceiverClipReader(5, 12.5, 7, 11, 320, normalize_sound=True, cache=ClipCache(7))
    reader.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "preprocessor_config.json").read_text()) == {
        "processor_class": "PerceiverClipReader",
        "num_frames": 5,
        "frame_rate": 12.5,
        "height": 7,
        "width": 11,
        "samples_per_frame": 320,
        "normalize_sound": True,
    }
    loaded = PerceiverClipReader.from_pretrained(tmp_path)
    assert loaded == reader
    assert loaded.cache is None
    assert (loaded.sampling_rate, loaded.num_samples, loaded.seconds) == (4000, 1600, 0.4)


@pytest.mark.parametrize(
    "text",
    ["no json", "{}", '{"processor_class": "Other"}', '{"processor_class": "PerceiverClipReader", "x": 1}'],
)
def test_other_settings_are_an_error(tmp_path, text):
    (tmp_path / "preprocessor_config.json").write_text(text)
    with pytest.raises(CheckpointError, match="PerceiverClipReader"):
        PerceiverClipReader.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_frames": 0}, "`num_frames` must be at least 1, received 0"),
        (
            {"frame_rate": 12.5, "samples_per_frame": 3},
            "whole number of samples a second, received 12.5 times 3",
        ),
        ({"frame_rate": 0.0}, "whole number of samples a second, received 0.0 times 800"),
    ],
)
def test_settings_are_checked(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        replace(READER, **changes)
