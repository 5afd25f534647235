"""Films as cameras, browsers and cutting tools write them are read as players show them."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from perceivers.errors import DataError
from perceivers.processors.video import decoding
from perceivers.processors.video.clips import PerceiverClipReader
from perceivers.processors.video.decoding import Picture, decode, read_header
from perceivers.processors.video.files import read_video
from tiny_films import grey_frames, write_film

# Display matrices of MP4: two rows of the turn, as 16.16 numbers.
TURNS = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


def turned(path: Path, clockwise: int) -> Path:
    """The same film with the header that telephones write: to be shown so many degrees clockwise."""
    content = bytearray(path.read_bytes())
    plain = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    place = content.index(plain, content.index(b"tkhd"))
    a, b, c, d = (value << 16 for value in TURNS[clockwise])
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("clockwise", TURNS)
def test_films_are_turned_as_players_do(clockwise: int, tmp_path: Path) -> None:
    frames = np.zeros((8, 32, 48, 3), np.uint8)
    frames[:, :16, :24] = 200
    path = turned(write_film(tmp_path / "a.mp4", frames=frames), clockwise)
    expected = np.rot90(frames[0], -clockwise // 90)
    first = next(iter(decode(str(path), "a", sound=False)))
    assert isinstance(first, Picture)
    clip = PerceiverClipReader(4, 10.0, *expected.shape[:2], 100)
    for seen in (
        first.pixels(),
        read_video(path).frames[0].numpy(),
        clip.read(clip.survey(path), 0).frames[0].transpose(1, 2, 0),
    ):
        assert seen.shape == expected.shape
        assert np.abs(seen.astype(int) - expected).mean() < 8


def cut_without_encoding(source: Path, target: Path, first: int, end: int, rate: int) -> Path:
    """What `ffmpeg -ss ... -c copy` does: packets from a key picture on, those before the cut at negative times."""
    with av.open(str(source)) as film, av.open(str(target), "w") as part:
        pictures = film.streams.video[0]
        copied = part.add_stream_from_template(pictures)
        begin = round(Fraction(first, rate) / pictures.time_base)
        for packet in film.demux(pictures):
            if packet.dts is not None and packet.pts * pictures.time_base < Fraction(end, rate):
                packet.pts, packet.dts, packet.stream = packet.pts - begin, packet.dts - begin, copied
                part.mux(packet)
    return target


def test_pictures_before_a_cut_are_hidden_and_the_last_lasts_as_long_as_the_others(tmp_path: Path) -> None:
    source = write_film(tmp_path / "a.mp4", frames=grey_frames(24, 32, 48), frame_rate=10)
    path = cut_without_encoding(source, tmp_path / "cut.mp4", 7, 20, 10)
    pictures = [piece for piece in decode(str(path), "cut", sound=False) if isinstance(piece, Picture)]
    assert [round(picture.time, 3) for picture in pictures] == [round(0.1 * index, 3) for index in range(13)]
    for index, picture in enumerate(pictures):
        assert abs(int(picture.pixels()[0, 0, 0]) - (10 * (7 + index) + 5)) < 4
    reader = PerceiverClipReader(4, 10.0, 8, 8, 100)
    assert reader.survey(path).num_frames == 13


def browser_film() -> bytes:
    """16 pictures in 1.6 s as browsers record them: a rate of 1,000 Hz, and no length."""

    class Streamed(io.RawIOBase):
        def __init__(self) -> None:
            self.content = b""

        def write(self, data: bytes) -> int:  # type: ignore[override]
            self.content += bytes(data)
            return len(data)

        def writable(self) -> bool:
            return True

    target = Streamed()
    with av.open(target, "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=1000)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for index, pixels in enumerate(grey_frames(16, 32, 48)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = 100 * index, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.content


def test_the_rate_of_a_browsers_film_is_that_of_its_pictures(tmp_path: Path) -> None:
    content = browser_film()
    header = read_header(content, "film")
    assert (header.seconds, header.picture_seconds) == (None, pytest.approx(0.1))
    assert PerceiverClipReader(4, 10.0, 8, 8, 100).survey(content).num_frames == 16
    (tmp_path / "a.webm").write_bytes(content)
    film = read_video(tmp_path / "a.webm")
    assert (film.frame_rate, len(film.frames)) == (pytest.approx(10.0), 16)


def test_a_film_of_one_picture_without_a_rate_has_the_usual_one(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", frames=grey_frames(1, 32, 48), frame_rate=10)
    assert read_header(str(path), "a").picture_seconds == pytest.approx(0.1)


def test_pictures_too_large_for_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_film(tmp_path / "a.mp4", frames=grey_frames(2, 32, 48))
    monkeypatch.setattr(decoding, "MOST_PIXELS", 1000)
    with pytest.raises(DataError, match=r"`a` must have pictures of at most 1,000 pixels, received 48 x 32"):
        read_header(str(path), "a")
