"""Still frames in the place of clips, against numbers worked out by hand."""

from __future__ import annotations

import pytest
import torch

from perceivers.errors import DataError
from perceivers.rivals.still_frames import StillFrames, moments


def clip(*frames: tuple[float, float]) -> torch.Tensor:
    """Frames of 1 x 2 pixels with one channel, [frames, 1, 1, 2]."""
    return torch.tensor(frames)[:, None, None]


def test_the_mean_of_all_frames_and_the_frame_nearest_to_each_clip_are_measured() -> None:
    # Frames of (0, 1) and (1, 1) have the mean (0.5, 1) and the mean square 0.75.
    mean, square = moments(clip((0.0, 1.0), (1.0, 1.0)))
    assert (mean.tolist(), float(square)) == ([0.5, 1.0], 0.75)
    still = StillFrames([moments(clip((0.0, 1.0), (1.0, 1.0))), moments(clip((0.0, 0.0)))])
    still.show(clip((1.0, 1.0), (0.0, 0.5)))
    still.show(clip((0.5, 0.0)))
    # The mean frame is (0.5, 0.5): of the first clip each frame is off by 0.5 at both pixels, of the second alike.
    assert still.errors_of_mean.tolist() == pytest.approx([0.25, 0.25])
    # (1, 1) is off by 1 at one of four pixels; (0.5, 0) is off by 0.5 at one of two, and (0, 0.5) as well.
    assert still.errors_of_nearest.tolist() == pytest.approx([0.25, 0.125])


def test_the_nearest_frame_is_each_clips_own() -> None:
    still = StillFrames([moments(clip((0.0, 1.0))), moments(clip((1.0, 0.0)))])
    still.show(clip((1.0, 0.0)))
    assert still.errors_of_nearest.tolist() == [1.0, 0.0]
    still.show(clip((0.0, 1.0)))
    assert still.errors_of_nearest.tolist() == [0.0, 0.0]


def test_errors_are_those_of_the_frames_themselves() -> None:
    generator = torch.Generator().manual_seed(0)
    clips, trained = (torch.rand(3, 5, 3, 2, 7, generator=generator) for _ in range(2))
    still = StillFrames([moments(each) for each in clips])
    for each in trained:
        still.show(each)
    frames = trained.flatten(0, 1)
    apart = (clips[:, None] - frames[None, :, None]).square().flatten(2).mean(dim=2)
    torch.testing.assert_close(still.errors_of_nearest.float(), apart.amin(dim=1))
    mean = (clips - frames.mean(dim=0)).square().flatten(1).mean(dim=1)
    torch.testing.assert_close(still.errors_of_mean.float(), mean)


def test_without_training_frames_nothing_is_said_and_without_clips_nothing_is_asked() -> None:
    still = StillFrames([moments(clip((0.0, 1.0)))])
    assert still.errors_of_mean.isnan().all()
    assert still.errors_of_nearest.isinf().all()
    with pytest.raises(DataError, match="`clips` must hold one clip or more, received none"):
        StillFrames([])
