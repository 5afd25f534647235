"""Pairs of pictures become the original model's patches, and outputs become pixels."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from perceivers.errors import CheckpointError, ConfigurationError, DataError, ShapeError
from perceivers.processors.optical_flow.contrast import normalize_contrast
from perceivers.processors.optical_flow.processor import PerceiverOpticalFlowProcessor, neighbourhoods

GOLDEN = Path(__file__).parent / "data" / "flow_patches.npz"


@pytest.fixture
def processor():
    return PerceiverOpticalFlowProcessor()


@pytest.fixture
def pair():
    return torch.randint(0, 256, (2, 3, 5, 7), dtype=torch.uint8)


def test_patches_are_those_of_the_original_jax_code(processor):
    golden = np.load(GOLDEN)
    frames = torch.from_numpy(golden["flow_x"]).permute(
        0, 1, 4, 2, 3
    )  # [batch, frames, channels, height, width]
    expected = torch.from_numpy(golden["flow_patches"]).permute(0, 1, 4, 2, 3)
    assert expected.shape == (2, 2, 27, 8, 12)
    assert torch.equal(neighbourhoods(frames, 3), expected)
    inputs = processor(frames[:, 0], frames[:, 1], value_interval=(-1, 1)).inputs
    torch.testing.assert_close(inputs, expected, rtol=0, atol=1e-6)


def test_channels_are_patch_row_then_column_then_colour(processor, pair):
    inputs = processor(pair[0], pair[1]).inputs
    assert inputs.shape == (1, 2, 27, 5, 7)
    signed = pair.float() / 255 * 2 - 1
    for row in range(3):
        for column in range(3):
            for colour in range(3):
                channel = (row * 3 + column) * 3 + colour
                seen = inputs[0, :, channel, 2, 3]
                torch.testing.assert_close(seen, signed[:, colour, 2 + row - 1, 3 + column - 1])
    assert (inputs[0, :, :9, 0] == 0).all(), "above the first row there are zeros"


def test_other_patch_sizes(pair):
    inputs = PerceiverOpticalFlowProcessor(patch_size=1)(pair[0], pair[1]).inputs
    torch.testing.assert_close(inputs[0], pair.float() / 255 * 2 - 1)
    even = neighbourhoods(torch.arange(1.0, 4.0)[None, None], 2)  # [1, 1, 3]: one row
    assert even[:, 0].tolist() == [[1, 2, 3], [2, 3, 0], [0, 0, 0], [0, 0, 0]]


def test_values_are_read_by_their_range(processor, pair):
    expected = processor(pair[0], pair[1]).inputs
    unit = pair.double() / 255
    for same in (pair.float(), pair.numpy().transpose(0, 2, 3, 1), unit, unit * 2 - 1):
        torch.testing.assert_close(processor(same[0], same[1]).inputs, expected, rtol=0, atol=1e-6)
    quarter = processor(unit[0] / 4, unit[1] / 4, value_interval=(0, 0.25)).inputs
    torch.testing.assert_close(quarter, expected, rtol=0, atol=1e-6)


def test_batches_and_pillow_images(processor, pair):
    images = [Image.fromarray(frame.permute(1, 2, 0).numpy()) for frame in pair]
    together = processor([images[0], images[1]], [images[1], images[0]]).inputs
    assert together.shape == (2, 2, 27, 5, 7)
    assert torch.equal(together[:1], processor(images[0], images[1]).inputs)
    assert torch.equal(together[1], together[0].flip(0))
    grey = Image.new("L", (7, 5), 51)
    assert torch.allclose(processor(grey, grey).inputs[0, :, 12:15], torch.tensor(-0.6))


def test_outputs_become_pixels(processor):
    logits = torch.randn(2, 5, 7, 2)
    assert torch.equal(processor.post_process(logits), logits * 20)
    assert torch.equal(processor.post_process(SimpleNamespace(logits=logits)), logits * 20)
    assert torch.equal(PerceiverOpticalFlowProcessor(flow_scale=3).post_process(logits), logits * 3)


def test_mistakes_are_named(processor, pair):
    with pytest.raises(DataError, match="`first` and `second` must hold as many pictures, received 2 and 1"):
        processor(pair, pair[:1])
    with pytest.raises(DataError, match=r"pictures of one size, received \(5, 6\) and \(5, 7\)"):
        processor(pair[0], pair[1, :, :, :6])
    with pytest.raises(
        DataError, match="`second`: `images` must be a picture or a list of pictures, received None"
    ):
        processor(pair[0], None)
    with pytest.raises(
        DataError, match=r"floats from 0 to 1.2 are neither in \[-1, 1\] nor clearly in \[0, 255\]"
    ):
        processor(torch.linspace(0, 1.2, 105).reshape(3, 5, 7), pair[1])
    with pytest.raises(DataError, match=r"float pictures must lie in \[-1, 1\], received -3 to 0"):
        processor(torch.linspace(-3, 0, 105).reshape(3, 5, 7), pair[1])
    with pytest.raises(
        ShapeError, match=r"`outputs` must have shape \[batch, height, width, 2\], received \[5, 7, 2\]"
    ):
        processor.post_process(torch.zeros(5, 7, 2))
    with pytest.raises(ConfigurationError, match="`patch_size` must be at least 1 pixel, received 0"):
        PerceiverOpticalFlowProcessor(patch_size=0)
    with pytest.raises(ConfigurationError, match="`flow_scale` must be above 0, received -1"):
        PerceiverOpticalFlowProcessor(flow_scale=-1)
    for window in (1, 4, -3):
        with pytest.raises(
            ConfigurationError,
            match=f"`contrast_window` must be 0, or odd and at least 3 pixels, received {window}",
        ):
            PerceiverOpticalFlowProcessor(contrast_window=window)
    with pytest.raises(
        ShapeError, match=r"`frames` must be floating-point \[batch, 2, 3, height, width\], received"
    ):
        processor.process_frames(torch.zeros(1, 2, 5, 7))


def test_contrast_is_normalised_before_neighbourhoods_are_taken(pair):
    frames = pair[None].float() / 255 * 2 - 1
    processor = PerceiverOpticalFlowProcessor(patch_size=1, contrast_window=5)
    assert torch.equal(processor(pair[0], pair[1]).inputs, normalize_contrast(frames, 5))


def test_settings_are_saved_and_read(tmp_path):
    PerceiverOpticalFlowProcessor(5, 7.0, 11).save_pretrained(tmp_path / "run")
    read = PerceiverOpticalFlowProcessor.from_pretrained(tmp_path / "run")
    assert (read.patch_size, read.flow_scale, read.contrast_window) == (5, 7.0, 11)


def test_settings_of_others_and_damaged_ones_are_named(tmp_path):
    with pytest.raises(
        CheckpointError, match="cannot read the settings of a PerceiverOpticalFlowProcessor from"
    ):
        PerceiverOpticalFlowProcessor.from_pretrained(tmp_path)
    for content in ("[]", "{", '{"image_processor_type": "PerceiverOpticalFlowProcessor", "colour": 3}'):
        (tmp_path / "preprocessor_config.json").write_text(content)
        with pytest.raises(CheckpointError, match="cannot read the settings"):
            PerceiverOpticalFlowProcessor.from_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text('{"image_processor_type": "PerceiverImageProcessor"}')
    with pytest.raises(CheckpointError, match="must hold the settings of a PerceiverOpticalFlowProcessor"):
        PerceiverOpticalFlowProcessor.from_pretrained(tmp_path)
