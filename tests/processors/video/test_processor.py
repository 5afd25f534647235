"""Videos become so many frames of one size, and files are read with their sound."""

import numpy as np
import pytest
import torch
from PIL import Image

from perceivers.errors import ConfigurationError, DataError, MissingExtraError, ShapeError
from perceivers.processors.video.files import read_video
from perceivers.processors.video.processor import PerceiverVideoProcessor, frame_indices


@pytest.fixture
def frames():
    return np.random.default_rng(0).integers(0, 256, (5, 13, 23, 3), dtype=np.uint8)


@pytest.fixture
def file(tmp_path):
    """Eleven 32 x 48 frames at 25 a second, frame i of grey 20 i, with a rising mono sound at 8 kHz."""
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        pictures = container.add_stream("ffv1", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = 48, 32, "bgr0"
        sound = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        for index in range(11):
            shown = np.full((32, 48, 3), 20 * index, np.uint8)
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
            samples = (np.arange(320)[None] + 320 * index).astype(np.int16)
            piece = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            piece.sample_rate, piece.pts = 8000, 320 * index
            container.mux(sound.encode(piece))
        container.mux(pictures.encode(None))
        container.mux(sound.encode(None))
    return tmp_path / "a.mkv"


def test_frames_are_cut_from_the_middle_and_resized_like_pillow_does(frames):
    image = PerceiverVideoProcessor(num_frames=5, size=7)(frames).image
    assert (image.shape, image.dtype) == ((1, 5, 3, 7, 7), torch.float32)
    for received, frame in zip(image[0], frames, strict=True):
        expected = Image.fromarray(frame[:, 5:18]).resize((7, 7), Image.Resampling.BILINEAR)
        assert torch.equal(received, torch.from_numpy(np.array(expected)).permute(2, 0, 1) / 255)


def test_without_a_crop_frames_are_stretched(frames):
    processor = PerceiverVideoProcessor(num_frames=1, size=(7, 11), do_center_crop=False, resample=3)
    expected = Image.fromarray(frames[2]).resize((11, 7), Image.Resampling.BICUBIC)
    received = processor(frames, start=2).image[0, 0]
    assert torch.equal(received, torch.from_numpy(np.array(expected)).permute(2, 0, 1) / 255)


def test_which_frames_are_taken():
    assert frame_indices(7, 3, "consecutive") == [0, 1, 2]
    assert frame_indices(7, 3, "consecutive", start=5) == [5, 6, 6]
    assert frame_indices(7, 3, "even") == [1, 3, 5]
    assert frame_indices(2, 5, "even") == [0, 0, 1, 1, 1]
    assert frame_indices(3, 3, "even") == [0, 1, 2]


def test_every_form_of_a_video_is_the_same(frames):
    processor = PerceiverVideoProcessor(num_frames=5, size=7)
    expected = processor(frames).image
    first = torch.from_numpy(frames).permute(0, 3, 1, 2)
    unit, whole = frames / 255, frames.astype(np.float32)
    for video in (first, [Image.fromarray(frame) for frame in frames], list(frames), unit, whole, [frames]):
        assert torch.equal(processor(video).image, expected)
    pair = processor([frames, frames[::-1]]).image
    assert torch.equal(pair, processor(np.stack([frames, frames[::-1]])).image)
    assert torch.equal(pair[1], expected[0].flip(0))


def test_outputs_become_bytes():
    processor = PerceiverVideoProcessor()
    image = torch.tensor([-0.5, 0.0, 0.2, 1.0, 1.5]).reshape(1, 1, 1, 1, 5).expand(1, 2, 3, 1, 5)
    shown = processor.post_process(image)
    assert (shown.shape, shown.dtype) == ((1, 2, 1, 5, 3), torch.uint8)
    assert shown[0, 0, 0, :, 0].tolist() == [0, 0, 51, 255, 255]


def test_a_file_is_read_with_its_sound(file):
    video = read_video(file)
    assert (video.frames.shape, video.frame_rate, video.sampling_rate) == ((11, 32, 48, 3), 25.0, 8000)
    assert video.frames[:, 0, 0, 0].tolist() == [20 * index for index in range(11)]
    assert video.waveform is not None
    torch.testing.assert_close(video.waveform[0] * 32768, torch.arange(11 * 320).float())


def test_no_more_is_read_than_wanted(file):
    video = read_video(file, max_frames=3)
    assert video.frames.shape == (3, 32, 48, 3)
    assert video.waveform is not None
    assert video.waveform.shape == (1, 3 * 320)


def test_a_path_is_a_video(file):
    processor = PerceiverVideoProcessor(num_frames=2, size=7)
    image = processor(file, start=4).image
    torch.testing.assert_close(image[0, :, 0, 3, 3], torch.tensor([80 / 255, 100 / 255]))
    assert processor([file, str(file)]).image.shape == (2, 2, 3, 7, 7)


def test_unreadable_files_are_named(tmp_path):
    pytest.importorskip("av")
    with pytest.raises(DataError, match=r"a.mp4` is not a video file: there is no such file"):
        read_video(tmp_path / "a.mp4")
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(DataError, match=r"a.mp4` cannot be read as a video"):
        read_video(tmp_path / "a.mp4")


def test_a_file_without_pictures_is_named(tmp_path):
    pytest.importorskip("av")
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 8000)
    with pytest.raises(DataError, match=r"a.wav` holds no picture stream"):
        read_video(tmp_path / "a.wav")


def test_a_missing_package_names_its_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(
        MissingExtraError, match=r'reading video files needs .* pip install "perceivers\[media\]"'
    ):
        read_video(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("video", "message"),
    [
        ([], "`video` must hold at least one video, received none"),
        (None, "`video` must be frames .* received NoneType"),
        (np.zeros((5, 13, 23)), r"`video` must be frames .* received shape \[5, 13, 23\]"),
        (np.zeros((0, 13, 23, 3)), r"`video\[0\]` must hold at least one frame, received none"),
        ([Image.new("RGB", (5, 7)), Image.new("RGB", (7, 5))], r"`video\[0\]` must hold frames of one size"),
        (np.full((1, 13, 23, 3), 1.5), r"`video\[0\]` must hold floats in \[0, 1\], .* received 1.5 to 1.5"),
        (np.full((1, 13, 23, 3), np.nan), r"`video\[0\]`: `images\[0\]` must be finite"),
    ],
)
def test_what_is_no_video_is_named(video, message):
    with pytest.raises(DataError, match=message):
        PerceiverVideoProcessor(size=7)(video)


def test_impossible_settings_are_named(frames):
    with pytest.raises(ConfigurationError, match="`num_frames` must be at least 1, received 0"):
        PerceiverVideoProcessor(num_frames=0)
    with pytest.raises(
        ConfigurationError, match="`frame_choice` must be 'consecutive' or 'even', received 'odd'"
    ):
        PerceiverVideoProcessor(frame_choice="odd")
    with pytest.raises(
        ConfigurationError, match="`resample` must be one of Pillow's filters 0 to 5, received 9"
    ):
        PerceiverVideoProcessor(resample=9)
    with pytest.raises(ConfigurationError, match="`size` must have height and width, received"):
        PerceiverVideoProcessor(size={"shortest_edge": 7})
    with pytest.raises(ConfigurationError, match="`start` must be a frame of the video, 0 to 4, received 5"):
        PerceiverVideoProcessor()(frames, start=5)
    with pytest.raises(ShapeError, match=r"`image` must have shape .* received \[2, 3\]"):
        PerceiverVideoProcessor().post_process(torch.zeros(2, 3))
