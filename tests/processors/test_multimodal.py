"""Video, sound and label go into one mapping, and a reconstruction comes back to be shown."""

import numpy as np
import pytest
import torch

from perceivers.errors import ConfigurationError, DataError
from perceivers.processors.audio.processor import PerceiverAudioProcessor
from perceivers.processors.multimodal import PerceiverMultimodalProcessor
from perceivers.processors.video.processor import PerceiverVideoProcessor


@pytest.fixture
def processor():
    return PerceiverMultimodalProcessor(
        PerceiverVideoProcessor(num_frames=3, size=7), PerceiverAudioProcessor(8_000, 30, 5), num_labels=11
    )


@pytest.fixture
def video():
    return np.random.default_rng(0).integers(0, 256, (2, 5, 13, 23, 3), dtype=np.uint8)


def test_the_defaults_are_the_released_models_sizes():
    frames = np.zeros((16, 9, 9, 3), np.uint8)
    inputs = PerceiverMultimodalProcessor()(video=frames, audio=torch.zeros(100), label="unknown")
    shapes = {name: tuple(values.shape) for name, values in inputs.items()}
    assert shapes == {"image": (1, 16, 3, 224, 224), "audio": (1, 30_720, 1), "label": (1, 700)}
    assert not inputs.label.any()


def test_parts_equal_those_of_their_own_processors(processor, video):
    sound = [torch.rand(40), torch.rand(20)]
    inputs = processor(video, sound, label=[3, 10], sampling_rate=8_000, start=1)
    assert torch.equal(inputs.image, processor.video_processor(video, start=1).image)
    assert torch.equal(inputs.audio, processor.audio_processor(sound, 8_000).audio)
    assert inputs.label.argmax(dim=1).tolist() == [3, 10]
    assert inputs.label.sum() == 2


def test_only_what_is_given_is_there(processor, video):
    assert set(processor(video)) == {"image"}
    assert set(processor(audio=torch.zeros(7), label=3)) == {"audio", "label"}
    assert processor(label=[3, 5, 7]).label.shape == (3, 11)


def test_a_file_brings_its_own_sound(processor, tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        pictures = container.add_stream("ffv1", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt = 48, 32, "bgr0"
        sound = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        for index in range(4):
            shown = np.full((32, 48, 3), 20 * index, np.uint8)
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
            samples = np.full((1, 320), 1000 * index, np.int16)
            piece = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            piece.sample_rate, piece.pts = 8000, 320 * index
            container.mux(sound.encode(piece))
        container.mux(pictures.encode(None))
        container.mux(sound.encode(None))
    inputs = processor(tmp_path / "a.mkv", start=2)
    torch.testing.assert_close(inputs.image[0, :, 0, 3, 3], torch.tensor([40.0, 60.0, 60.0]) / 255)
    torch.testing.assert_close(inputs.audio, torch.full((1, 30, 1), 2000 / 32768))
    assert processor(tmp_path / "a.mkv", torch.zeros(30)).audio.abs().max() == 0


def test_reconstructions_are_made_showable(processor):
    outputs = {
        "image": torch.rand(2, 3, 3, 7, 7),
        "audio": torch.randn(2, 30, 1),
        "label": torch.randn(2, 11),
    }
    shown = processor.post_process(outputs)
    assert torch.equal(shown.image, processor.video_processor.post_process(outputs["image"]))
    assert torch.equal(shown.audio, processor.audio_processor.post_process(outputs["audio"]))
    torch.testing.assert_close(shown.label.sum(dim=1), torch.ones(2))
    assert set(processor.post_process({"audio": outputs["audio"]})) == {"audio"}


def test_mistakes_are_named(processor, video):
    with pytest.raises(DataError, match="`video`, `audio` or `label` must be given, received none of them"):
        processor()
    with pytest.raises(
        DataError, match=r"`video` and `audio` must hold as many examples, received .*'image': 2, 'audio': 1"
    ):
        processor(video, torch.zeros(7))
    with pytest.raises(DataError, match='`label` must be class ids or "unknown", received'):
        processor(video, label="cat")
    with pytest.raises(DataError, match="`label` must hold 2 class ids, one for each example, received 1"):
        processor(video, label=3)
    with pytest.raises(DataError, match="`label` must hold class ids from 0 to 10, received 3 to 11"):
        processor(video, label=[3, 11])
    with pytest.raises(
        DataError, match=r"`label` must be one class id for each example, received \[0.5, 1.0\]"
    ):
        processor(video, label=[0.5, 1.0])
    with pytest.raises(ConfigurationError, match="`num_labels` must be at least 1, received 0"):
        PerceiverMultimodalProcessor(num_labels=0)
