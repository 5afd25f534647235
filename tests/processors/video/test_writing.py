"""Films written: what comes back, the same every time, and what cannot be written."""

from __future__ import annotations

import io
from itertools import islice

import numpy as np
import pytest

from perceivers.errors import ConfigurationError, MissingExtraError, ShapeError
from perceivers.processors.video.files import read_video
from perceivers.processors.video.writing import video_writer

pytest.importorskip("av")
GREY = np.full((5, 16, 22, 3), np.array([30, 200, 90, 150, 60])[:, None, None, None], np.uint8)


def test_frames_and_sound_come_back_in_their_time(tmp_path):
    path = tmp_path / "film.mp4"
    sine = 0.5 * np.sin(2 * np.pi * 200 * np.arange(4000) / 8000)
    with video_writer(path, 10.0, 16, 22, 8000) as writer:
        # In two pieces, whose sound is cut elsewhere than their pictures.
        writer.add(GREY[:2], sine[:1500])
        writer.add(GREY[2:], sine[1500:])
    film = read_video(path)
    assert (film.frame_rate, film.sampling_rate) == (10.0, 48_000)
    assert film.frames.shape == (5, 16, 22, 3)
    assert film.frames.float().mean(dim=(1, 2, 3)).tolist() == pytest.approx([30, 200, 90, 150, 60], abs=3)
    # Half a second of a sine of 0.5: mean square 1/8. AAC adds a part of its own before and after.
    middle = film.waveform[0, 5000:20000]
    assert float(middle.square().mean()) == pytest.approx(0.125, rel=0.05)
    crossings = int((middle.sign().diff() != 0).sum())
    assert abs(crossings - 2 * 200 * 15000 / 48_000) <= 2


def test_equal_films_are_equal_files():
    def written() -> bytes:
        stored = io.BytesIO()
        with video_writer(stored, 10.0, 16, 22, 8000) as writer:
            frames = np.random.default_rng(1).integers(0, 256, (9, 16, 22, 3), dtype=np.uint8)
            writer.add(frames, np.linspace(-1, 1, 7200))
        return stored.getvalue()

    assert len({written() for _ in range(20)}) == 1


def test_a_film_without_sound_has_none(tmp_path):
    with video_writer(tmp_path / "film.mp4", 12.5, 16, 22) as writer:
        writer.add(GREY)
    film = read_video(tmp_path / "film.mp4")
    assert (film.frame_rate, film.waveform) == (12.5, None)


def test_loud_sound_is_cut_off(tmp_path):
    with video_writer(tmp_path / "film.mp4", 10.0, 16, 22, 8000) as writer:
        writer.add(GREY, np.full(4000, 3.0))
    # A constant of 1 where 3 was asked for; the codec may swing a little beyond.
    assert float(read_video(tmp_path / "film.mp4").waveform[0, 8000:16000].median()) == pytest.approx(
        1, abs=0.1
    )


@pytest.mark.parametrize(("height", "width"), [(15, 22), (16, 21), (0, 22)])
def test_odd_sizes_are_an_error(height, width):
    with (
        pytest.raises(ConfigurationError, match=f"must be even and at least 2, received {height} x {width}"),
        video_writer(io.BytesIO(), 10.0, height, width),
    ):
        pass


@pytest.mark.parametrize(
    ("frames", "waveform", "message"),
    [
        (
            GREY[:, :14],
            None,
            r"`frames` must be uint8 \[num_frames, 16, 22, 3\], received .* \[5, 14, 22, 3\]",
        ),
        (GREY.astype(np.float32), None, r"`frames` must be uint8 .* received float32"),
        (
            GREY,
            np.zeros(4000),
            r"`waveform` must be \[num_samples\] in a film with sound, received \[4000\]",
        ),
    ],
)
def test_what_does_not_fit_is_an_error(frames, waveform, message):
    with (
        pytest.raises(ShapeError, match=message),
        video_writer(io.BytesIO(), 10.0, 16, 22) as writer,
    ):
        writer.add(frames, waveform)


def test_a_missing_package_names_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(MissingExtraError, match="media"), video_writer(io.BytesIO(), 10.0, 16, 22):
        pass


def test_frames_may_come_one_by_one(tmp_path):
    with video_writer(tmp_path / "film.mp4", 10.0, 16, 22) as writer:
        for frame in islice(GREY, 3):
            writer.add(frame[None])
    assert len(read_video(tmp_path / "film.mp4").frames) == 3
