"""Flow by TV-L1: its order of axes and its direction, frames that are too small for it, and what brings it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from perceivers.errors import MissingExtraError
from perceivers.rivals.tv_l1 import tv_l1


def test_motion_is_found_right_and_down_in_pixels() -> None:
    pytest.importorskip("skimage")
    # Waves that move by 1 pixel to the right and 2 down.
    rows, columns = np.mgrid[:48, :64]
    first, second = (
        (0.5 + 0.25 * (np.sin(x / 4) + np.cos(y / 5))).astype(np.float32)
        for x, y in ((columns, rows), (columns - 1, rows - 2))
    )
    flow = tv_l1(first, second)
    assert flow.shape == (48, 64, 2)
    np.testing.assert_allclose(np.median(flow, axis=(0, 1)), [1.0, 2.0], atol=0.15)


@pytest.mark.parametrize("shape", [(1, 7), (7, 1), (1, 1)])
def test_of_frames_without_a_gradient_nothing_is_said_to_move(shape: tuple[int, int]) -> None:
    pytest.importorskip("skimage")
    frames = np.random.default_rng(0).random((2, *shape), dtype=np.float32)
    np.testing.assert_array_equal(tv_l1(*frames), np.zeros((*shape, 2)))


def test_without_scikit_image_one_line_says_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(MissingExtraError, match=r'`scikit-image`, .*: pip install "perceivers\[samples\]"'):
        tv_l1(np.zeros((3, 5)), np.zeros((3, 5)))
