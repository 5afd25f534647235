"""Local contrast normalisation by hand, and what it leaves as it is."""

import torch

from perceivers.processors.optical_flow.contrast import normalize_contrast
from perceivers.processors.optical_flow.settings import LEAST_CONTRAST


def test_values_by_hand():
    # One row of three pixels, window 3: around the middle pixel are all six values of both frames, 0 to 5.
    frames = torch.tensor([[0.0, 2, 4], [1, 3, 5]]).reshape(1, 2, 1, 1, 3)
    normalized = normalize_contrast(frames, 3)
    deviation = (35 / 12) ** 0.5  # the variance of 0 to 5
    expected = torch.tensor([2 - 2.5, 3 - 2.5]) / (deviation + LEAST_CONTRAST)
    torch.testing.assert_close(normalized[0, :, 0, 0, 1], expected)
    # At the border only the pixels inside count: 0, 2, 1, 3 around the first.
    deviation = (5 / 4) ** 0.5
    torch.testing.assert_close(
        normalized[0, 0, 0, 0, 0], torch.tensor((0 - 1.5) / (deviation + LEAST_CONTRAST))
    )


def test_brighter_and_stronger_pictures_come_out_alike():
    frames = torch.rand(2, 2, 3, 17, 23) - 0.5
    changed = 0.7 * frames + 0.2
    normalized = normalize_contrast(frames, 7)
    # The constant that keeps flat areas flat makes the weaker picture a little weaker.
    assert (normalize_contrast(changed, 7) - normalized).abs().max() < 0.15
    assert normalized.std() > 0.8


def test_flat_areas_stay_flat():
    frames = torch.full((1, 2, 3, 11, 13), 0.3)
    assert normalize_contrast(frames, 5).abs().max() < 1e-3


def test_both_frames_are_changed_alike_and_samples_apart():
    frames = torch.rand(2, 2, 3, 11, 13)
    both = normalize_contrast(frames, 5)
    torch.testing.assert_close(normalize_contrast(frames.flip(1), 5), both.flip(1))
    torch.testing.assert_close(normalize_contrast(frames[1:], 5), both[1:])
