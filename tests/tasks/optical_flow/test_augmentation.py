"""Augmentation changes frames and flow together, by hand-made numbers."""

import numpy as np
import pytest

from perceivers.tasks.optical_flow.augmentation import (
    ColourStrengths,
    FlowSample,
    adjust,
    change_colours,
    cut_window,
    mirror,
    random_window,
)

HEIGHT, WIDTH = 11, 13


@pytest.fixture
def sample():
    """Values that say where they come from: 100 y + x in the flow, and so on."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    place = rows * 100 + columns
    frame = np.repeat(place[..., None], 3, axis=-1)
    valid = np.ones((HEIGHT, WIDTH), dtype=bool)
    valid[2, 5] = False
    return FlowSample(frame, frame + 0.25, np.stack([place, -place], axis=-1), valid)


def test_adjusting_by_hand():
    # Grey of (1, 0, 0) is 0.299; without colour all three channels are that.
    red = np.float32([[[1.0, 0.0, 0.0]]])
    np.testing.assert_allclose(adjust(red, 0.5, 0.0, 0.0, -1.0)[0, 0], [0.299] * 3, rtol=1e-6)
    # Contrast 0.5 about 0.5, then 0.1 brighter: 1 becomes 1.35, 0 becomes -0.15.
    np.testing.assert_allclose(adjust(red, 0.5, 0.1, 0.5, 0.0)[0, 0], [1.35, -0.15, -0.15], rtol=1e-6)


def test_colours_change_both_frames_alike_and_leave_the_flow():
    generator = np.random.default_rng(0)
    frame = generator.random((HEIGHT, WIDTH, 3)).astype(np.float32) * 0.2 + 0.4
    flow, valid = np.ones((HEIGHT, WIDTH, 2), np.float32), np.ones((HEIGHT, WIDTH), bool)
    before = FlowSample(frame, frame, flow, valid)
    after = change_colours(before, ColourStrengths(0.2, 0.2, 0.2), generator)
    np.testing.assert_array_equal(after.first, after.second)
    assert np.abs(after.first - frame).max() > 0.01
    assert after.flow is flow
    assert after.valid is valid
    apart = change_colours(before, ColourStrengths(second_frame_change=0.1), generator)
    np.testing.assert_allclose(apart.first, frame, atol=1e-6)
    assert 0.001 < np.abs(apart.second - frame).max() < 0.2
    noisy = change_colours(before, ColourStrengths(noise=0.05), generator)
    assert noisy.first.dtype == np.float32
    assert 0 < np.abs(noisy.first - noisy.second).mean() < 0.1


def test_colours_stay_in_range():
    frame = np.ones((HEIGHT, WIDTH, 3), dtype=np.float32)
    sample = FlowSample(frame, 0 * frame, frame[..., :2], frame[..., 0] > 0)
    for seed in range(5):
        changed = change_colours(
            sample, ColourStrengths(0.9, 0.9, 0.9, 0.9, 0.5), np.random.default_rng(seed)
        )
        assert min(changed.first.min(), changed.second.min()) >= 0
        assert max(changed.first.max(), changed.second.max()) <= 1


def test_mirroring_turns_the_motion_too(sample):
    mirrored = mirror(sample, axis=1)
    assert mirrored.first[3, 0, 0] == 312
    assert mirrored.flow[3, 0].tolist() == [-312, -312]
    assert not mirrored.valid[2, WIDTH - 1 - 5]
    upside_down = mirror(sample, axis=0)
    assert upside_down.first[0, 4, 0] == 1004
    assert upside_down.flow[0, 4].tolist() == [1004, 1004]


def test_a_window_is_cut_with_its_margin(sample):
    window = cut_window(sample, 2, 5, 3, 4, margin=1)
    assert window.first.shape == (5, 6, 3)
    assert window.first[0, 0, 0] == 104
    assert window.first[1, 1, 0] == 205
    assert window.flow.shape == (3, 4, 2)
    assert window.flow[0, 0].tolist() == [205, -205]
    assert window.valid.tolist() == [[False, True, True, True], [True] * 4, [True] * 4]


def test_beyond_the_frame_all_is_black_and_not_valid(sample):
    window = cut_window(sample, 9, 0, 4, 3, margin=1)
    assert window.valid.tolist() == [[True] * 3, [True] * 3, [False] * 3, [False] * 3]
    assert window.first[0, :, 0].tolist() == [0, 800, 801, 802, 803]
    assert not window.first[3:].any()


def test_zooming_in_stretches_frames_and_motion(sample):
    window = cut_window(sample, 2.0, 4.0, 3, 5, zoom=2.0)
    # Half a pixel of the pair for each of the window's: 4, 4.5, 5, ...
    np.testing.assert_allclose(window.first[0, :, 0], [204, 204.5, 205, 205.5, 206])
    np.testing.assert_allclose(window.second[2, :, 0], [304.25, 304.75, 305.25, 305.75, 306.25])
    assert window.flow[0, 0].tolist() == [408, -408]
    assert window.flow[0, 4].tolist() == [412, -412]


def test_zoomed_windows_end_at_the_frame_as_others_do(sample):
    window = cut_window(sample, 0.0, 12.0, 1, 6, zoom=2.0)
    assert window.valid.tolist() == [[True, True, False, False, False, False]]
    assert window.first[0, :, 0].tolist()[2:] == [0, 0, 0, 0]


def test_random_windows_hold_known_flow_where_there_is_some(sample):
    valid = np.zeros((HEIGHT, WIDTH), dtype=bool)
    valid[:4, :4] = True
    sparse = FlowSample(sample.first, sample.second, sample.flow, valid)
    shares = [
        random_window(
            sparse, np.random.default_rng(seed), height=3, width=3, margin=1, attempts=40
        ).valid.mean()
        for seed in range(20)
    ]
    assert min(shares) >= 0.1
    seen = {
        float(random_window(sample, np.random.default_rng(seed), height=3, width=3, margin=0).first[0, 0, 0])
        for seed in range(40)
    }
    assert len(seen) > 20


def test_zoomed_random_windows_stay_inside(sample):
    for seed in range(30):
        window = random_window(sample, np.random.default_rng(seed), height=5, width=5, margin=0, zoom=1.0)
        assert window.valid.mean() > 0.9


def test_a_frame_smaller_than_the_window_is_filled_up(sample):
    window = random_window(sample, np.random.default_rng(0), height=17, width=19, margin=0, zoom=0.5)
    assert window.flow.shape == (17, 19, 2)
    assert window.valid.mean() > 0.3
