"""Random changes of clips: the same for all frames, within their bounds, nothing where nothing is asked for."""

from __future__ import annotations

import torch

from perceivers.kinds.video.augmentation import (
    random_colour,
    random_loudness,
    random_mirror,
    random_mixture,
    random_speed,
    random_view,
)

CLIPS = torch.rand(7, 1, 3, 5, 11).expand(7, 2, 3, 5, 11).contiguous()
SOUND = 0.1 * torch.rand(200, 13, 1) + 0.05


def test_nothing_is_changed_where_nothing_is_asked_for():
    assert torch.equal(random_view(CLIPS, shift=0.0, scale=0.0), CLIPS)
    assert torch.equal(random_mirror(CLIPS, 0.0), CLIPS)
    assert torch.equal(random_colour(CLIPS, 0.0), CLIPS)
    assert torch.equal(random_loudness(SOUND, 0.0), SOUND)
    assert torch.equal(random_speed(SOUND, 0.0), SOUND)
    assert torch.equal(random_mixture(SOUND, 0.0), SOUND)


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


def test_louder_adds_its_decibels_without_turning_sound_over():
    assert torch.allclose(random_loudness(SOUND, 0.0, 6.0), (SOUND * 10**0.3).clamp(max=1.0))
    factors = (random_loudness(SOUND / 10, 3.0, 9.0) / (SOUND / 10)).abs().amax(dim=1)
    # 9 dB and up to 3 dB more or less: 6 and 12 dB.
    assert 10**0.3 <= float(factors.min()) < 2.2
    assert 3.7 < float(factors.max()) <= 10**0.6 + 1e-4


def test_speeds_keep_to_their_factor_and_sounds_begin_anywhere():
    # A slope from 0 to 1 that begins again: its steps, where it does not, say how fast it is played.
    slope = torch.linspace(0, 1, 101)[None, :, None].expand(300, -1, -1)
    played = random_speed(slope, 1.0)
    assert played.shape == slope.shape
    steps = played.diff(dim=1).median(dim=1).values[:, 0] * 100
    assert 0.5 - 1e-3 <= float(steps.min()) < 0.55
    assert 1.9 < float(steps.max()) <= 2.0 + 1e-3
    starts = played[:, 0, 0]
    assert float(starts.min()) < 0.1
    assert float(starts.max()) > 0.9


def test_a_mixture_is_a_sound_and_a_part_of_another_one_backwards():
    sounds = torch.zeros(2, 5, 1)
    sounds[0, 0], sounds[1, 1] = 0.5, 0.25
    torch.manual_seed(3)
    mixed = [random_mixture(sounds, 0.8) for _ in range(60)]
    crossed = [each for each in mixed if float(each[0, 3].abs()) > 0]
    assert crossed
    parts = torch.tensor([float(each[0, 3]) / 0.25 for each in crossed])
    assert all(float(each[0, 0]) == 0.5 for each in crossed)
    assert float(parts.min()) < -0.4
    assert float(parts.max()) > 0.4
    assert float(parts.abs().max()) <= 0.8
    assert float(random_mixture(torch.ones(9, 4, 1), 1.0).max()) == 1.0
