"""Random changes of clips: the same for all frames, within their bounds, nothing where nothing is asked for."""

from __future__ import annotations

import torch

from perceivers.data.video_augmentation import (
    random_colour,
    random_loudness,
    random_mirror,
    random_view,
)

CLIPS = torch.rand(7, 1, 3, 5, 11).expand(7, 2, 3, 5, 11).contiguous()
SOUND = 0.1 * torch.rand(200, 13, 1) + 0.05


def test_nothing_is_changed_where_nothing_is_asked_for():
    assert torch.equal(random_view(CLIPS, shift=0.0, scale=0.0), CLIPS)
    assert torch.equal(random_mirror(CLIPS, 0.0), CLIPS)
    assert torch.equal(random_colour(CLIPS, 0.0), CLIPS)
    assert torch.equal(random_loudness(SOUND, 0.0), SOUND)


def test_all_frames_of_a_clip_are_changed_alike_and_each_clip_in_its_own_way():
    for changed in (
        random_view(CLIPS, shift=0.3, scale=0.3),
        random_colour(CLIPS, 0.5),
    ):
        assert changed.shape == CLIPS.shape
        assert torch.allclose(changed[:, 0], changed[:, 1], atol=1e-6)
        difference = (changed - CLIPS).abs().flatten(1).amax(dim=1)
        assert (difference > 1e-3).all()


def test_a_shift_moves_by_its_share_at_most():
    clips = torch.zeros(64, 2, 3, 5, 21)
    clips[..., 10] = 1.0
    moved = random_view(clips, shift=0.2, scale=0.0)
    columns = moved[:, 0, 0, 2].argmax(dim=1)
    # A fifth of 21 pixels.
    assert int((columns - 10).abs().max()) in (3, 4)


def test_the_share_of_mirrored_clips_is_mirrored_whole():
    assert torch.equal(random_mirror(CLIPS, 1.0), CLIPS.flip(-1))
    many = CLIPS[:1].expand(400, -1, -1, -1, -1)
    mirrored = (random_mirror(many, 0.25) == CLIPS[:1].flip(-1)).flatten(1).all(dim=1)
    assert 60 < int(mirrored.sum()) < 140


def test_colours_keep_to_their_factor():
    clips = torch.full((300, 2, 3, 2, 2), 0.5)
    factors = random_colour(clips, 0.6)[:, 0, :, 0, 0] / 0.5
    assert 1 / 1.6 <= float(factors.min()) < 0.65
    assert 1.55 < float(factors.max()) <= 1.6
    assert float((factors[:, 0] - factors[:, 1]).abs().max()) > 0.5
    assert float(random_colour(torch.ones(50, 1, 3, 2, 2), 0.6).max()) == 1.0


def test_loudness_keeps_to_its_decibels_and_half_is_turned_over():
    factors = (random_loudness(SOUND, 6.0) / SOUND)[:, 0, 0]
    assert 60 < int((factors < 0).sum()) < 140
    # 6 dB are a factor of 1.995.
    assert 1.8 < float(factors.abs().max()) <= 1.9954
    assert 1 / 1.9954 <= float(factors.abs().min()) < 0.55
    assert float(random_loudness(torch.ones(50, 3, 1), 20.0).abs().max()) == 1.0
