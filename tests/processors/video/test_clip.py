"""Clips as a batch: bytes to floats as torch divides them, black where there is none."""

from __future__ import annotations

import numpy as np
import torch

from perceivers.processors.video.clip import Clip, frames_of, stacked

BYTES = np.arange(256, dtype=np.uint8).repeat(3).reshape(2, 3, 16, 8)
WAVE = np.linspace(-1, 1, 11, dtype=np.float32)


def test_frames_are_those_of_torch_to_the_last_bit() -> None:
    batch = stacked([Clip(BYTES, WAVE), Clip(BYTES[::-1], -WAVE)])
    expected = torch.from_numpy(np.stack([BYTES, BYTES[::-1]])).float() / 255
    assert batch["image"].dtype == np.float32
    assert np.array_equal(batch["image"], expected.numpy())
    assert np.array_equal(batch["audio"], np.stack([WAVE, -WAVE])[..., None])


def test_where_there_is_no_clip_frames_are_black() -> None:
    frames = frames_of([None, Clip(BYTES, WAVE)], BYTES.shape)
    assert (frames[0] == 0).all()
    assert frames[1].max() == 1.0
